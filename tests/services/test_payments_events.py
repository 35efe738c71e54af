"""The provider's events: kept once, applied by fetching, in any order, and not needed at all."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import ProviderBusy
from marketplace.domain.pricing import LINES
from marketplace.services import ledger, payments
from marketplace.services.payments.applying import REFUND_MAY_FAIL
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent, Payment
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


class TestTheInbox:
    def test_an_event_moves_the_payment_it_is_about(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        for body in provider.events(payment):
            provider.post(money.db, body)
        assert money.read(payment.id).state == "authorised"

    def test_the_same_event_is_kept_once(self, money: Money, provider: Provider, db: Database) -> None:
        payment = money.open()
        provider.pay(payment)
        body = provider.events(payment)[0]
        provider.post(db, body)
        provider.post(db, body)
        with db.reading() as session:
            (kept,) = session.scalars(sa.select(InboxEvent)).all()
        assert kept.applied_at is not None
        assert json.loads(kept.body)["raw"] == body.decode()

    def test_what_it_says_is_not_believed_but_fetched(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        body = json.loads(provider.events(payment)[0])
        body["data"]["object"]["status"] = "succeeded"  # A lie, or yesterday's truth.
        provider.post(money.db, json.dumps(body).encode())
        assert money.read(payment.id).state == "authorised"

    def test_one_about_nothing_of_ours_is_done_with(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        body = provider.events(payment)[0].replace(payment.reference.encode(), b"somebody-elses")
        body = body.replace(b"cs_test_", b"cs_else_").replace(b"pi_", b"pi_else_")
        provider.post(money.db, body)
        assert money.read(payment.id).state == "open"
        with money.db.reading() as session:
            assert session.scalars(sa.select(InboxEvent.applied_at)).one() is not None

    def test_the_provider_is_away_and_the_sweep_applies_it(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        account_id = provider.account()
        money.has_account(account_id, "pending")
        with money.db.transaction() as tx:
            tx.session.add(
                InboxEvent(
                    provider="stripe", event_id="evt_1", kind="account.updated", received_at=tx.now,
                    body=json.dumps({"event": {"object_kind": "account", "object_id": account_id}, "raw": "{}"}),
                )
            )  # fmt: skip
            tx.session.flush()
            inbox_id = tx.session.scalars(sa.select(InboxEvent.id)).one()
        provider.wire.away = True
        with pytest.raises(ProviderBusy):
            payments.apply_event(money.db, provider.gateway, inbox_id)
        with money.db.reading() as session:
            assert session.get_one(InboxEvent, inbox_id).error
        provider.wire.away = False
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)
        with money.db.reading() as session:
            assert session.get_one(Expert, money.seller.expert.id).account_status == "active"
            assert session.get_one(InboxEvent, inbox_id).applied_at is not None


class TestTheSweep:
    def test_an_account_that_opened_up_unheard_is_seen(self, money: Money, provider: Provider) -> None:
        money.has_account(provider.account(), "restricted")
        payments.sweep(money.db, provider.gateway)
        with money.db.reading() as session:
            assert session.get_one(Expert, money.seller.expert.id).account_status == "active"

    def test_a_fee_booked_later_is_posted(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        with money.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("capture")
        (charge,) = provider.objects("charge")
        provider.change("charge", charge["id"], balance_transaction=None)
        money.carry("capture")
        assert money.read(payment.id).state == "captured"
        assert not self.fee_posted(money, charge["id"])
        provider.change("charge", charge["id"], balance_transaction=charge["balance_transaction"])
        payments.sweep(money.db, provider.gateway)
        assert self.fee_posted(money, charge["id"])

    @staticmethod
    def fee_posted(money: Money, charge_id: str) -> bool:
        with money.db.reading() as session:
            return ledger.is_posted(session, charge_id, ledger.PROVIDER_FEE)

    def test_one_that_fails_does_not_stop_the_others(self, money: Money, provider: Provider) -> None:
        other = Money(money.db, provider)
        for one in (money, other):
            provider.pay(one.open())
        with money.db.transaction() as tx:
            lost = tx.session.scalars(sa.select(Payment).where(Payment.subject == other.subject)).one()
            lost.checkout_id = f"cs_test_{uuid.uuid4().hex}"  # The provider knows no such checkout.
        payments.sweep(money.db, provider.gateway)
        assert money.read(money.call("open_checkout").payment_id).state == "authorised"


# --- Any order, any duplication, any loss ------------------------------------------------------

gaps = st.lists(st.integers(0, 30), max_size=4)


def play(money: Money, provider: Provider, end: str, posted: list[list[int]], spoiled: list[bool]) -> Payment:
    """One payment to its end, with these of its events posted in each pause, these calls' answers lost."""
    payment = money.open()
    _post(money, provider, payment, posted[0])
    if end != "never_paid":
        provider.pay(payment)
    _post(money, provider, payment, posted[1])
    # The booking acts on what it knows; it learns it here at the latest.
    payments.sweep(money.db, provider.gateway)
    if end in ("taken", "half_back", "all_back"):
        with money.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        _carry(money, provider, "capture", spoiled[0])
        _post(money, provider, payment, posted[2])
        payments.sweep(money.db, provider.gateway)
    if end == "given_up":
        with money.locked(payment) as (tx, row):
            payments.drop_live_payment(tx, row.subject, why="declined")
        _carry(money, provider, "release", spoiled[0])
        _post(money, provider, payment, posted[2])
    if end in ("half_back", "all_back"):
        money.refund(payment, 50 if end == "half_back" else 100)
        _carry(money, provider, "refund", spoiled[1])
        _post(money, provider, payment, posted[3])
    if end in ("taken", "half_back"):
        money.share_due(payment)
    money.db.clock.move(timedelta(minutes=45))  # type: ignore[attr-defined]
    for _ in range(3):
        payments.sweep(money.db, provider.gateway)
    return money.read(payment.id)


