"""Another time for a made booking: one side proposes, the other answers (booking-process.md, "Reschedule").

The new slot is claimed while the proposal is open, the old one stays until it is accepted. No money
moves and no provider is called. A second session out of a dispute is proposed and accepted the same way.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import availability as hours
from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.errors import MoveNotOpen, NotFound, RescheduleOver, RescheduleRefused, TooLate
from ...domain.policy import Actor
from ...domain.refunds import refund_percent
from ...domain.words import clean_text
from ...storage.availability import Calendar
from ...storage.bookings import Booking, BookingMove, Proposal
from ...storage.db import Database, Tx
from ..availability import rules_of, slots_among, taken_of
from .clockwork import expire_overdue
from .machine import Mover, close_proposal, free_claim, lock_for, make_move, note, open_proposal, repeated
from .slots import take_slot

AT_MOST = 3
LONGEST_REASON = 1000
# N binds the buyer's proposals only; the expert's new start is as far off as this.
EXPERTS_NOTICE = timedelta(hours=2)
SECOND = "second_session"
# A booking and its form's token make the proposal's id, so a double click finds the first.
_PROPOSALS = uuid.UUID("f0a4b8d2-52f7-4a29-93a5-0d1f7e6f2c55")


def propose(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, start: datetime, token: str, reason: str = ""
) -> Proposal:  # fmt: skip
    """Propose another time for a confirmed booking as `side` ("lead" or "expert"); the other side answers.

    Raises NotFound, MoveNotOpen, TooLate, RescheduleRefused (why: open, three, same), SlotNotOffered, and
    SlotTaken with the nearest three free slots.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.reschedule_as_{side}", booking_id)
        return propose_in(tx, actor, booking, side=side, start=start, token=token, reason=reason)


def propose_in(
    tx: Tx,
    actor: Actor,
    booking: Booking,
    *,
    side: str,
    start: datetime,
    token: str,
    reason: str = "",
    kind: str = "reschedule",
) -> Proposal:
    """The same within a transaction that holds the booking's locks (part). `kind` "second_session": out of a
    dispute whose room has asked its own guards first."""
    proposal_id = uuid.uuid5(_PROPOSALS, f"{booking.id}/{token}")
    known = tx.session.get(Proposal, proposal_id)
    if known is not None:
        return known
    expire_overdue(tx, booking.expert_id)
    refusal = why_not(tx.session, booking, kind=kind, now=tx.now)
    if refusal is not None:
        raise refusal
    if start == booking.starts_at and kind != SECOND:
        raise RescheduleRefused(why="same")
    length = booking.ends_at - booking.starts_at
    choice = _choice(tx.session, booking, side, kind, tx.now)
    claimed = take_slot(tx, booking.expert_id, booking.id, start, length, choice.rules, fits=choice.fits)
    assert actor.person_id is not None  # The policy table lets nobody anonymous through.
    proposal = Proposal(
        id=proposal_id, booking_id=booking.id, kind=kind, by=side, person_id=actor.person_id, claim_id=claimed,
        from_starts_at=booking.starts_at, from_ends_at=booking.ends_at, starts_at=start, ends_at=start + length,
        words=clean_text(reason, LONGEST_REASON), until=_until(booking, start, side, kind, tx.now),
        state="open", made_at=tx.now,
    )  # fmt: skip
    tx.session.add(proposal)
    tx.session.flush()  # The announcement's reactions may read it.
    note(
        tx, booking, f"{kind}_proposed", Mover(side, actor.person_id), token=token, from_state=booking.state,
        reason=proposal.words,
    )  # fmt: skip
    return proposal


