"""Approvals on a real database: the rule, the approver, asking, the yes and the no, the clock, terms, rescues."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain import deadlines
from marketplace.domain.approvals import INVITATION_LIVES, asks
from marketplace.domain.errors import (
    ApprovalAnswered,
    ApprovalNeeded,
    ApprovalNotAsked,
    ApprovalRuleWrong,
    ApproverStands,
    ApproverWrong,
    BillingMissing,
    BriefIncomplete,
    LinkSpent,
    MoveNotOpen,
    NoApprover,
    NoMoreExtensions,
    NoTerms,
    NotFound,
    NoTimeToApprove,
    ReasonMissing,
    TermsNotAccepted,
    TooLate,
    TooManyTries,
    WeakPassword,
)
from marketplace.domain.policy import Actor
from marketplace.domain.pricing import Quote
from marketplace.services import approvals, bookings, letters
from marketplace.services.bookings.approving import (
    count_to_approve,
    drop_if_dearer,
    shown_to,
    to_approve,
)
from marketplace.services.bookings.wanted import wanted_offer
from marketplace.services.people import actor_for, log_in
from marketplace.services.privacy import export_own
from marketplace.storage.approvals import ApproverInvitation
from marketplace.storage.availability import Claim
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.clock import real_now
from marketplace.storage.companies import Company, Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.letters import Letter
from marketplace.storage.payments import Payment, ProviderCall
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, complete, html_of, opened, text_of

LINK = re.compile(r"https://declic\.example/approver_invitation/([\w-]+)/")
PASSWORD = "trois chats dorment au soleil"
HOUR = timedelta(hours=1)


def approver_of(db: Database, lead: make.Lead, **more: Any) -> Actor:
    """Somebody who approves for the lead's company."""
    who = make.person(db, email=f"daf{uuid.uuid4().hex[:6]}@{lead.company.domain}", name="Aline Daf", **more)
    with db.transaction() as tx:
        tx.session.add(
            Membership(person_id=who.id, company_id=lead.company.id, roles=["approver"], joined_at=tx.now)
        )
    return Actor(who.id, companies={lead.company.id: frozenset({"approver"})})


def held(db: Database, rule: str = "always", above: int | None = None, **offer: Any) -> make.Made:
    """A hold with its brief written, in a company with this rule."""
    made = make.booking(db, **offer)
    make.write_brief(db, made)
    approvals.set_rule(db, made.lead.actor, kind=rule, above_minor=above)
    return made


def ask(db: Database, made: make.Made, token: str = "ask", **more: Any) -> Booking:
    values: dict[str, Any] = {"accepted": make.DOCUMENTS, "platform": make.PLATFORM} | more
    return bookings.ask_approval(db, made.lead.actor, booking_id=made.id, token=token, **values)


def moves(db: Database, made: make.Made) -> list[str]:
    with db.reading() as session:
        return list(
            session.scalars(
                sa.select(BookingMove.move)
                .where(BookingMove.booking_id == made.id)
                .order_by(BookingMove.at, BookingMove.id)
            )
        )


def claimed(db: Database, booking_id: uuid.UUID) -> bool:
    with db.reading() as session:
        return bool(session.scalar(sa.select(Claim.live).where(Claim.booking_id == booking_id, Claim.live)))


def terms(db: Database, made: make.Made) -> None:
    with db.transaction() as tx:
        tx.session.get_one(Company, made.lead.company.id).terms_since = tx.now


# The rule.


@pytest.mark.parametrize(
    ("kind", "above", "total", "asked"),
    [
        (None, None, 1, False),
        ("always", None, 1, True),
        ("above", 100, 100, False),
        ("above", 100, 101, True),
    ],
)
def test_a_rule_asks_always_or_above_its_amount(kind: Any, above: Any, total: int, asked: bool) -> None:
    assert asks(kind, above, total) is asked


@pytest.mark.parametrize(
    ("kind", "above"), [("often", None), ("above", None), ("above", 0), ("above", -1), ("above", 10_000_001)]
)
def test_what_is_no_rule_is_refused(db: Database, kind: str, above: int | None) -> None:
    lead = make.lead(db)
    with pytest.raises(ApprovalRuleWrong):
        approvals.set_rule(db, lead.actor, kind=kind, above_minor=above)
    with db.reading() as session:
        assert approvals.rule_of(session, lead.company.id) is None


