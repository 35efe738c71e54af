"""Evidence: built from the booking, staged within minutes, sent once by an operator or by the clock."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ChargebackRefused, NotFound, OwnCase, ReasonMissing
from marketplace.domain.policy import Actor
from marketplace.gateways.payments import EVIDENCE_FIELDS, MOST_EVIDENCE
from marketplace.services import chargebacks
from marketplace.services.chargebacks.pack import fit
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.db import Database
from marketplace.storage.payments import ProviderCall
from marketplace.storage.people import AuditRow
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Provider
from tests.services.test_chargebacks import Case

SITE = "Déclic"


class Answered(Case):
    """A contested payment, staged as its job would, and an operator."""

    def __init__(
        self, db: Database, clock: FakeClock, provider: Provider, kind: str = "chargeback", **how: object
    ) -> None:
        super().__init__(db, clock, provider)
        self.boss = make.operator(db)
        self.dispute = self.contested(kind, **how)
        self.stage()

    @property
    def row(self) -> Chargeback:
        return self.chargebacks()[-1]

    def stage(self) -> None:
        chargebacks.stage(self.db, self.row.id, site=SITE)
        self.sweep(1)

    def send(self, by: Actor | None = None) -> None:
        row = self.row
        chargebacks.send(
            self.db, by or self.boss, chargeback_id=row.id, shown=chargebacks.digest(row.evidence)
        )

    def theirs(self) -> dict[str, object]:
        """The dispute as the provider has it."""
        return next(one for one in self.provider.objects("dispute") if one["id"] == self.dispute)

    def acts(self) -> list[str]:
        with self.db.reading() as session:
            return list(
                session.scalars(
                    sa.select(AuditRow.act)
                    .where(AuditRow.subject == self.dispute)
                    .order_by(AuditRow.at, AuditRow.id)
                )
            )

    def calls(self) -> list[ProviderCall]:
        with self.db.reading() as session:
            return list(
                session.scalars(
                    sa.select(ProviderCall)
                    .where(ProviderCall.kind == "submit_evidence")
                    .order_by(ProviderCall.id)
                )
            )


@pytest.fixture
def case(db: Database, clock: FakeClock, provider: Provider) -> Answered:
    return Answered(db, clock, provider)


def test_the_pack_says_what_is_recorded_and_the_provider_holds_it_unsent(case: Answered) -> None:
    evidence = case.row.evidence
    lead = case.made.lead.person
    assert evidence["customer_email_address"] == lead.email
    assert evidence["customer_purchase_ip"] == "192.0.2.7"
    assert lead.name in evidence["customer_name"]
    assert "terms, version 2026-11-24: accepted 2026-11-24 09:00 UTC" in evidence["refund_policy_disclosure"]
    assert "72 hours or more before the start: 100 % refunded" in evidence["refund_policy_disclosure"]
    assert "“Poser 38 000 compteurs”" in evidence["product_description"]
    assert "payment taken; the booking was confirmed" in evidence["access_activity_log"]
    assert "did not cancel" in evidence["cancellation_rebuttal"]
    assert "duplicate_charge_explanation" not in evidence
    theirs = case.theirs()
    assert {name: text for name, text in theirs["evidence"].items() if text and name in evidence} == evidence  # type: ignore[attr-defined]
    assert theirs["evidence_details"]["submission_count"] == 0  # type: ignore[index]
    assert case.row.staged_at is not None
    case.stage()
    assert len(case.calls()) == 1  # The same again is not staged again.


def test_an_operator_s_words_go_first_and_are_staged_anew(case: Answered) -> None:
    chargebacks.save_statement(
        case.db, case.boss, chargeback_id=case.row.id, words="The session took place in full.", site=SITE
    )
    case.sweep(1)
    assert case.row.evidence["uncategorized_text"].startswith("The session took place in full.")
    assert case.theirs()["evidence"]["uncategorized_text"] == case.row.evidence["uncategorized_text"]  # type: ignore[index]


def test_sent_once_by_an_operator(case: Answered) -> None:
    case.send()
    case.sweep(1)
    row = case.row
    assert row.submitted_at is not None
    assert row.sent_by == case.boss.person_id
    assert row.state == "review"
    assert case.theirs()["evidence_details"]["submission_count"] == 1  # type: ignore[index]
    for act in ("send", "say"):
        with pytest.raises(ChargebackRefused) as refused:
            if act == "send":
                case.send()
            else:
                chargebacks.save_statement(case.db, case.boss, chargeback_id=row.id, words="more", site=SITE)
        assert refused.value.facts["why"] == "sent"
    acts = case.acts()
    assert acts[:2] == ["chargeback.open", "chargeback.sent"]
    # In the same instant: what the provider says of it, and that it has it.
    assert sorted(acts[2:]) == ["chargeback.review", "chargeback.submitted"]


def test_only_what_was_seen_is_sent(case: Answered) -> None:
    shown = chargebacks.digest(case.row.evidence)
    chargebacks.save_statement(case.db, case.boss, chargeback_id=case.row.id, words="More words.", site=SITE)
    with pytest.raises(ChargebackRefused) as refused:
        chargebacks.send(case.db, case.boss, chargeback_id=case.row.id, shown=shown)
    assert refused.value.facts["why"] == "changed"


def test_the_clock_sends_it_a_day_before_the_deadline(case: Answered) -> None:
    due = case.row.evidence_due
    assert due is not None
    case.clock.move_to(due - timedelta(hours=25, minutes=1))
    assert chargebacks.run_clock(case.db, site=SITE) == 0
    case.clock.move(timedelta(minutes=1))
    assert chargebacks.run_clock(case.db, site=SITE) == 1
    assert chargebacks.run_clock(case.db, site=SITE) == 0
    case.sweep(1)
    row = case.row
    assert row.submitted_at is not None
    assert row.submitted_at <= due - timedelta(days=1)
    assert row.sent_by is None


def test_without_a_deadline_the_clock_never_sends(db: Database, clock: FakeClock, provider: Provider) -> None:
    case = Answered(db, clock, provider, deadline=False)
    assert case.row.evidence_due is None
    clock.move(timedelta(days=40))
    assert chargebacks.run_clock(db, site=SITE) == 0
    case.send()
    case.sweep(1)
    assert case.row.submitted_at is not None


def test_nothing_is_sent_for_one_that_was_prevented(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    case = Answered(db, clock, provider, "prevented")
    assert case.row.evidence == {}
    with pytest.raises(ChargebackRefused):
        case.send()
    assert chargebacks.run_clock(db, site=SITE) == 0
    assert case.calls() == []


def test_an_inquiry_is_answered_and_once_more_when_it_becomes_a_dispute(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    case = Answered(db, clock, provider, "inquiry")
    case.send()
    case.sweep(1)
    assert case.row.submitted_at is not None
    assert case.row.state == "inquiry"
    provider.escalate(case.dispute)
    case.sweep(1)
    anew = case.row
    assert anew.state == "open"
    assert not anew.sent_at
    assert not anew.submitted_at
    case.stage()
    case.send()
    case.sweep(1)
    assert case.row.state == "review"


@pytest.mark.parametrize("fault", ["lost_reply", "failure", "busy"])
def test_whatever_the_line_does_it_is_sent_once(case: Answered, fault: str) -> None:
    case.send()
    case.provider.wire.faults.append(fault)
    case.sweep()
    assert case.row.submitted_at is not None
    assert case.theirs()["evidence_details"]["submission_count"] == 1  # type: ignore[index]


def test_evidence_sent_on_the_provider_s_own_pages_counts(case: Answered) -> None:
    case.provider.gateway.submit_evidence(
        key=str(uuid.uuid4()), chargeback_id=case.dispute, evidence={"customer_name": "x"}, submit=True
    )
    case.send()  # We have not heard of it yet.
    case.sweep(1)
    assert case.row.submitted_at is not None
    assert case.theirs()["evidence"]["customer_name"] == "x"  # type: ignore[index]


def test_two_operators_click_at_once(case: Answered) -> None:
    """On one connection they come one after the other; the lock makes it so on two (test_rival_moves.py)."""
    other, met = make.operator(case.db), []
    for who in (case.boss, other):
        try:
            case.send(who)
        except ChargebackRefused as refused:
            met.append(refused.facts["why"])
    assert met == ["sent"]
    assert sum(call.parameters["submit"] for call in case.calls()) == 1


def test_too_late_and_not_for_everybody(case: Answered) -> None:
    with pytest.raises(NotFound):
        case.send(case.made.lead.actor)
    with pytest.raises(OwnCase):
        case.send(Actor(case.made.lead.person.id, operator=True))
    case.clock.move_to(case.row.evidence_due)  # type: ignore[arg-type]
    with pytest.raises(ChargebackRefused) as refused:
        case.send()
    assert refused.value.facts["why"] == "late"
    with pytest.raises(NotFound):
        chargebacks.send(case.db, case.boss, chargeback_id=uuid.uuid4(), shown="")


def test_an_operator_says_otherwise_before_and_after(case: Answered) -> None:

    def say(what: str, why: str = "It was agreed so.") -> None:
        chargebacks.say_otherwise(case.db, case.boss, chargeback_id=case.row.id, booked_as=what, reason=why)

    with pytest.raises(ReasonMissing):
        say("loss", " ")
    with pytest.raises(NotFound):
        say("nothing")
    say("loss")
    case.decided(case.dispute, False)
    # Before the start: our loss, and yet called off; nothing of it is sent a second time.
    assert case.state == "cancelled"
    assert case.row.booked_as == "loss"
    with pytest.raises(ChargebackRefused):
        say("loss")


def test_a_booked_loss_can_still_become_a_refund(db: Database, clock: FakeClock, provider: Provider) -> None:
    case = Answered.__new__(Answered)
    Case.__init__(case, db, clock, provider)
    case.boss = make.operator(db)
    case.transferred()
    case.dispute = case.contested()
    case.decided(case.dispute, False)
    assert case.books()["dispute_losses"] == case.total
    chargebacks.say_otherwise(
        db, case.boss, chargeback_id=case.row.id, booked_as="refund", reason="The expert never came."
    )
    case.sweep()
    assert set(case.books()) == {"provider_balance", "provider_fees"}
    assert case.transfer.reversed_minor == case.transfer.amount_minor
    with pytest.raises(ChargebackRefused):
        chargebacks.say_otherwise(
            db, case.boss, chargeback_id=case.row.id, booked_as="refund", reason="Once more."
        )


def test_the_list_is_by_deadline_and_pages_on(db: Database, clock: FakeClock, provider: Provider) -> None:
    first = Answered(db, clock, provider)
    clock.move(timedelta(days=1))
    second = Answered(db, clock, provider)
    never = Answered(db, clock, provider, deadline=False)
    with db.reading() as session:
        page = chargebacks.list_chargebacks(session, tab="answer", most=2)
        assert [row.id for row in page.rows] == [first.row.id, second.row.id]
        rest = chargebacks.list_chargebacks(session, tab="answer", after=page.after, most=2)
        assert [row.id for row in rest.rows] == [never.row.id]
        assert rest.after is None
        assert chargebacks.chargeback_counts(session) == {"answer": 3, "bank": 0}
    first.send()
    second.decided(second.dispute, True)
    with db.reading() as session:
        assert [r.id for r in chargebacks.list_chargebacks(session, tab="bank").rows] == [first.row.id]
        assert [r.id for r in chargebacks.list_chargebacks(session, tab="over").rows] == [second.row.id]


def test_every_field_of_the_pack_is_shown(case: Answered) -> None:
    """The page shows all that is sent."""
    with case.db.reading() as session:
        page = chargebacks.chargeback_page(session, case.row.id)
    assert dict(page.evidence) == case.row.evidence


def test_evidence_is_cut_to_the_provider_s_limits() -> None:
    texts = dict.fromkeys(EVIDENCE_FIELDS, "a" * 30_000)
    kept = fit(texts)
    assert sum(map(len, kept.values())) <= MOST_EVIDENCE
    assert all(len(text) <= EVIDENCE_FIELDS[name] for name, text in kept.items())
    assert fit({"customer_name": "  "}) == {}
