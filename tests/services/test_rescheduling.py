"""Another slot for a hold, another time for a made booking: each line of the rules, on real records."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.bookings import Move
from marketplace.domain.errors import (
    MoveNotOpen,
    NotFound,
    Refusal,
    RescheduleOver,
    RescheduleRefused,
    SlotNotOffered,
    SlotTaken,
    TooLate,
)
from marketplace.services import bookings
from marketplace.services.bookings.rescheduling import other_slots, propose_in, slots_to_pick
from marketplace.services.privacy import export_own
from marketplace.storage.availability import Claim
from marketplace.storage.bookings import Booking, BookingMove, Proposal
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, ProviderCall
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_bookings import GATEWAY, live_claims, moves

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_token = itertools.count(1)


def token() -> str:
    return f"n{next(_token)}"


def repick(db: Database, made: make.Made, start: datetime, **more: Any) -> Booking:
    return bookings.pick_another_slot(
        db, made.lead.actor, booking_id=made.id, start=start, platform=make.PLATFORM,
        token=more.pop("token", None) or token(),
    )  # fmt: skip


def later(db: Database, made: make.Made, by: timedelta = DAY) -> datetime:
    """A free start of a working day at least so much later."""
    with db.reading() as session:
        booking = session.get_one(Booking, made.id)
        found = slots_to_pick(session, booking, db.clock()).slots
    return next(start for start, _end in found if start >= booking.starts_at + by)


def choice(db: Database, made: make.Made, side: str) -> list[datetime]:
    with db.reading() as session:
        booking = session.get_one(Booking, made.id)
        return [start for start, _end in other_slots(session, booking, side=side, now=db.clock()).slots]


def actor_of(made: make.Made, side: str) -> Any:
    return made.lead.actor if side == "lead" else made.seller.actor


def propose(db: Database, made: make.Made, side: str, start: datetime | None = None, **more: Any) -> Proposal:
    return bookings.propose(
        db, actor_of(made, side), booking_id=made.id, side=side, start=start or choice(db, made, side)[-1],
        token=more.pop("token", None) or token(), **more,
    )  # fmt: skip


def answer(db: Database, made: make.Made, side: str, proposal: Proposal, accept: bool) -> Booking:
    return bookings.answer_proposal(
        db, actor_of(made, side), proposal_id=proposal.id, side=side, accept=accept, token=token()
    )


def withdraw(db: Database, made: make.Made, side: str, proposal: Proposal) -> Booking:
    return bookings.withdraw_proposal(
        db, actor_of(made, side), proposal_id=proposal.id, side=side, token=token()
    )


def read(db: Database, proposal: Proposal) -> Proposal:
    with db.reading() as session:
        return session.get_one(Proposal, proposal.id)


class TestPickAnotherSlot:
    def test_the_brief_and_the_deadline_stay_and_only_the_new_slot_is_claimed(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db)
        before = make.read(db, made)
        clock.now += timedelta(minutes=5)
        start = later(db, made, 2 * DAY)
        repick(db, made, start)
        after = make.read(db, made)
        assert (after.starts_at, after.ends_at) == (start, start + (before.ends_at - before.starts_at))
        assert (after.state, after.brief_id, after.deadline) == ("held", before.brief_id, before.deadline)
        assert live_claims(db, made) == 1
        assert moves(db, made) == ["hold", "pick_another_slot"]
        # The old slot is anybody's again.
        again = bookings.hold(
            db,
            make.lead(db).actor,
            offer=made.offer.id,
            start=before.starts_at,
            format="remote",
            token="x",
        )
        assert again.starts_at == before.starts_at

    def test_a_slot_that_overlaps_the_old_one_can_be_picked(self, db: Database) -> None:
        made = make.booking(db)
        start = make.read(db, made).starts_at + HOUR
        repick(db, made, start)
        assert make.read(db, made).starts_at == start

    def test_the_same_click_twice_is_one_move(self, db: Database) -> None:
        made = make.booking(db)
        start = later(db, made)
        for _ in range(2):
            repick(db, made, start, token="same")
        assert moves(db, made) == ["hold", "pick_another_slot"]

    def test_the_loser_of_a_race_keeps_slot_and_brief_and_sees_three(self, db: Database) -> None:
        made = make.booking(db)
        before = make.read(db, made)
        other = make.booking(db, of=made.seller, offer_of=made.offer, days_ahead=14)
        with pytest.raises(SlotTaken) as refusal:
            repick(db, made, make.read(db, other).starts_at)
        assert len(refusal.value.facts["nearest"]) == 3
        after = make.read(db, made)
        assert (after.starts_at, after.brief_id) == (before.starts_at, before.brief_id)
        assert live_claims(db, made) == 1

    def test_the_new_slot_needs_n_and_the_grid(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db)
        for start in (clock.now + 71 * HOUR, make.read(db, made).starts_at + timedelta(minutes=7)):
            with pytest.raises(SlotNotOffered):
                repick(db, made, start)
        with db.reading() as session:
            shown = slots_to_pick(session, session.get_one(Booking, made.id), clock.now).slots
        assert shown[0][0] >= clock.now + 72 * HOUR
        assert make.read(db, made).starts_at not in [start for start, _end in shown]

    def test_the_deadline_is_never_later_than_two_thirds_of_n_before_the_new_start(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db, notice_hours=72)
        with db.transaction() as tx:
            tx.session.get_one(Booking, made.id).deadline = clock.now + 40 * HOUR
        start = make.first_slot(db, made.offer.id)
        repick(db, made, start)
        assert make.read(db, made).deadline == min(clock.now + 40 * HOUR, start - 48 * HOUR)

    def test_an_overdue_hold_is_not_moved(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db)
        start = later(db, made)
        clock.now += 36 * timedelta(minutes=1)
        with pytest.raises(TooLate):
            repick(db, made, start)

    def test_only_a_hold_is_moved_like_this(self, db: Database) -> None:
        made = make.booking(db, state="requested")
        with pytest.raises(MoveNotOpen):
            repick(db, made, later(db, made))

    def test_an_expert_who_agreed_to_the_one_slot_is_asked_about_another(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db)
        with db.transaction() as tx:
            booking = tx.session.get_one(Booking, made.id)
            booking.agreed_at, booking.meeting_place = clock.now, "https://meet.example.com/x"
        repick(db, made, later(db, made))
        after = make.read(db, made)
        assert (after.answered_ahead, after.meeting_place) == (False, "")

    def test_a_total_above_the_one_approved_drops_the_approval(self, db: Database, clock: FakeClock) -> None:
        for approved, stays in ((200_000, True), (1_000, False)):
            made = make.booking(db)
            with db.transaction() as tx:
                booking = tx.session.get_one(Booking, made.id)
                booking.approved_at, booking.approved_minor = clock.now, approved
                booking.deadline = clock.now + 24 * HOUR
            repick(db, made, later(db, made))
            after = make.read(db, made)
            assert (after.approved_at is not None) is stays
            assert after.deadline == clock.now + (24 * HOUR if stays else timedelta(minutes=35))

    def test_a_checkout_for_the_old_slot_ends_and_its_money_is_awaited_no_more(self, db: Database) -> None:
        made = make.booking(db)
        make.write_brief(db, made)
        first = make.open_payment(db, made)
        repick(db, made, later(db, made))
        with db.reading() as session:
            kinds = session.scalars(
                sa.select(ProviderCall.kind).where(ProviderCall.payment_id == first)
            ).all()
            assert "close_checkout" in kinds
            assert session.get_one(Payment, first).superseded_at is not None
        make.authorise(db, first)
        assert make.read(db, made).state == "held"
        second = make.open_payment(db, made)
        assert second != first
        make.authorise(db, second)
        assert make.read(db, made).state == "requested"


class TestPropose:
    @pytest.mark.parametrize("side", ["lead", "expert"])
    def test_the_new_slot_is_claimed_beside_the_old_one(self, db: Database, side: str) -> None:
        made = make.booking(db, state="confirmed")
        before = make.read(db, made)
        proposal = propose(db, made, side, reason="  Une grève.  ")
        after = make.read(db, made)
        assert (proposal.state, proposal.by, proposal.words) == ("open", side, "Une grève.")
        assert (after.starts_at, after.state, after.deadline) == (
            before.starts_at, "confirmed", before.deadline
        )  # fmt: skip
        assert live_claims(db, made) == 2
        assert moves(db, made)[-1] == "reschedule_proposed"
        with pytest.raises(SlotTaken):
            bookings.hold(
                db, make.lead(db).actor, offer=made.offer.id, start=proposal.starts_at, format="remote", token="x"
            )  # fmt: skip

    def test_it_may_overlap_the_old_slot(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        assert propose(db, made, "lead", make.read(db, made).starts_at + HOUR).state == "open"

    def test_one_is_open_at_a_time_and_three_a_booking_in_all(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        for side in ("lead", "expert", "lead"):
            proposal = propose(db, made, side)
            with pytest.raises(RescheduleRefused) as refusal:
                propose(db, made, "expert")
            assert refusal.value.facts == {"why": "open", "by": side}
            withdraw(db, made, side, proposal)
        with pytest.raises(RescheduleRefused) as refusal:
            propose(db, made, "expert")
        assert refusal.value.facts["why"] == "three"

    def test_the_same_form_twice_is_one_proposal(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        start = choice(db, made, "lead")[0]
        ids = {propose(db, made, "lead", start, token="same").id for _ in range(2)}
        assert len(ids) == 1
        assert moves(db, made).count("reschedule_proposed") == 1

    def test_n_binds_the_buyer_alone(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed", notice_hours=72)
        soonest = {side: min(choice(db, made, side)) for side in ("lead", "expert")}
        assert soonest["lead"] > clock.now + 72 * HOUR
        assert clock.now + 2 * HOUR < soonest["expert"] < clock.now + 72 * HOUR
        with pytest.raises(SlotNotOffered):
            propose(db, made, "lead", soonest["expert"])
        assert propose(db, made, "expert", soonest["expert"]).until == soonest["expert"] - 2 * HOUR

    def test_until_the_earliest_of_the_three_instants(self, db: Database, clock: FakeClock) -> None:
        far = make.booking(db, state="confirmed", days_ahead=20)
        assert propose(db, far, "lead").until == clock.now + 48 * HOUR
        near = make.booking(db, state="confirmed", days_ahead=4)
        clock.now = make.read(db, near).starts_at - 10 * HOUR
        assert propose(db, near, "lead").until == make.read(db, near).starts_at - 2 * HOUR
        soon = make.booking(db, state="confirmed", days_ahead=20, notice_hours=72)
        start = min(choice(db, soon, "lead"))
        assert propose(db, soon, "lead", start).until == min(clock.now + 48 * HOUR, start - 72 * HOUR)

    def test_from_two_hours_before_the_old_start_on_it_is_too_late(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db, state="confirmed")
        clock.now = make.read(db, made).starts_at - 2 * HOUR
        for side in ("lead", "expert"):
            with pytest.raises(TooLate):
                propose(db, made, side, clock.now + 10 * DAY)

    def test_not_past_66_days_after_the_capture(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        with db.transaction() as tx:
            tx.session.get_one(Booking, made.id).captured_at = clock.now - 40 * DAY
        latest = max(choice(db, made, "lead"))
        assert latest + 3 * HOUR <= clock.now + 26 * DAY
        for side in ("lead", "expert"):
            with pytest.raises(SlotNotOffered):
                propose(db, made, side, latest + 7 * DAY)

    def test_only_for_a_confirmed_booking_and_by_its_own_sides(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        start = choice(db, made, "lead")[0]
        for stranger in (make.lead(db).actor, make.seller(db).actor, make.operator(db)):
            for side in ("lead", "expert"):
                with pytest.raises(NotFound):
                    bookings.propose(db, stranger, booking_id=made.id, side=side, start=start, token="x")
        held = make.booking(db)
        with pytest.raises(MoveNotOpen):
            propose(db, held, "lead", later(db, held))

    def test_another_buyers_hold_came_first(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        other = make.booking(db, of=made.seller, offer_of=made.offer, days_ahead=14)
        with pytest.raises(SlotTaken) as refusal:
            propose(db, made, "lead", make.read(db, other).starts_at)
        assert len(refusal.value.facts["nearest"]) == 3
        assert live_claims(db, made) == 1

    def test_the_constraint_is_the_last_guard(self, db: Database) -> None:
        """What the rules do not see, a claim in the table still refuses."""
        made = make.booking(db, state="confirmed")
        start = choice(db, made, "lead")[5]
        proposal = propose(db, made, "lead", start)
        with pytest.raises(sa.exc.IntegrityError), db.transaction() as tx:
            claimed = tx.session.get_one(Claim, proposal.claim_id)
            tx.session.add(
                Claim(expert_id=claimed.expert_id, booking_id=made.lead.person.id,
                      during=claimed.during, starts_at=start, live=True, made_at=tx.now)
            )  # fmt: skip
            tx.session.flush()


class TestAnswer:
    @pytest.mark.parametrize(("asks", "answers"), [("lead", "expert"), ("expert", "lead")])
    def test_accepted_it_takes_place_then(self, db: Database, asks: str, answers: str) -> None:
        made = make.booking(db, state="confirmed")
        before = make.read(db, made)
        proposal = propose(db, made, asks)
        answer(db, made, answers, proposal, True)
        after = make.read(db, made)
        assert (after.state, after.starts_at, after.ends_at) == (
            "confirmed", proposal.starts_at, proposal.ends_at
        )  # fmt: skip
        assert after.deadline == after.ends_at
        assert after.quote == before.quote
        assert read(db, proposal).state == "accepted"
        with db.reading() as session:
            claim = session.scalars(sa.select(Claim).where(Claim.booking_id == made.id, Claim.live)).one()
        assert claim.id == proposal.claim_id
        assert moves(db, made)[-2:] == ["reschedule_proposed", "reschedule"]

    def test_the_old_slot_is_free_once_accepted(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        old = make.read(db, made).starts_at
        answer(db, made, "expert", propose(db, made, "lead"), True)
        held = bookings.hold(
            db, make.lead(db).actor, offer=made.offer.id, start=old, format="remote", token="x"
        )
        assert held.starts_at == old

    def test_if_the_buyer_asked_a_refund_is_never_better_than_at_acceptance(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db, state="confirmed", policy="moderate")
        clock.now = make.read(db, made).starts_at - 50 * HOUR  # moderate: half comes back
        proposal = propose(db, made, "lead")
        answer(db, made, "expert", proposal, True)
        booking = make.read(db, made)
        assert (booking.refund_best, booking.free_until) == (50, None)
        assert bookings.refund_if_cancelled(booking, "lead", clock.now).percent == 50
        assert bookings.refund_if_cancelled(booking, "expert", clock.now).percent == 100

    def test_if_the_expert_asked_cancelling_is_free_for_24_hours(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db, state="confirmed", policy="strict")
        clock.now = make.read(db, made).starts_at - 30 * HOUR
        proposal = propose(db, made, "expert", min(choice(db, made, "expert")))
        answer(db, made, "lead", proposal, True)
        booking = make.read(db, made)
        assert (booking.refund_best, booking.free_until) == (100, clock.now + 24 * HOUR)
        assert bookings.refund_if_cancelled(booking, "lead", clock.now + 23 * HOUR).percent == 100

    def test_refused_the_old_time_stands_and_the_new_one_is_free(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        before = make.read(db, made)
        proposal = propose(db, made, "lead")
        answer(db, made, "expert", proposal, False)
        assert make.read(db, made).starts_at == before.starts_at
        assert (read(db, proposal).state, live_claims(db, made)) == ("refused", 1)
        assert moves(db, made)[-1] == "reschedule_refused"

    def test_nobody_answers_their_own_nor_withdraws_the_others(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        proposal = propose(db, made, "lead")
        with pytest.raises(NotFound):
            answer(db, made, "lead", proposal, True)
        with pytest.raises(NotFound):
            withdraw(db, made, "expert", proposal)
        for stranger in (make.lead(db), make.lead(db)):
            with pytest.raises(NotFound):
                bookings.answer_proposal(
                    db, stranger.actor, proposal_id=proposal.id, side="lead", accept=True, token="x"
                )

    def test_withdrawn_it_can_no_longer_be_accepted(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        proposal = propose(db, made, "expert")
        withdraw(db, made, "expert", proposal)
        assert (read(db, proposal).state, live_claims(db, made)) == ("withdrawn", 1)
        assert moves(db, made)[-1] == "reschedule_withdrawn"
        for accept in (True, False):
            with pytest.raises(RescheduleOver) as refusal:
                answer(db, made, "lead", proposal, accept)
            assert refusal.value.facts == {"state": "withdrawn"}

    def test_accepted_it_can_no_longer_be_withdrawn(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        proposal = propose(db, made, "expert")
        answer(db, made, "lead", proposal, True)
        with pytest.raises(RescheduleOver):
            withdraw(db, made, "expert", proposal)

    @pytest.mark.parametrize("side", ["lead", "expert"])
    def test_cancelling_closes_it_and_frees_both_times(self, db: Database, side: str) -> None:
        made = make.booking(db, state="confirmed")
        proposal = propose(db, made, "lead")
        bookings.cancel(
            db, actor_of(made, side), booking_id=made.id, side=side, reason="r", expected_minor=None, token=token()
        )  # fmt: skip
        assert (read(db, proposal).state, live_claims(db, made)) == ("closed", 0)
        with pytest.raises(RescheduleOver):
            answer(db, made, "expert", proposal, True)


class TestTheClock:
    def test_a_proposal_runs_out_at_its_instant_and_the_booking_stays(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = make.booking(db, state="confirmed", days_ahead=20)
        proposal = propose(db, made, "lead")
        clock.now = proposal.until - timedelta(seconds=1)
        assert bookings.run_clock(db, GATEWAY) == 0
        clock.now = proposal.until
        with pytest.raises(TooLate):
            answer(db, made, "expert", proposal, True)
        assert bookings.run_clock(db, GATEWAY) == 1
        assert (read(db, proposal).state, live_claims(db, made)) == ("over", 1)
        assert make.read(db, made).state == "confirmed"
        assert moves(db, made)[-1] == "reschedule_over"
        assert bookings.run_clock(db, GATEWAY) == 0

    def test_time_that_ran_out_is_free_before_the_sweep(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed", days_ahead=20)
        proposal = propose(db, made, "lead")
        clock.now = proposal.until
        held = bookings.hold(
            db, make.lead(db).actor, offer=made.offer.id, start=proposal.starts_at, format="remote", token="x"
        )  # fmt: skip
        assert held.starts_at == proposal.starts_at
        assert read(db, proposal).state == "over"

    def test_the_end_of_the_new_time_makes_it_delivered(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        old_end = make.read(db, made).ends_at
        answer(db, made, "expert", propose(db, made, "lead"), True)
        clock.now = old_end
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "confirmed"
        clock.now = make.read(db, made).ends_at
        bookings.run_clock(db, GATEWAY)
        assert make.read(db, made).state == "delivered"


class TestSecondSession:
    def _disputed(self, db: Database, clock: FakeClock) -> make.Made:
        made = make.booking(db, state="confirmed")
        clock.now = make.read(db, made).ends_at
        bookings.run_clock(db, GATEWAY)
        with db.transaction() as tx:
            booking = tx.session.get_one(Booking, made.id)
            booking.state, booking.disputed_from, booking.deadline = "disputed", "delivered", None
            bookings.machine.free_claim(tx, booking.id)
        return made

    def _propose(self, db: Database, made: make.Made, side: str, start: datetime) -> Proposal:
        with db.transaction() as tx:
            booking = bookings.machine.lock_booking(tx, made.id)
            return propose_in(
                tx,
                actor_of(made, side),
                booking,
                side=side,
                start=start,
                token=token(),
                kind="second_session",
            )

    def _slots(self, db: Database, made: make.Made, side: str) -> list[datetime]:
        with db.reading() as session:
            booking = session.get_one(Booking, made.id)
            found = other_slots(session, booking, side=side, kind="second_session", now=db.clock())
            return [start for start, _end in found.slots]

    def test_it_ends_within_30_days(self, db: Database, clock: FakeClock) -> None:
        made = self._disputed(db, clock)
        assert max(self._slots(db, made, "expert")) + 3 * HOUR <= clock.now + 30 * DAY

    def test_accepted_it_is_confirmed_again_like_a_reschedule_the_expert_asked_for(
        self, db: Database, clock: FakeClock
    ) -> None:
        made = self._disputed(db, clock)
        proposal = self._propose(db, made, "lead", self._slots(db, made, "lead")[-1])
        assert proposal.until == min(clock.now + 48 * HOUR, proposal.starts_at - 72 * HOUR)
        answer(db, made, "expert", proposal, True)
        after = make.read(db, made)
        assert (after.state, after.starts_at, after.deadline) == (
            "confirmed", proposal.starts_at, proposal.ends_at
        )  # fmt: skip
        assert (after.refund_best, after.free_until) == (100, clock.now + 24 * HOUR)
        assert live_claims(db, made) == 1
        assert moves(db, made)[-2:] == ["second_session_proposed", "second_session"]

    def test_it_runs_out_from_disputed_too(self, db: Database, clock: FakeClock) -> None:
        made = self._disputed(db, clock)
        proposal = self._propose(db, made, "expert", self._slots(db, made, "expert")[-1])
        clock.now = proposal.until
        bookings.run_clock(db, GATEWAY)
        assert (read(db, proposal).state, live_claims(db, made)) == ("over", 0)
        assert make.read(db, made).state == "disputed"

    def test_a_confirmed_booking_has_none(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        with pytest.raises(MoveNotOpen):
            self._propose(db, made, "lead", choice(db, made, "lead")[0])


MOVES_BESIDES = (Move.CANCEL, Move.CHARGEBACK_LOST, Move.END_PASSES, Move.REPORT)


@pytest.mark.parametrize("move", MOVES_BESIDES)
def test_every_other_move_closes_an_open_proposal(db: Database, move: Move) -> None:
    made = make.booking(db, state="confirmed")
    proposal = propose(db, made, "lead")
    with db.transaction() as tx:
        booking = bookings.machine.lock_booking(tx, made.id)
        bookings.machine.make_move(tx, booking, move, bookings.machine.CLOCK, token=token())
    assert read(db, proposal).state == "closed"
    with db.reading() as session:
        assert not session.get_one(Claim, proposal.claim_id).live


class Walk:
    """A random walk over two confirmed bookings of one expert, checked after each step."""

    def __init__(self, db: Database, clock: FakeClock, rng: Any) -> None:
        self.db, self.clock, self.rng = db, clock, rng
        seller = make.seller(db)
        offer = make.offer(db, seller.expert)
        self.made = [
            make.booking(db, state="confirmed", of=seller, offer_of=offer, days_ahead=days)
            for days in (9, 10)
        ]
        self.steps = 0

    def step(self) -> None:
        made = self.rng.choice(self.made)
        side = self.rng.choice(["lead", "expert"])
        act: Callable[[], object] = self.rng.choice([
            lambda: self._propose(made, side), lambda: self._propose(made, side), lambda: self._answer(made, side),
            lambda: self._answer(made, side), lambda: self._withdraw(made, side), lambda: self._time(),
            lambda: self._cancel(made, side),
        ])  # fmt: skip
        known = self._history(made)
        try:
            act()
        except Refusal:
            assert self._history(made) == known, "a refusal leaves no trace"
        self.steps += 1
        self._check()

    def _propose(self, made: make.Made, side: str) -> None:
        slots = choice(self.db, made, side)
        other = make.read(self.db, self.rng.choice(self.made)).starts_at
        propose(self.db, made, side, self.rng.choice([other, *self.rng.sample(slots, min(5, len(slots)))]))

    def _open(self, made: make.Made) -> Proposal | None:
        with self.db.reading() as session:
            return session.scalars(
                sa.select(Proposal)
                .where(Proposal.booking_id == made.id)
                .order_by(Proposal.made_at.desc(), Proposal.id)
            ).first()

    def _answer(self, made: make.Made, side: str) -> None:
        proposal = self._open(made)
        if proposal is not None:
            answer(self.db, made, side, proposal, self.rng.random() < 0.7)

    def _withdraw(self, made: make.Made, side: str) -> None:
        proposal = self._open(made)
        if proposal is not None:
            withdraw(self.db, made, side, proposal)

    def _cancel(self, made: make.Made, side: str) -> None:
        if self.rng.random() < 0.2:
            bookings.cancel(
                self.db, actor_of(made, side), booking_id=made.id, side=side, reason="r", expected_minor=None,
                token=token(),
            )  # fmt: skip

    def _time(self) -> None:
        self.clock.now += timedelta(hours=self.rng.choice([1, 7, 26, 49]))
        while bookings.run_clock(self.db, GATEWAY):
            pass

    def _history(self, made: make.Made) -> int:
        with self.db.reading() as session:
            return (
                session.scalar(
                    sa.select(sa.func.count())
                    .select_from(BookingMove)
                    .where(BookingMove.booking_id == made.id)
                )
                or 0
            )

    def _check(self) -> None:
        with self.db.reading() as session:
            live = session.scalars(sa.select(Claim).where(Claim.live)).all()
            for one, other in itertools.combinations(live, 2):
                if one.expert_id == other.expert_id and one.booking_id != other.booking_id:
                    assert one.during.upper <= other.during.lower or other.during.upper <= one.during.lower
            for made in self.made:
                booking = session.get_one(Booking, made.id)
                proposals = session.scalars(sa.select(Proposal).where(Proposal.booking_id == made.id)).all()
                standing = [one for one in proposals if one.state == "open"]
                own = {claim.id: claim for claim in live if claim.booking_id == made.id}
                assert len(standing) <= 1
                assert len(proposals) <= 3
                for one in standing:
                    assert own.pop(one.claim_id).starts_at == one.starts_at
                confirmed = booking.state == "confirmed"
                assert [claim.starts_at for claim in own.values()] == (
                    [booking.starts_at] if confirmed else []
                )
                assert confirmed or not standing
                rows = session.scalars(
                    sa.select(BookingMove.move).where(BookingMove.booking_id == made.id)
                ).all()
                assert rows.count("reschedule_proposed") == len(proposals)
                for state, move in (
                    ("accepted", "reschedule"), ("refused", "reschedule_refused"),
                    ("withdrawn", "reschedule_withdrawn"), ("over", "reschedule_over"),
                ):  # fmt: skip
                    assert rows.count(move) == sum(one.state == state for one in proposals)
                assert booking.deadline is None or booking.deadline > self.clock.now - timedelta(minutes=1)


@pytest.mark.parametrize("seed", range(12))
def test_random_walks_keep_one_claim_a_booking_and_a_whole_history(
    db: Database, clock: FakeClock, seed: int
) -> None:
    import random

    walk = Walk(db, clock, random.Random(seed))
    for _ in range(20):
        walk.step()
    assert walk.steps == 20


def test_what_somebody_proposed_is_in_their_export_alone(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    propose(db, made, "expert", reason="Une grève")
    found = {
        side: export_own(db, actor_of(made, side), address="192.0.2.1", real_now=db.clock())
        for side in ("lead", "expert")
    }
    assert isinstance(found["expert"], dict)
    assert isinstance(found["lead"], dict)
    assert [one["words"] for one in found["expert"]["times_proposed"]] == ["Une grève"]
    assert found["lead"]["times_proposed"] == []
    assert "Une grève" not in str(found["lead"])
