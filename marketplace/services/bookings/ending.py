"""How a confirmed booking ends: called off by the rule, or held and confirmed."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.errors import MoveNotOpen, ReasonMissing, RefundChanged
from ...domain.events import BookingLost
from ...domain.policy import Actor
from ...domain.pricing import Quote
from ...domain.refunds import Refund, refund_due
from ...domain.transfers import transfer_due
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.payments import Payment
from ...storage.payouts import Transfer
from ..payments import decide_refund, post_share_due, standing_payment, unpaid
from ..payouts import schedule_transfer
from ..people import write_audit
from .machine import Mover, lock_for, make_move, repeated

SIDES = {"lead": "buyer", "expert": "expert", "operator": "operator"}


def refund_if_cancelled(booking: Booking, side: str, now: datetime) -> Refund:
    """What cancelling now gives back, line by line (booking-process.md, Refund rule). Minor units."""
    return refund_due(
        Quote.from_dict(booking.quote or {}),
        policy=booking.policy,
        who=SIDES[side],
        now=now,
        start=booking.starts_at,
        best=booking.refund_best,
        free_until=booking.free_until,
    )


def cancel(
    db: Database,
    actor: Actor,
    *,
    booking_id: uuid.UUID,
    side: str,
    reason: str,
    expected_minor: int | None,
    token: str,
) -> Booking:
    """Call a confirmed booking off as `side` ("lead", "expert", "operator"): refund by the rule.

    `expected_minor` is the refund the page showed; when the clock has passed a step meanwhile the
    move is refused with RefundChanged, so that nobody gets less than they saw. The kept share
    falls due 72 hours later. Raises MoveNotOpen, ReasonMissing (expert and operator give one).
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.cancel_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        last = booking.ends_at if side == "operator" else booking.starts_at
        if booking.state != State.CONFIRMED.value or tx.now >= last:
            raise MoveNotOpen(booking.state, Move.CANCEL.value)
        why = clean_text(reason, 1000)
        if side != "lead" and not why:
            raise ReasonMissing
        refund = refund_if_cancelled(booking, side, tx.now)
        if expected_minor is not None and refund.total < expected_minor:
            raise RefundChanged(shown=expected_minor, now=refund.total)
        _call_off(tx, booking, actor, side, why, refund, token)
        return booking


def _call_off(
    tx: Tx, booking: Booking, actor: Actor, side: str, why: str, refund: Refund, token: str
) -> None:
    payment = _captured(tx, booking)
    make_move(
        tx, booking, Move.CANCEL, Mover(side, actor.person_id), token=token, reason=why,
        money={"what": "refunded", "minor": refund.total},
    )  # fmt: skip
    booking.cancelled_by = side
    booking.ended_at = tx.now
    booking.refund_minor = refund.total
    if refund.total:
        decide_refund(
            tx,
            payment,
            lines=refund.lines,
            token=f"cancel/{booking.id}",
            why=f"cancelled_by_{side}",
            by_share=True,
        )
    # Also when nothing is kept: the entries that close the booking's books are posted then.
    booking.share_due_at = deadlines.share_due_at(tx.now)
    booking.deadline = booking.share_due_at
    if side == "expert" and payment.frozen_by is None:  # Uncounted while the payer's bank contests it.
        tx.session.execute(
            sa.update(Expert)
            .where(Expert.id == booking.expert_id)
            .values(cancelled_count=Expert.cancelled_count + 1)
        )
        tx.announce(BookingLost(booking.id))
    if side == "operator":
        write_audit(tx, actor_id=actor.person_id, act="booking.cancel", subject=booking.number, reason=why)


def confirm(db: Database, actor: Actor, *, booking_id: uuid.UUID, token: str) -> Booking:
    """The buyer's side says that the session was held: completed before the window passes."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.confirm", booking_id)
        if repeated(tx, booking, token):
            return booking
        complete(tx, booking, Move.CONFIRM, Mover("lead", actor.person_id), token=token)
        return booking


def complete(tx: Tx, booking: Booking, move: Move, by: Mover, *, token: str) -> None:
    """The whole share falls due to the expert; when it is transferred, and why then, is set here."""
    payment = _captured(tx, booking)
    make_move(tx, booking, move, by, token=token, money={"what": "due", "minor": _share(payment)})
    booking.ended_at = tx.now
    booking.deadline = None
    share_falls_due(tx, booking, payment)


def share_falls_due(tx: Tx, booking: Booking, payment: Payment) -> None:
    """Post what the expert keeps, once a booking, and put the transfer on the calendar."""
    booking.share_posted_at = tx.now
    kept = post_share_due(tx, payment)
    if kept and not unpaid(payment):
        schedule_share(tx, booking, payment, kept)


def schedule_share(tx: Tx, booking: Booking, payment: Payment, minor: int) -> None:
    """Put what the expert keeps (minor units) on the calendar, by the rule of when and why.

    On company terms that is when the company has paid, or its debt is given up.
    """
    expert = tx.session.get_one(Expert, booking.expert_id)
    sessions_before = tx.session.scalar(
        sa.select(sa.func.count()).select_from(Transfer).where(Transfer.expert_id == expert.id)
    )
    when, why = transfer_due(
        due=tx.now,
        sessions_before=sessions_before or 0,
        captured_at=payment.captured_at,
        bank_changed_at=expert.bank_changed_at,
    )
    schedule_transfer(tx, payment, amount_minor=minor, due_at=when, why=why)


def _captured(tx: Tx, booking: Booking) -> Payment:
    payment = standing_payment(tx.session, booking.id)
    if payment is None:
        raise MoveNotOpen(booking.state, "captured")
    return payment


def _share(payment: Payment) -> int:
    return Quote.from_dict(payment.quote).expert_share