def _post(money: Money, provider: Provider, payment: Payment, which: list[int]) -> None:
    events = provider.events(money.read(payment.id))
    for index in which:
        if events:
            provider.post(money.db, events[index % len(events)])


def _carry(money: Money, provider: Provider, kind: str, spoil: bool) -> None:
    if spoil:
        provider.wire.faults.append("lost_reply")
    try:
        money.carry(kind)
    except ProviderBusy:
        assert spoil
    money.db.clock.move(timedelta(seconds=30))  # type: ignore[attr-defined]


def seen_of(money: Money, payment: Payment) -> dict[str, object]:
    """The payment and its books, without anybody's own ids."""
    with money.db.reading() as session:
        groups = ledger.entries_of(session, money.subject)
        findings = [one.text for one in ledger.check(session) if not one.shortfall]
    named = {
        str(money.subject): "booking",
        str(money.seller.expert.id): "expert",
        str(money.company.id): "buyer",
    }

    def plain(account: str) -> str:
        return ":".join(named.get(part, part) for part in account.split(":"))

    return {
        "state": payment.state,
        "captured": payment.captured_minor,
        "refunded": payment.refunded_minor,
        "refunds": [(refund.state, refund.amount_minor) for refund in money.refunds()],
        "groups": sorted(
            (one.kind, sorted((plain(name), minor) for name, minor in one.entries)) for one in groups
        ),
        "findings": findings,
    }


ENDS = ("never_paid", "given_up", "taken", "half_back", "all_back")
REFERENCE: dict[str, dict[str, object]] = {}


@settings(
    max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    end=st.sampled_from(ENDS),
    posted=st.tuples(gaps, gaps, gaps, gaps).map(list),
    spoiled=st.tuples(st.booleans(), st.booleans()).map(list),
)
def test_any_order_duplication_or_loss_ends_the_same(
    db: Database, provider: Provider, end: str, posted: list[list[int]], spoiled: list[bool]
) -> None:
    # What was played before is past looking at: each example drives its own payment alone.
    provider.forget()
    db.clock.move(REFUND_MAY_FAIL)  # type: ignore[attr-defined]
    if end not in REFERENCE:
        calm = Money(db, provider)
        REFERENCE[end] = seen_of(calm, play(calm, provider, end, [[], [], [], []], [False, False]))
        assert REFERENCE[end]["findings"] == []
    money = Money(db, provider)
    assert seen_of(money, play(money, provider, end, posted, spoiled)) == REFERENCE[end]


def test_the_calm_course_is_what_the_design_says(db: Database, provider: Provider) -> None:
    money = Money(db, provider)
    seen = seen_of(money, play(money, provider, "half_back", [[], [], [], []], [False, False]))
    assert (seen["state"], seen["refunded"]) == ("captured", 76_320)
    assert [kind for kind, _entries in seen["groups"]] == ["captured", "provider_fee", "refund", "share_due"]  # type: ignore[union-attr]
    assert sum(money.quote().lines[name] for name in LINES) == 152_640
