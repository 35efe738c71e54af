"""What the clock does: one pass reads the due ids without a lock, then moves each by itself.

A failure of one booking never stops the others; what could not be done is due again next minute.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.events import BookingLost, DisputeDue
from ...storage.bookings import Booking, Proposal
from ...storage.db import Database, Tx
from ..payments import PaymentsDoor, drop_live_payment, live_payment, refresh, standing_payment
from .ending import complete, share_falls_due
from .machine import CLOCK, close_proposal, lock_booking, make_move, note, open_proposal

log = logging.getLogger(__name__)
ASK_AT_MOST = timedelta(hours=1)


def due_bookings(session: Session, now: datetime, most: int = 200) -> list[uuid.UUID]:
    """What the clock has to look at, the longest overdue first."""
    due = sa.union_all(
        sa.select(Booking.id, Booking.deadline.label("due")).where(Booking.deadline <= now),
        sa.select(Proposal.booking_id, Proposal.until).where(Proposal.state == "open", Proposal.until <= now),
    ).subquery()
    return list(
        session.scalars(
            sa.select(due.c.id).group_by(due.c.id).order_by(sa.func.min(due.c.due), due.c.id).limit(most)
        )
    )


def run_clock(db: Database, gateway: PaymentsDoor) -> int:
    """Move every booking whose deadline has passed; how many moved."""
    with db.reading() as session:
        due = due_bookings(session, db.clock())
    return sum(_run_one(db, gateway, booking_id) for booking_id in due)


def _run_one(db: Database, gateway: PaymentsDoor, booking_id: uuid.UUID) -> bool:
    try:
        _ask_provider_first(db, gateway, booking_id)
        with db.transaction() as tx:
            booking = lock_booking(tx, booking_id)
            over = run_out_proposal(tx, booking)
            if booking.deadline is None or booking.deadline > tx.now:
                return over
            act = _ACTS.get(State(booking.state))
            if act is None:
                booking.deadline = None
                return over
            return act(tx, booking) or over
    except Exception:
        log.exception("the clock could not move booking %s", booking_id)
        return False


def expire_overdue(tx: Tx, expert_id: uuid.UUID) -> None:
    """Holds and proposals of this calendar that ran out give their time back now, not at the next sweep (part)."""
    overdue = sa.select(Booking).where(Booking.id.in_(overdue_of(sa.literal(expert_id), sa.literal(tx.now))))
    for booking in tx.session.scalars(overdue.order_by(Booking.id).with_for_update()).all():
        if booking.state == State.HELD.value:
            run_out_held(tx, booking)
        else:
            run_out_proposal(tx, booking)


def overdue_of(
    expert_id: sa.SQLColumnExpression[uuid.UUID], now: sa.SQLColumnExpression[datetime]
) -> sa.CompoundSelect[tuple[uuid.UUID]]:
    """The ids of a calendar's bookings whose hold or open proposal ran out, for a statement that asks for them."""
    theirs = aliased(Booking)
    return sa.union_all(
        sa.select(theirs.id).where(
            theirs.expert_id == expert_id, theirs.state == State.HELD.value, theirs.deadline <= now
        ),
        sa.select(Proposal.booking_id)
        .join(theirs, theirs.id == Proposal.booking_id)
        .where(theirs.expert_id == expert_id, Proposal.state == "open", Proposal.until <= now),
    )


def run_out_proposal(tx: Tx, booking: Booking) -> bool:
    """Nobody answered a proposal of another time in time: it is over and its time free; the booking stays."""
    proposal = open_proposal(tx.session, booking.id)
    if proposal is None or proposal.until > tx.now:
        return False
    close_proposal(tx, booking, "over")
    note(
        tx, booking, f"{proposal.kind}_over", CLOCK, token=f"over/{proposal.id}", from_state=booking.state
    )  # fmt: skip
    return True


def _ask_provider_first(db: Database, gateway: PaymentsDoor, booking_id: uuid.UUID) -> None:
    """`accepted` runs out only after the provider was asked: captured means confirmed."""
    with db.reading() as session:
        booking = session.get(Booking, booking_id)
        if booking is None or booking.state != State.ACCEPTED.value:
            return
        payment = live_payment(session, booking_id)
    if payment is not None:
        refresh(db, gateway, payment.id)


def run_out_held(tx: Tx, booking: Booking) -> bool:
    """A hold ran out: the slot is free; a checkout under way is closed, and paid late it is revived or released."""
    make_move(tx, booking, Move.RUN_OUT, CLOCK, token=f"run_out/{_stamp(booking.deadline)}")
    booking.deadline = None
    drop_live_payment(tx, booking.id, why="run_out")
    return True


def _run_out_request(tx: Tx, booking: Booking) -> bool:
    payment = live_payment(tx.session, booking.id)
    money = {"what": "released", "minor": payment.amount_minor} if payment else None
    make_move(tx, booking, Move.RUN_OUT, CLOCK, token=f"run_out/{_stamp(booking.deadline)}", money=money)
    booking.deadline = None
    booking.ended_at = tx.now
    drop_live_payment(tx, booking.id, why="run_out")
    tx.announce(BookingLost(booking.id))
    return True


def _run_out_accepted(tx: Tx, booking: Booking) -> bool:
    """Nobody paid again in time. While a capture has no answer, ask on, for an hour at most."""
    payment = live_payment(tx.session, booking.id)
    waiting = payment is not None and payment.state == "authorised" and booking.capture_failed_at is None
    if waiting and booking.deadline is not None and tx.now < booking.deadline + ASK_AT_MOST:
        return False
    return _run_out_request(tx, booking)


def _end_passes(tx: Tx, booking: Booking) -> bool:
    make_move(tx, booking, Move.END_PASSES, CLOCK, token=f"end_passes/{_stamp(booking.ends_at)}")
    booking.reviews_until = deadlines.reviews_until(booking.ends_at)
    booking.deadline = deadlines.objection_until(booking.ends_at, promises_plan=booking.promises_plan)
    return True


def _window_passes(tx: Tx, booking: Booking) -> bool:
    complete(tx, booking, Move.WINDOW_PASSES, CLOCK, token=f"window_passes/{_stamp(booking.deadline)}")
    return True


def _share_falls_due(tx: Tx, booking: Booking) -> bool:
    payment = standing_payment(tx.session, booking.id)
    if payment is None or booking.share_posted_at is not None:
        booking.deadline = None
        return False
    make_move(tx, booking, Move.SHARE_FALLS_DUE, CLOCK, token="share_falls_due")
    booking.deadline = None
    share_falls_due(tx, booking, payment)
    return True


def _dispute_due(tx: Tx, booking: Booking) -> bool:
    """An appeal's five days, or day 80: the room of disputes carries out what was decided."""
    tx.announce(DisputeDue(booking.id))
    return booking.state == State.SETTLED.value


def _stamp(deadline: datetime | None) -> str:
    return deadline.isoformat() if deadline else ""


_ACTS: dict[State, Callable[[Tx, Booking], bool]] = {
    State.HELD: run_out_held,
    State.AWAITING_APPROVAL: run_out_held,
    State.REQUESTED: _run_out_request,
    State.ACCEPTED: _run_out_accepted,
    State.CONFIRMED: _end_passes,
    State.DELIVERED: _window_passes,
    State.CANCELLED: _share_falls_due,
    State.DISPUTED: _dispute_due,
    State.RESOLVED: _dispute_due,
}