def test_a_rule_is_set_changed_and_taken_away_by_administrators_alone(db: Database) -> None:
    lead = make.lead(db)
    for kind, above, asked in (("above", 5000, True), ("always", None, True), ("none", None, False)):
        approvals.set_rule(db, lead.actor, kind=kind, above_minor=above)
        with db.reading() as session:
            assert approvals.asks_for(session, lead.company.id, 5001) is asked
    plain = Actor(lead.person.id, companies={lead.company.id: frozenset({"lead"})})
    with pytest.raises(NotFound):
        approvals.set_rule(db, plain, kind="always")


# Becoming the approver.


def invite(db: Database, lead: make.Lead, email: str | None = None) -> tuple[ApproverInvitation, str]:
    """The open invitation and the token of its letter."""
    approvals.invite_approver(
        db, lead.actor, email=email or f"daf@{lead.company.domain}", real_now=real_now()
    )
    with db.reading() as session:
        invitation = session.scalars(
            sa.select(ApproverInvitation)
            .where(ApproverInvitation.company_id == lead.company.id, ApproverInvitation.revoked_at.is_(None))
            .order_by(ApproverInvitation.id.desc())
        ).first()
        assert invitation is not None
    letters.approver_invited(db, STATIONERY, invitation_id=invitation.id)
    with db.reading() as session:
        rows = session.scalars(
            sa.select(Letter).where(Letter.recipient == invitation.email).order_by(Letter.id.desc())
        ).all()
    found = LINK.search(text_of(opened(rows[0].message)))
    assert found
    return invitation, found[1]


def newcomer(db: Database, token: str, **more: Any) -> Any:
    values: dict[str, Any] = {
        "name": "Aline Daf", "password": PASSWORD, "accepted": ("terms",), "language": "fr", "zone": "Europe/Paris",
        "address": "192.0.2.1", "user_agent": "t", "real_now": real_now(),
    } | more  # fmt: skip
    return approvals.join_as_newcomer(db, token=token, **values)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_invitation_goes_by_mail_once_with_its_only_token(db: Database, language: str) -> None:
    lead = make.lead(db, language=language)
    invitation, token = invite(db, lead)
    letters.approver_invited(db, STATIONERY, invitation_id=invitation.id)
    with db.reading() as session:
        [row] = session.scalars(sa.select(Letter).where(Letter.event == "approver_invited")).all()
        kept = session.get_one(ApproverInvitation, invitation.id)
    complete("approver_invited", opened(row.message), language)
    assert lead.company.name in html_of(opened(row.message))
    assert row.person_id is None
    assert kept.token_hash is not None
    assert token.encode() not in kept.token_hash
    assert kept.until == kept.made_at + INVITATION_LIVES


def test_a_newcomer_joins_with_a_password_and_is_in(db: Database) -> None:
    lead = make.lead(db)
    _invitation, token = invite(db, lead)
    signed = newcomer(db, token)
    with db.reading() as session:
        actor = actor_for(session, signed.person_id)
        who = session.get_one(Person, signed.person_id)
        assert [one.id for one in approvals.approvals_of(session, lead.actor).approvers] == [who.id]
    assert actor.companies == {lead.company.id: frozenset({"approver"})}
    assert who.email_verified_at is not None
    assert isinstance(
        log_in(db, email=who.email, password=PASSWORD, address="192.0.2.2", user_agent="t", real_now=real_now()),
        type(signed),
    )  # fmt: skip
    with pytest.raises(LinkSpent):
        newcomer(db, token)
    exported = export_own(db, actor, address="", real_now=real_now())
    assert isinstance(exported, dict)
    assert exported["approver_invitations"][0]["email"] == who.email


def test_what_a_newcomer_lacks_leaves_the_link_usable(db: Database) -> None:
    _invitation, token = invite(db, make.lead(db))
    with pytest.raises(WeakPassword):
        newcomer(db, token, password="motdepasse")
    with pytest.raises(TermsNotAccepted):
        newcomer(db, token, accepted=())
    assert newcomer(db, token)