def answer_proposal(
    db: Database, actor: Actor, *, proposal_id: uuid.UUID, side: str, accept: bool, token: str
) -> Booking:
    """Accept or refuse the other side's proposal as `side`. Accepted, the booking takes place at the new time.

    Raises NotFound (also for one's own proposal), RescheduleOver where it no longer stands, TooLate.
    """
    with db.transaction() as tx:
        booking, proposal = _locked(tx, actor, proposal_id, side)
        if repeated(tx, booking, token):
            return booking
        if proposal.by == side:
            raise NotFound
        _refuse_closed(tx, proposal)
        by = Mover(side, actor.person_id)
        if accept:
            _accepted(tx, booking, proposal, by, token)
        else:
            close_proposal(tx, booking, "refused")
            note(tx, booking, f"{proposal.kind}_refused", by, token=token, from_state=booking.state)
        return booking


def withdraw_proposal(
    db: Database, actor: Actor, *, proposal_id: uuid.UUID, side: str, token: str
) -> Booking:
    """Take one's own side's proposal back. Raises NotFound, RescheduleOver, TooLate."""
    with db.transaction() as tx:
        booking, proposal = _locked(tx, actor, proposal_id, side)
        if repeated(tx, booking, token):
            return booking
        if proposal.by != side:
            raise NotFound
        _refuse_closed(tx, proposal)
        close_proposal(tx, booking, "withdrawn")
        note(
            tx, booking, f"{proposal.kind}_withdrawn", Mover(side, actor.person_id), token=token,
            from_state=booking.state,
        )  # fmt: skip
        return booking


def _locked(tx: Tx, actor: Actor, proposal_id: uuid.UUID, side: str) -> tuple[Booking, Proposal]:
    booking_id = tx.session.scalar(sa.select(Proposal.booking_id).where(Proposal.id == proposal_id))
    if booking_id is None:
        raise NotFound
    booking = lock_for(tx, actor, f"booking.reschedule_as_{side}", booking_id)
    return booking, tx.session.get_one(Proposal, proposal_id, populate_existing=True)


def _refuse_closed(tx: Tx, proposal: Proposal) -> None:
    if proposal.state != "open":
        raise RescheduleOver(state=proposal.state)
    if proposal.until <= tx.now:
        raise TooLate(proposal.until)


def _accepted(tx: Tx, booking: Booking, proposal: Proposal, by: Mover, token: str) -> None:
    """The claim, the times and the refund rule's terms change together, with the history row."""
    _keep_to_the_rule(booking, proposal, tx.now)
    proposal.state, proposal.ended_at = "accepted", tx.now
    free_claim(tx, booking.id, but=proposal.claim_id)
    booking.starts_at, booking.ends_at = proposal.starts_at, proposal.ends_at
    booking.deadline = proposal.ends_at
    tx.session.flush()  # No proposal is open any more: the move closes none.
    move = Move.SECOND_SESSION if proposal.kind == SECOND else Move.RESCHEDULE
    make_move(tx, booking, move, by, token=token, from_state=booking.disputed_from)


def _keep_to_the_rule(booking: Booking, proposal: Proposal, now: datetime) -> None:
    """ "if the buyer asked, a refund is never better than it was at acceptance; if the expert asked, cancelling
    is free until 24 h after"; a second session counts as one the expert asked for."""
    if proposal.by == "expert" or proposal.kind == SECOND:
        booking.free_until = deadlines.free_after_reschedule(now)
    else:
        booking.refund_best = refund_now(booking, now)


def refund_now(booking: Booking, now: datetime) -> int:
    """What the buyer's cancelling gives back at this moment, in percent: all a reschedule they ask for leaves."""
    return refund_percent(
        booking.policy, who="buyer", now=now, start=booking.starts_at, best=booking.refund_best,
        free_until=booking.free_until,
    )  # fmt: skip


# --- What can be proposed ----------------------------------------------------------------------


