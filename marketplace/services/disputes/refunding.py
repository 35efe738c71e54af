"""Operators' later refund: after the share fell due, an amount, and who bears it (payments.md)."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from ...domain.bookings import Move, may_refund_after
from ...domain.errors import MoveNotOpen, NotFound, ReasonMissing, SameOperator
from ...domain.policy import Actor
from ...domain.refunds import Refund, refund_amount
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.disputes import LaterRefund
from ..bookings.machine import lock_for, make_move, repeated
from ..payments import decide_refund
from ..people import write_audit
from .standing import mover, quote_and_before, refuse_own

REASON = 2000


def refund_later(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, amount_minor: int, borne_by: str, reason: str,
    second_above: int, token: str,
) -> LaterRefund | None:  # fmt: skip
    """Give an amount (minor units) back on a booking that is over, borne by the "expert" or by "us".

    Above `second_above` it only waits for a second operator. None for a repeated call. Raises MoveNotOpen,
    ReasonMissing, RefundTooLarge (more than is left), SameOperator (one waits), OwnCase. Borne by the expert
    it waits for the word on a share that is leaving; once it has left, their part is brought back first.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.refund", booking_id)
        if repeated(tx, booking, token):
            return None
        refuse_own(tx.session, booking, actor)
        why = clean_text(reason, REASON)
        _lines(tx, booking, amount_minor)
        if not why:
            raise ReasonMissing
        if borne_by not in ("expert", "us"):
            raise NotFound
        if _open(tx, booking.id) is not None:
            raise SameOperator(waiting=True)
        assert actor.person_id is not None
        row = LaterRefund(
            booking_id=booking.id, amount_minor=amount_minor, borne_by=borne_by, reason=why,
            proposed_by=actor.person_id, proposed_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()  # Its id goes into the refund's token.
        if amount_minor > second_above:
            write_audit(
                tx, actor_id=actor.person_id, act="refund.proposed", subject=booking.number, reason=why
            )
        else:
            _carry(tx, booking, row, actor, token)
        return row


def second_refund(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, refund_id: uuid.UUID, yes: bool, token: str
) -> Booking:
    """A second operator's yes or no to a refund above the limit. Raises SameOperator, NotFound, RefundTooLarge."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.refund", booking_id)
        if repeated(tx, booking, token):
            return booking
        row = tx.session.get(LaterRefund, refund_id)
        if row is None or row.booking_id != booking.id:
            raise NotFound
        if row.decided_at is not None or row.dropped_at is not None:
            raise MoveNotOpen(booking.state, Move.REFUND.value)
        if not yes:
            row.dropped_at = tx.now
            write_audit(tx, actor_id=actor.person_id, act="refund.dropped", subject=booking.number)
            return booking
        refuse_own(tx.session, booking, actor)
        if actor.person_id == row.proposed_by:
            raise SameOperator
        _carry(tx, booking, row, actor, token)
        return booking


def _open(tx: Tx, booking_id: uuid.UUID) -> LaterRefund | None:
    return tx.session.scalar(
        sa.select(LaterRefund).where(
            LaterRefund.booking_id == booking_id,
            LaterRefund.decided_at.is_(None),
            LaterRefund.dropped_at.is_(None),
        )
    )


def _lines(tx: Tx, booking: Booking, minor: int) -> Refund:
    quote, before, payment = quote_and_before(tx.session, booking)
    if payment is None or not may_refund_after(booking.state, booking.share_posted_at is not None):
        raise MoveNotOpen(booking.state, Move.REFUND.value)
    return refund_amount(quote, minor, before)


def _carry(tx: Tx, booking: Booking, row: LaterRefund, actor: Actor, token: str) -> None:
    refund = _lines(tx, booking, row.amount_minor)
    _quote, _before, payment = quote_and_before(tx.session, booking)
    assert payment is not None
    row.decided_by, row.decided_at = actor.person_id, tx.now
    make_move(
        tx, booking, Move.REFUND, mover("operator", actor), token=token,
        money={"what": "refunded", "minor": refund.total, "borne_by": row.borne_by},
    )  # fmt: skip
    booking.refund_minor += refund.total
    decide_refund(
        tx, payment, lines=refund.lines, token=f"later/{row.id}", why="operator",
        borne_by_us=row.borne_by == "us",
    )  # fmt: skip
    write_audit(tx, actor_id=actor.person_id, act="refund.decided", subject=booking.number, reason=row.reason)