def test_a_known_account_joins_and_keeps_what_it_is(db: Database) -> None:
    lead = make.lead(db)
    colleague = make.lead(db, domain=lead.company.domain)
    _invitation, token = invite(db, lead, colleague.person.email)
    with pytest.raises(LinkSpent):  # Nobody chooses a password for an account that stands.
        newcomer(db, token)
    with pytest.raises(NotFound):
        approvals.join_as_approver(db, make.lead(db).actor, token=token)
    assert approvals.join_as_approver(db, colleague.actor, token=token).id == lead.company.id
    with db.reading() as session:
        actor = actor_for(session, colleague.person.id)
    assert actor.companies[lead.company.id] == {"approver"}
    assert actor.companies[colleague.company.id] == {"lead", "admin"}
    with pytest.raises(LinkSpent):
        approvals.join_as_approver(db, colleague.actor, token=token)


def test_only_colleagues_are_invited_one_at_a_time_and_not_too_often(db: Database) -> None:
    lead = make.lead(db)
    at = lead.company.domain
    with pytest.raises(ApproverWrong):
        approvals.invite_approver(db, lead.actor, email="daf@elsewhere.example", real_now=real_now())
    with pytest.raises(ApproverWrong):
        approvals.invite_approver(db, lead.actor, email=lead.person.email.upper(), real_now=real_now())
    approver_of(db, lead)
    with pytest.raises(ApproverStands):
        approvals.invite_approver(db, lead.actor, email=f"b@{at}", real_now=real_now())
    other = make.lead(db)
    told = [
        approvals.invite_approver(db, other.actor, email=f"daf@{other.company.domain}", real_now=real_now())
        for _ in range(6)
    ]
    assert told[:5] == [None] * 5
    assert isinstance(told[5], TooManyTries)


@pytest.mark.parametrize("how", ["again", "taken_back", "run_out"])
def test_a_link_ends_with_the_next_one_with_being_taken_back_and_with_time(
    db: Database, clock: FakeClock, how: str
) -> None:
    lead = make.lead(db)
    _invitation, token = invite(db, lead)
    if how == "again":
        _other, fresh = invite(db, lead)
        assert fresh != token
    elif how == "taken_back":
        approvals.cancel_invitation(db, lead.actor)
    else:
        clock.move(INVITATION_LIVES)
    with db.reading() as session:
        assert approvals.invitation_of(session, token, db.clock()) is None
    with pytest.raises(LinkSpent):
        newcomer(db, token)


def test_an_approver_leaves_and_another_may_be_invited(db: Database) -> None:
    lead = make.lead(db)
    gone = approver_of(db, lead)
    with pytest.raises(NotFound):
        approvals.remove_approver(db, lead.actor, person_id=lead.person.id)
    with pytest.raises(NotFound):
        approvals.remove_approver(db, make.lead(db).actor, person_id=gone.person_id or lead.person.id)
    assert gone.person_id
    approvals.remove_approver(db, lead.actor, person_id=gone.person_id)
    with db.reading() as session:
        assert actor_for(session, gone.person_id).companies == {}
    assert invite(db, lead)


