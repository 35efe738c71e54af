"""The booking's moves on a real database: each with its slot, its money, its history row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import (
    BriefIncomplete,
    MeetingPlaceMissing,
    MoveNotOpen,
    NoMoreExtensions,
    NotBookable,
    NotFound,
    OwnOffer,
    ReasonMissing,
    RefundTooLarge,
    SlotNotOffered,
    SlotTaken,
    TermsNotAccepted,
    TooLate,
    TooManyHolds,
)
from marketplace.domain.pricing import FeeRates
from marketplace.gateways.payments import PaymentState
from marketplace.services import bookings, ledger, payments
from marketplace.storage.availability import Claim
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, ProviderCall, Refund
from marketplace.storage.payouts import Transfer
from marketplace.storage.rescues import Rescue
from tests import factories as make
from tests.clock import FakeClock


class NoProvider:
    """Nobody asks the provider in these tests: every attribute is an error."""


GATEWAY: payments.PaymentsDoor = NoProvider()  # type: ignore[assignment]


def live_claims(db: Database, made: make.Made) -> int:
    with db.reading() as session:
        return (
            session.scalar(
                sa.select(sa.func.count()).select_from(Claim).where(Claim.booking_id == made.id, Claim.live)
            )
            or 0
        )


def calls(db: Database, made: make.Made) -> list[str]:
    payment = make.payment_of(db, made)
    with db.reading() as session:
        return list(
            session.scalars(sa.select(ProviderCall.kind).where(ProviderCall.payment_id == payment.id))
        )


def moves(db: Database, made: make.Made) -> list[str]:
    with db.reading() as session:
        return list(
            session.scalars(
                sa.select(BookingMove.move).where(BookingMove.booking_id == made.id).order_by(BookingMove.id)
            )
        )


class TestHold:
    def test_it_claims_the_slot_for_35_minutes(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db)
        booking = make.read(db, made)
        assert booking.state == "held"
        assert booking.deadline == clock.now + timedelta(minutes=35)
        assert live_claims(db, made) == 1

    def test_it_keeps_the_rates_of_its_day_whatever_applies_later(
        self, db: Database, clock: FakeClock
    ) -> None:
        db.fees = (FeeRates(date(2026, 1, 1), 1_000, 1_000), FeeRates(date(2026, 11, 25), 1_200, 900))
        clock.move_to(datetime(2026, 11, 24, 22, 59, tzinfo=UTC))
        before = make.booking(db)
        clock.move(timedelta(minutes=1))  # Midnight in Paris, an hour before it in UTC.
        after = make.booking(db)
        with db.reading() as session:
            rates = [
                (one.service_fee_bp, one.commission_bp)
                for one in (session.get_one(Booking, made.id) for made in (before, after))
            ]
        assert rates == [(1_000, 1_000), (1_200, 900)]
        make.write_brief(db, before)
        make.open_payment(db, before)
        with db.reading() as session:
            kept = session.get_one(Booking, before.id).quote
        assert kept["service_fee_bp"] == 1_000
        assert kept["service_fee"] == kept["price"] // 10

    def test_the_same_form_twice_is_one_booking(self, db: Database) -> None:
        lead, seller = make.lead(db), make.seller(db)
        offer = make.offer(db, seller.expert)
        start = make.first_slot(db, offer.id, timedelta(days=5))
        held = [
            bookings.hold(db, lead.actor, offer=offer.id, start=start, format="remote", token="same").id
            for _ in range(2)
        ]
        assert held[0] == held[1]

    def test_the_second_buyer_is_told_the_nearest_three(self, db: Database) -> None:
        made = make.booking(db)
        start = make.read(db, made).starts_at
        with pytest.raises(SlotTaken) as refusal:
            bookings.hold(
                db, make.lead(db).actor, offer=made.offer.id, start=start + timedelta(minutes=30),
                format="remote", token="x",
            )  # fmt: skip
        assert len(refusal.value.facts["nearest"]) == 3

    def test_a_time_off_the_grid_or_inside_the_notice_is_not_offered(self, db: Database) -> None:
        made = make.booking(db)
        for start in (
            make.read(db, made).starts_at + timedelta(days=1, minutes=7),
            db.clock() + timedelta(hours=5),
        ):
            with pytest.raises(SlotNotOffered):
                bookings.hold(
                    db, make.lead(db).actor, offer=made.offer.id, start=start, format="remote", token="x"
                )

    def test_at_most_two_a_person_and_five_a_company(self, db: Database) -> None:
        first = make.lead(db)
        for _ in range(2):
            make.booking(db, by=first)
        with pytest.raises(TooManyHolds) as refusal:
            make.booking(db, by=first)
        assert refusal.value.facts == {"limit": 2, "whose": "person"}
        second, third = (make.lead(db, company=first.company) for _ in range(2))
        make.booking(db, by=second)
        make.booking(db, by=second)
        make.booking(db, by=third)
        with pytest.raises(TooManyHolds) as refusal:
            make.booking(db, by=third)
        assert refusal.value.facts["whose"] == "company"

    def test_nobody_books_somebody_of_their_own_mail_domain(self, db: Database) -> None:
        seller = make.seller(db)
        offer = make.offer(db, seller.expert)
        lead = make.lead(db, domain=seller.person.email.partition("@")[2])
        with pytest.raises(OwnOffer):
            bookings.hold(
                db,
                lead.actor,
                offer=offer.id,
                start=make.first_slot(db, offer.id),
                format="remote",
                token="x",
            )

    def test_an_expert_who_cannot_be_paid_is_not_booked(self, db: Database) -> None:
        with pytest.raises(NotBookable):
            make.booking(db, of=make.seller(db, account_status="restricted"))

    def test_an_overdue_hold_gives_way_to_the_next_one(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db)
        start = make.read(db, made).starts_at
        clock.move(timedelta(minutes=36))
        other = bookings.hold(
            db, make.lead(db).actor, offer=made.offer.id, start=start, format="remote", token="x"
        )
        assert other.state == "held"
        assert make.read(db, made).state == "lapsed"

    def test_it_is_extended_twice(self, db: Database) -> None:
        made = make.booking(db)
        before = make.read(db, made).deadline
        for n in range(2):
            bookings.extend(db, made.lead.actor, booking_id=made.id, token=f"e{n}")
        after = make.read(db, made).deadline
        assert before is not None
        assert after == before + timedelta(minutes=30)
        with pytest.raises(NoMoreExtensions):
            bookings.extend(db, made.lead.actor, booking_id=made.id, token="e3")

    def test_let_go_frees_the_slot(self, db: Database) -> None:
        made = make.booking(db)
        bookings.let_go(db, made.lead.actor, booking_id=made.id, token="g")
        assert make.read(db, made).state == "lapsed"
        assert live_claims(db, made) == 0

    def test_somebody_elses_booking_does_not_exist(self, db: Database) -> None:
        made = make.booking(db)
        for actor in (make.lead(db).actor, make.seller(db).actor):
            with pytest.raises(NotFound):
                bookings.let_go(db, actor, booking_id=made.id, token="g")


class TestOpenPayment:
    def test_not_before_the_brief_is_complete(self, db: Database) -> None:
        made = make.booking(db)
        with pytest.raises(BriefIncomplete) as refusal:
            make.open_payment(db, made)
        assert "context" in refusal.value.facts["missing"]

    def test_not_without_the_documents(self, db: Database) -> None:
        made = make.booking(db)
        make.write_brief(db, made)
        with pytest.raises(TermsNotAccepted):
            bookings.open_payment(
                db, made.lead.actor, booking_id=made.id, accepted=("terms",), texts=make.TEXTS,
                platform=make.PLATFORM, ready=True,
            )  # fmt: skip

    def test_it_freezes_the_quote_and_comes_back_to_the_same_checkout(self, db: Database) -> None:
        made = make.booking(db)
        make.write_brief(db, made)
        first, second = make.open_payment(db, made), make.open_payment(db, made)
        booking = make.read(db, made)
        assert first == second
        assert booking.quote is not None
        assert booking.quote["total"] == 158400
        assert moves(db, made) == ["hold", "open_payment"]


class TestTheProvidersWord:
    def test_authorised_is_a_request_until_48_hours(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="requested")
        booking = make.read(db, made)
        assert booking.state == "requested"
        assert booking.deadline == clock.now + timedelta(hours=48)

    def test_told_twice_it_changes_nothing(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        before = moves(db, made)
        make.authorise(db, make.payment_of(db, made).id)
        assert moves(db, made) == before

    def test_an_instant_offer_is_accepted_at_once(self, db: Database) -> None:
        seller = make.seller(db, standing_since=db.clock(), meeting_link="https://meet.example.com/s")
        made = make.booking(db, state="requested", of=seller, instant=True)
        booking = make.read(db, made)
        assert booking.state == "accepted"
        assert booking.meeting_place == "https://meet.example.com/s"
        assert "capture" in calls(db, made)

    def test_paid_after_the_hold_ran_out_it_is_revived(self, db: Database, clock: FakeClock) -> None:
        made = self.lapsed(db, clock)
        make.authorise(db, make.payment_of(db, made).id)
        assert make.read(db, made).state == "requested"
        assert live_claims(db, made) == 1

    def test_or_released_when_the_slot_is_gone(self, db: Database, clock: FakeClock) -> None:
        made = self.lapsed(db, clock)
        start = make.read(db, made).starts_at
        bookings.hold(db, make.lead(db).actor, offer=made.offer.id, start=start, format="remote", token="x")
        make.authorise(db, make.payment_of(db, made).id)
        assert make.read(db, made).state == "lapsed"
        assert "release" in calls(db, made)

    def test_money_after_letting_go_is_released(self, db: Database) -> None:
        made = make.booking(db)
        make.write_brief(db, made)
        payment_id = make.open_payment(db, made)
        bookings.let_go(db, made.lead.actor, booking_id=made.id, token="g")
        make.authorise(db, payment_id)
        assert make.read(db, made).state == "lapsed"
        assert "release" in calls(db, made)

    def test_captured_after_withdrawal_goes_back_whole(self, db: Database) -> None:
        made = make.booking(db, state="accepted")
        bookings.withdraw(db, made.lead.actor, booking_id=made.id, token="w")
        make.capture(db, made)
        with db.reading() as session:
            assert session.scalars(sa.select(Refund.amount_minor)).all() == [158400]
        assert make.read(db, made).state == "lapsed"

    def lapsed(self, db: Database, clock: FakeClock) -> make.Made:
        made = make.booking(db)
        make.write_brief(db, made)
        make.open_payment(db, made)
        clock.move(timedelta(minutes=80))
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "lapsed"
        return made


class TestTheAnswer:
    def test_yes_asks_for_the_capture_and_captured_confirms(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        booking = make.read(db, made)
        assert booking.state == "confirmed"
        assert booking.deadline == booking.ends_at
        assert moves(db, made) == ["hold", "open_payment", "commit", "accept", "captured"]
        with db.reading() as session:
            assert ledger.check(session) == []

    def test_yes_needs_a_link_for_a_video_session(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        with pytest.raises(MeetingPlaceMissing):
            bookings.accept(
                db, made.seller.actor, booking_id=made.id, accepted=make.ACCEPTED, place="my room", token="a"
            )

    def test_too_late_is_too_late_before_the_clock_has_come_by(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="requested")
        clock.move(timedelta(hours=49))
        with pytest.raises(TooLate):
            make.accept(db, made)

    def test_no_releases_and_opens_a_rescue(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        bookings.decline(db, made.seller.actor, booking_id=made.id, reason="no_time", token="d")
        assert make.read(db, made).state == "declined"
        assert "release" in calls(db, made)
        assert live_claims(db, made) == 0
        with db.reading() as session:
            assert session.scalar(sa.select(Rescue.booking_id)) == made.id

    def test_no_needs_a_reason(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        with pytest.raises(ReasonMissing):
            bookings.decline(db, made.seller.actor, booking_id=made.id, reason="", token="d")

    def test_no_answer_expires(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="requested")
        clock.move(timedelta(hours=48))
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "expired"
        assert "release" in calls(db, made)

    def test_a_move_the_table_does_not_hold_changes_nothing(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        before = moves(db, made)
        with pytest.raises(MoveNotOpen):
            bookings.withdraw(db, made.lead.actor, booking_id=made.id, token="w")
        assert moves(db, made) == before

    def test_an_operator_stops_with_a_reason(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        bookings.stop(db, make.operator(db), booking_id=made.id, reason="Doubtful", token="s")
        assert make.read(db, made).state == "cancelled"
        assert "release" in calls(db, made)


class TestTheEnd:
    def test_half_comes_back_two_days_before(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        clock.move_to(make.read(db, made).starts_at - timedelta(hours=48))
        bookings.cancel(
            db, made.lead.actor, booking_id=made.id, side="lead", reason="", expected_minor=79200, token="c"
        )
        booking = make.read(db, made)
        assert (booking.state, booking.refund_minor) == ("cancelled", 79200)
        assert booking.deadline == clock.now + timedelta(hours=72)

    def test_the_kept_share_falls_due_72_hours_later(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        clock.move_to(make.read(db, made).starts_at - timedelta(hours=48))
        bookings.cancel(
            db, made.lead.actor, booking_id=made.id, side="lead", reason="", expected_minor=None, token="c"
        )
        clock.move(timedelta(hours=72))
        bookings.run_clock(db, GATEWAY)
        with db.reading() as session:
            assert session.scalars(sa.select(Transfer.amount_minor)).all() == [64800]

    def test_the_experts_cancelling_gives_everything_back_and_counts(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        bookings.cancel(
            db,
            made.seller.actor,
            booking_id=made.id,
            side="expert",
            reason="Ill",
            expected_minor=None,
            token="c",
        )
        assert make.read(db, made).refund_minor == 158400

    def test_held_then_completed_by_the_clock(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        clock.move_to(make.read(db, made).ends_at)
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "delivered"
        clock.move(timedelta(hours=72))
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "completed"
        with db.reading() as session:
            transfer = session.scalars(sa.select(Transfer)).one()
            assert (transfer.amount_minor, transfer.why) == (129600, "new_expert")
            assert ledger.check(session) == []

    def test_the_buyer_may_confirm_before(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        clock.move_to(make.read(db, made).ends_at)
        bookings.run_clock(db, GATEWAY)
        bookings.confirm(db, made.lead.actor, booking_id=made.id, token="ok")
        assert make.read(db, made).state == "completed"

    def test_refunds_never_pass_what_was_captured(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        payment_id = make.payment_of(db, made).id
        for token in ("a", "a"):  # The same token twice is one refund.
            with db.transaction() as tx:
                payment = tx.session.get_one(Payment, payment_id)
                payments.decide_refund(tx, payment, lines={"price": 100000}, token=token, why="x")
        with pytest.raises(RefundTooLarge), db.transaction() as tx:
            payment = tx.session.get_one(Payment, payment_id)
            payments.decide_refund(tx, payment, lines={"price": 100000}, token="b", why="x")


def test_states_are_spelled_as_the_door_spells_them() -> None:
    assert {state.value for state in PaymentState} == {
        "created", "open", "authorised", "captured", "released", "closed"
    }  # fmt: skip


def test_a_hold_is_eight_statements(db: Database, count_queries: Any) -> None:
    """Each costs the other buyers of a busy minute their turn (benchmarks/README.md)."""
    seller, lead = make.seller(db), make.lead(db)
    offer = make.offer(db, seller.expert)
    start = make.first_slot(db, offer.id)
    with count_queries() as counted:
        bookings.hold(db, lead.actor, offer=offer.slug, start=start, format="remote", token="t")
    # Keys; locks; what decides; what is taken; claim, brief, booking, history.
    assert counted.number == 8