def why_not(
    session: Session, booking: Booking, *, kind: str = "reschedule", now: datetime
) -> MoveNotOpen | TooLate | RescheduleRefused | None:
    """Why no other time can be proposed now; None where one can."""
    needed = State.DISPUTED if kind == SECOND else State.CONFIRMED
    if booking.state != needed.value:
        move = Move.SECOND_SESSION if kind == SECOND else Move.RESCHEDULE
        return MoveNotOpen(booking.state, move.value)
    last = booking.starts_at - EXPERTS_NOTICE
    if kind != SECOND and last <= now:
        return TooLate(last)
    standing = open_proposal(session, booking.id)
    if standing is not None and standing.until > now:
        return RescheduleRefused(why="open", by=standing.by)
    if proposals_left(session, booking.id) <= 0:
        return RescheduleRefused(why="three")
    return None


def proposals_left(session: Session, booking_id: uuid.UUID) -> int:
    """How many times another time can still be proposed: three a booking in all."""
    made = session.scalar(
        sa.select(sa.func.count()).select_from(Proposal).where(Proposal.booking_id == booking_id)
    )
    return AT_MOST - (made or 0)


def had_second_session(session: Session, booking_id: uuid.UUID) -> bool:
    """Whether a second session was agreed already: it comes once."""
    found = session.scalar(
        sa.select(BookingMove.id)
        .where(BookingMove.booking_id == booking_id, BookingMove.move == Move.SECOND_SESSION.value)
        .limit(1)
    )
    return found is not None


@dataclass(frozen=True)
class Choice:
    """Times that a side may propose: the calendar's rules, which slots fit besides, and the free ones."""

    rules: hours.Availability
    fits: Callable[[hours.Interval], bool]
    slots: list[hours.Interval]


def other_slots(
    session: Session, booking: Booking, *, side: str, kind: str = "reschedule", now: datetime
) -> Choice:
    """The free slots that `side` may propose now, by the rules of proposing itself."""
    return _choice(session, booking, side, kind, now, look=True)


def slots_to_pick(session: Session, booking: Booking, now: datetime) -> Choice:
    """The free slots that a held booking may change to."""
    rules = rules_for(session, booking)
    return Choice(rules, _other_than(booking), _look(session, booking, rules, _other_than(booking), now))


def _choice(
    session: Session, booking: Booking, side: str, kind: str, now: datetime, *, look: bool = False
) -> Choice:
    rules = rules_for(session, booking)
    if side == "expert":
        rules = replace(rules, notice=EXPERTS_NOTICE)

    def fits(slot: hours.Interval) -> bool:
        start, end = slot
        within = (
            deadlines.second_session_fits(end, now, booking.captured_at)
            if kind == SECOND
            else deadlines.reschedule_fits(end, booking.captured_at)
        )
        return within and start != booking.starts_at and _until(booking, start, side, kind, now) > now

    return Choice(rules, fits, _look(session, booking, rules, fits, now) if look else [])


def _other_than(booking: Booking) -> Callable[[hours.Interval], bool]:
    return lambda slot: slot[0] != booking.starts_at


def _look(
    session: Session, booking: Booking, rules: hours.Availability, fits: Callable[[hours.Interval], bool], now: datetime
) -> list[hours.Interval]:  # fmt: skip
    length = booking.ends_at - booking.starts_at
    taken = taken_of(session, booking.expert_id, now, without=booking.id)
    minutes = int(length.total_seconds()) // 60
    found = slots_among(rules, taken, minutes=minutes, window=(now, now + rules.horizon + length), now=now)
    return [slot for slot in found if fits(slot)]


def rules_for(session: Session, booking: Booking) -> hours.Availability:
    """The expert's calendar with this booking's own N: "what was instant at the hold stays instant"."""
    calendar = session.get_one(Calendar, booking.expert_id)
    return rules_of(calendar, notice_hours=booking.notice_hours, instant=booking.instant)


def _until(booking: Booking, start: datetime, side: str, kind: str, now: datetime) -> datetime:
    return deadlines.reschedule_until(
        now, booking.starts_at, start, booking.notice_hours, by_expert=side == "expert",
        second_session=kind == SECOND,
    )  # fmt: skip