def test_of_two_acceptances_at_once_one_wins(own_url: str, clock: FakeClock) -> None:
    # Two open links never stand together; the same link in two hands does.
    engine = connect(own_url)
    db = Database(engine, clock=clock)
    lead = make.lead(db)
    _invitation, token = invite(db, lead)
    outcomes: list[str] = []

    def accept() -> None:
        try:
            newcomer(db, token)
            outcomes.append("in")
        except LinkSpent:
            outcomes.append("spent")

    threads = [threading.Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert sorted(outcomes) == ["in", "spent"]


# Asking.


def test_payment_waits_for_the_approval_and_says_so(db: Database) -> None:
    made = held(db)
    with pytest.raises(ApprovalNeeded) as refused:
        make.open_payment(db, made)
    assert refused.value.facts["total"] == 158400
    assert moves(db, made) == ["hold"]


def test_above_an_amount_counts_the_total_with_vat(db: Database) -> None:
    below = held(db, "above", 158400)
    with pytest.raises(ApprovalNotAsked):
        ask(db, below)
    assert make.open_payment(db, below)
    above = held(db, "above", 158399)
    with pytest.raises(ApprovalNeeded):
        make.open_payment(db, above)


def test_asking_needs_all_that_payment_needs(db: Database) -> None:
    made = make.booking(db)
    approvals.set_rule(db, made.lead.actor, kind="always")
    approver_of(db, made.lead)
    with pytest.raises(BriefIncomplete):
        ask(db, made)
    make.write_brief(db, made)
    with pytest.raises(TermsNotAccepted):
        ask(db, made, accepted=("charter",))
    with db.transaction() as tx:
        tx.session.get_one(Company, made.lead.company.id).street = None
    with pytest.raises(BillingMissing):
        ask(db, made)
    assert moves(db, made) == ["hold"]


def test_nobody_to_ask_or_only_oneself_is_refused_by_name(db: Database) -> None:
    made = held(db)
    with pytest.raises(NoApprover):
        ask(db, made)
    with db.transaction() as tx:
        place = tx.session.scalars(
            sa.select(Membership).where(Membership.person_id == made.lead.person.id)
        ).one()
        place.roles = [*place.roles, "approver"]
    with pytest.raises(NoApprover):
        ask(db, made)


def test_asked_it_waits_with_its_slot_quote_and_deadline(db: Database) -> None:
    made = held(db, days_ahead=20)
    approver_of(db, made.lead)
    booking = ask(db, made)
    assert booking.state == "awaiting_approval"
    assert booking.deadline == db.clock() + 72 * HOUR
    assert Quote.from_dict(booking.quote or {}).total == 158400
    assert claimed(db, made.id)
    assert ask(db, made).state == "awaiting_approval"  # The same form again changes nothing.
    assert moves(db, made) == ["hold", "ask_approval"]
    with pytest.raises(MoveNotOpen):
        ask(db, made, token="other")
    with pytest.raises(MoveNotOpen):
        make.open_payment(db, made)


@pytest.mark.parametrize(("instant", "least"), [(False, 4), (True, 1)])
def test_too_near_a_start_is_refused_by_name(
    db: Database, clock: FakeClock, instant: bool, least: int
) -> None:
    seller = make.seller(db, standing_since=clock(), meeting_link="https://meet.example.com/s")
    made = held(db, of=seller, notice_hours=24, instant=instant, days_ahead=10)
    approver_of(db, made.lead)
    booking = make.read(db, made)
    with db.transaction() as tx:
        row = tx.session.get_one(Booking, made.id)
        row.deadline = row.starts_at
    clock.move(
        booking.starts_at - booking.notice_hours * HOUR - least * HOUR - clock() + timedelta(seconds=1)
    )
    with pytest.raises(NoTimeToApprove) as refused:
        ask(db, made)
    assert refused.value.facts["least"] == least * HOUR
    clock.now = clock() - timedelta(seconds=1)
    assert ask(db, made).state == "awaiting_approval"


def test_a_checkout_opened_before_the_rule_is_closed_by_asking(db: Database) -> None:
    made = make.booking(db)
    make.write_brief(db, made)
    make.open_payment(db, made)
    approvals.set_rule(db, made.lead.actor, kind="always")
    approver_of(db, made.lead)
    ask(db, made)
    with db.reading() as session:
        kinds = session.scalars(
            sa.select(ProviderCall.kind)
            .join(Payment, Payment.id == ProviderCall.payment_id)
            .where(Payment.subject == made.id)
        ).all()
    assert "close_checkout" in kinds


# The answer.


def test_approved_it_is_held_to_be_paid_and_not_extended(db: Database, clock: FakeClock) -> None:
    made = held(db, days_ahead=20)
    daf = approver_of(db, made.lead)
    ask(db, made)
    clock.move(10 * HOUR)
    booking = bookings.approve(db, daf, booking_id=made.id, token="yes")
    assert (booking.state, booking.approved_minor) == ("held", 158400)
    assert booking.deadline == clock() + 24 * HOUR
    with pytest.raises(NoMoreExtensions):
        bookings.extend(db, made.lead.actor, booking_id=made.id, token="more")
    assert bookings.approve(db, daf, booking_id=made.id, token="yes").state == "held"
    with pytest.raises(ApprovalAnswered):
        bookings.approve(db, daf, booking_id=made.id, token="again")
    clock.move(23 * HOUR)
    make.authorise(db, make.open_payment(db, made))
    assert make.read(db, made).state == "requested"
    assert moves(db, made) == ["hold", "ask_approval", "approve", "open_payment", "commit"]


def test_pay_after_approval_ends_two_thirds_of_the_notice_before(db: Database) -> None:
    made = held(db, days_ahead=4, notice_hours=72)
    daf = approver_of(db, made.lead)
    ask(db, made)
    booking = bookings.approve(db, daf, booking_id=made.id, token="yes")
    assert booking.deadline == deadlines.pay_after_approval_until(db.clock(), booking.starts_at, 72)


def test_refused_with_a_reason_the_slot_is_free(db: Database) -> None:
    made = held(db)
    daf = approver_of(db, made.lead)
    ask(db, made)
    with pytest.raises(ReasonMissing):
        bookings.refuse(db, daf, booking_id=made.id, reason="  ", token="no")
    booking = bookings.refuse(db, daf, booking_id=made.id, reason="Budget clos.", token="no")
    assert (booking.state, booking.deadline) == ("refused", None)
    assert not claimed(db, made.id)
    assert bookings.refuse(db, daf, booking_id=made.id, reason="", token="no").state == "refused"
    with pytest.raises(ApprovalAnswered):
        bookings.refuse(db, daf, booking_id=made.id, reason="x", token="no2")


def test_nobody_else_decides_the_lead_least_of_all(db: Database) -> None:
    made = held(db)
    approver_of(db, made.lead)
    ask(db, made)
    lead_too = Actor(
        made.lead.person.id, companies={made.lead.company.id: frozenset({"lead", "admin", "approver"})}
    )
    other = approver_of(db, make.lead(db))
    for actor in (lead_too, other, made.seller.actor, make.operator(db)):
        with pytest.raises(NotFound):
            bookings.approve(db, actor, booking_id=made.id, token="t")
        with pytest.raises(NotFound):
            bookings.refuse(db, actor, booking_id=made.id, reason="r", token="t")


def test_unanswered_it_runs_out_and_too_late_is_too_late(db: Database, clock: FakeClock) -> None:
    made = held(db, days_ahead=20)
    daf = approver_of(db, made.lead)
    until = ask(db, made).deadline
    assert until is not None
    clock.move(until - clock())
    with pytest.raises(TooLate):
        bookings.approve(db, daf, booking_id=made.id, token="late")
    with pytest.raises(TooLate):
        bookings.refuse(db, daf, booking_id=made.id, reason="r", token="late")
    bookings.run_clock(db, SimpleNamespace())  # type: ignore[arg-type]
    assert make.read(db, made).state == "lapsed"
    assert not claimed(db, made.id)


def test_a_dearer_total_asks_again(db: Database) -> None:
    made = held(db)
    daf = approver_of(db, made.lead)
    ask(db, made)
    bookings.approve(db, daf, booking_id=made.id, token="yes")
    with db.transaction() as tx:
        booking = tx.session.get_one(Booking, made.id)
        assert not drop_if_dearer(tx, booking, 158400)
        booking.price_minor += 1
    with pytest.raises(ApprovalNeeded):
        make.open_payment(db, made)
    with db.transaction() as tx:
        assert drop_if_dearer(tx, tx.session.get_one(Booking, made.id), 158401)
    booking = make.read(db, made)
    assert (booking.approved_at, booking.approved_minor) == (None, None)
    assert ask(db, made, token="again").state == "awaiting_approval"


def test_the_list_and_its_count_hold_what_waits_for_this_person(db: Database, clock: FakeClock) -> None:
    made = held(db, days_ahead=20)
    daf, other = approver_of(db, made.lead), approver_of(db, make.lead(db))
    ask(db, made)
    lead_too = Actor(made.lead.person.id, companies={made.lead.company.id: frozenset({"approver"})})

    def seen(actor: Actor) -> tuple[int, int]:
        with db.reading() as session:
            return len(to_approve(session, actor, clock())), count_to_approve(session, actor, clock())

    assert [seen(one) for one in (daf, other, lead_too)] == [(1, 1), (0, 0), (0, 0)]
    with db.reading() as session:
        [row] = to_approve(session, daf, clock())
    assert (row.total, row.lead_name, row.company_name) == (158400, "Camille Desroches", "Foncière Calvière")
    clock.move(73 * HOUR)
    assert seen(daf) == (0, 0)


def test_slots_too_near_for_an_approver_are_not_shown_to_members(db: Database) -> None:
    lead, seller = make.lead(db), make.seller(db)
    offer = make.offer(db, seller.expert, notice_hours=72)

    def since(actor: Actor) -> Any:
        with db.reading() as session:
            return shown_to(session, actor, wanted_offer(session, offer.id), make.PLATFORM, db.clock())

    assert since(lead.actor) is None
    approvals.set_rule(db, lead.actor, kind="always")
    assert since(lead.actor) == db.clock() + 76 * HOUR
    assert deadlines.approval_open(db.clock(), db.clock() + 76 * HOUR, 72, False)
    assert not deadlines.approval_open(db.clock(), db.clock() + 76 * HOUR - timedelta(seconds=1), 72, False)
    assert since(seller.actor) is None
    approvals.set_rule(db, lead.actor, kind="above", above_minor=158400)
    assert since(lead.actor) is None


# A rescue.


@pytest.mark.parametrize(("price", "kept"), [(120_000, True), (110_000, True), (120_001, False)])
def test_a_rescue_keeps_the_approval_up_to_the_same_total(db: Database, price: int, kept: bool) -> None:
    made = held(db, days_ahead=20)
    daf = approver_of(db, made.lead)
    ask(db, made)
    bookings.approve(db, daf, booking_id=made.id, token="yes")
    make.authorise(db, make.open_payment(db, made))
    bookings.decline(db, made.seller.actor, booking_id=made.id, reason="no_time", token="no")
    other = make.seller(db)
    offer = make.offer(db, other.expert, price_minor=price, notice_hours=72)
    saved = bookings.pick_same_brief(
        db, made.lead.actor, booking_id=made.id, offer_id=offer.id,
        start=make.first_slot(db, offer.id, timedelta(days=20)), token="r", platform=make.PLATFORM,
    )  # fmt: skip
    assert (saved.approved_minor is not None) is kept
    expected = db.clock() + (24 * HOUR if kept else deadlines.HOLD)
    assert saved.deadline == expected


def test_a_rescue_of_what_nobody_approved_carries_nothing(db: Database) -> None:
    made = make.booking(db, state="requested", days_ahead=20)
    bookings.decline(db, made.seller.actor, booking_id=made.id, reason="no_time", token="no")
    offer = make.offer(db, make.seller(db).expert)
    start = make.first_slot(db, offer.id, timedelta(days=20))
    picked = {"offer_id": offer.id, "start": start, "token": "r", "platform": make.PLATFORM}
    saved = bookings.pick_same_brief(db, made.lead.actor, booking_id=made.id, **picked)
    assert saved.approved_at is None
    with pytest.raises(NotFound):
        bookings.pick_same_brief(db, make.lead(db).actor, booking_id=made.id, **picked)


# Company terms: without screens until they are granted.


def test_on_terms_a_commit_is_a_request_and_a_yes_confirms(db: Database) -> None:
    made = make.booking(db, days_ahead=20)
    make.write_brief(db, made)
    commit = {"booking_id": made.id, "accepted": make.DOCUMENTS, "platform": make.PLATFORM, "token": "c"}
    with pytest.raises(NoTerms):
        bookings.commit_on_terms(db, made.lead.actor, **commit)
    terms(db, made)
    approvals.set_rule(db, made.lead.actor, kind="always")
    with pytest.raises(ApprovalNeeded):
        bookings.commit_on_terms(db, made.lead.actor, **commit)
    approvals.set_rule(db, made.lead.actor, kind="none")
    booking = bookings.commit_on_terms(db, made.lead.actor, **commit)
    assert (booking.state, booking.deadline) == ("requested", db.clock() + 48 * HOUR)
    assert bookings.commit_on_terms(db, made.lead.actor, **commit).state == "requested"
    make.accept(db, made)
    confirmed = make.read(db, made)
    assert (confirmed.state, confirmed.deadline) == ("confirmed", confirmed.ends_at)
    assert moves(db, made) == ["hold", "commit", "accept"]


@pytest.mark.parametrize("instant", [False, True])
def test_on_terms_an_approval_sends_the_request(db: Database, clock: FakeClock, instant: bool) -> None:
    seller = make.seller(db, standing_since=clock(), meeting_link="https://meet.example.com/s")
    made = held(db, of=seller, days_ahead=20, instant=instant)
    daf = approver_of(db, made.lead)
    terms(db, made)
    ask(db, made)
    booking = bookings.approve(db, daf, booking_id=made.id, token="yes")
    assert booking.state == ("confirmed" if instant else "requested")
    if instant:
        assert booking.meeting_place == "https://meet.example.com/s"
    else:
        assert booking.deadline == clock() + 48 * HOUR


# The letters.


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("answer", "heard"),
    [("yes", "approval_given"), ("no", "approval_refused"), ("nothing", "approval_lapsed")],
)
def test_the_approver_is_asked_and_the_lead_told(
    db: Database, clock: FakeClock, language: str, answer: str, heard: str
) -> None:
    by = make.lead(db, language=language)
    of = make.seller(db, zone="Indian/Reunion")
    with db.transaction() as tx:
        tx.session.get_one(Person, of.person.id).zone = "Indian/Reunion"
    made = held(db, days_ahead=20, by=by, of=of)
    daf = approver_of(db, made.lead, language=language)
    ask(db, made)
    tell(db, made)
    if answer == "yes":
        bookings.approve(db, daf, booking_id=made.id, token="yes")
    elif answer == "no":
        bookings.refuse(db, daf, booking_id=made.id, reason="Le budget est clos.", token="no")
    else:
        clock.move(72 * HOUR)
        bookings.run_clock(db, SimpleNamespace())  # type: ignore[arg-type]
    tell(db, made)
    tell(db, made)
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter).order_by(Letter.id)).all()
    assert [row.event for row in rows] == ["approval_asked", heard]
    assert [row.person_id for row in rows] == [daf.person_id, by.person.id]
    for row in rows:
        message = opened(row.message)
        complete(row.event, message, language)
        assert ("heure de La Réunion" if language == "fr" else "Réunion time") in text_of(message)
    assert "approval/" in text_of(opened(rows[0].message))
    if answer == "no":
        assert "Le budget est clos." in text_of(opened(rows[1].message))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_approved_hold_that_runs_out_unpaid_is_told_to_both(
    db: Database, clock: FakeClock, language: str
) -> None:
    by, of = make.lead(db, language=language), make.seller(db, zone="Indian/Reunion")
    with db.transaction() as tx:
        tx.session.get_one(Person, of.person.id).zone = "Indian/Reunion"
    made = held(db, days_ahead=20, by=by, of=of)
    daf = approver_of(db, made.lead, language=language)
    ask(db, made)
    bookings.approve(db, daf, booking_id=made.id, token="yes")
    clock.move(24 * HOUR)
    assert bookings.run_clock(db, SimpleNamespace()) == 1  # type: ignore[arg-type]
    tell(db, made)
    tell(db, made)
    with db.reading() as session:
        rows = {
            row.event: row
            for row in session.scalars(sa.select(Letter).where(Letter.event.startswith("approved_unpaid")))
        }
    assert {event: row.person_id for event, row in rows.items()} == {
        "approved_unpaid_lead": by.person.id,
        "approved_unpaid_approver": daf.person_id,
    }
    for event, row in rows.items():
        complete(event, opened(row.message), language)


def test_an_unapproved_hold_that_runs_out_is_no_letter(db: Database, clock: FakeClock) -> None:
    made = make.booking(db)
    clock.move(HOUR)
    assert bookings.run_clock(db, SimpleNamespace()) == 1  # type: ignore[arg-type]
    tell(db, made)
    with db.reading() as session:
        assert session.scalars(sa.select(Letter)).all() == []


def test_the_approvers_answer_is_not_taken_back(db: Database) -> None:
    for first, second in (("approved", "refused"), ("refused", "approved"), ("approved", "approved")):
        made = held(db, days_ahead=20)
        daf = approver_of(db, made.lead)
        ask(db, made)

        def say(answer: str, token: str, made: make.Made = made, daf: Actor = daf) -> None:
            if answer == "approved":
                bookings.approve(db, daf, booking_id=made.id, token=token)
            else:
                bookings.refuse(db, daf, booking_id=made.id, reason="Le budget est clos.", token=token)

        say(first, "first")
        with pytest.raises(ApprovalAnswered) as refusal:
            say(second, "second")
        assert refusal.value.facts["answer"] == first


def tell(db: Database, made: make.Made) -> None:
    """All that the history asks for so far, as the jobs would."""
    with db.reading() as session:
        rows = session.scalars(
            sa.select(BookingMove.id).where(BookingMove.booking_id == made.id).order_by(BookingMove.id)
        ).all()
    for move_id in rows:
        letters.booking_moved(db, STATIONERY, booking_id=made.id, move_id=move_id)


def test_an_approver_takes_out_what_they_decided(db: Database) -> None:
    made = held(db)
    daf = approver_of(db, made.lead)
    ask(db, made)
    bookings.refuse(db, daf, booking_id=made.id, reason="Budget clos.", token="no")
    exported = export_own(db, daf, address="", real_now=real_now())
    assert isinstance(exported, dict)
    assert [(one["move"], one["reason"]) for one in exported["approvals"]] == [("refuse", "Budget clos.")]
