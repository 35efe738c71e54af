"""A lost chargeback calls a booking off, where the session has not started (booking-process.md, Moves)."""

from __future__ import annotations

from ...domain import deadlines
from ...domain.bookings import Move, State, chargeback_cancels
from ...domain.chargebacks import rest_of
from ...domain.pricing import Quote
from ...storage.bookings import Booking
from ...storage.db import Tx
from ...storage.payments import Payment
from ..payments import decide_refund
from ..payments.refunding import refunded_lines
from .machine import PROVIDER, make_move


def charged_back(tx: Tx, booking: Booking, payment: Payment, *, chargeback: str) -> bool:
    """Nothing is kept: what the bank did not take is refunded, the slot is free. False where it does not apply.

    Called with the booking's locks held, once its loss is in the books.
    """
    if booking.state != State.CONFIRMED.value or not chargeback_cancels(tx.now, booking.starts_at):
        return False
    rest = rest_of(Quote.from_dict(payment.quote), refunded_lines(tx.session, payment.id))
    back = sum(rest.values())
    make_move(
        tx, booking, Move.CHARGEBACK_LOST, PROVIDER, token=f"{chargeback}/lost",
        money={"what": "refunded", "minor": back},
    )  # fmt: skip
    booking.cancelled_by, booking.ended_at = "provider", tx.now
    booking.refund_minor += back
    if back:
        decide_refund(
            tx, payment, lines=rest, token=f"chargeback_rest/{booking.id}", why="chargeback", by_share=True
        )
    # Nothing is kept, and yet the entries that close the booking's books are posted then.
    booking.share_due_at = deadlines.share_due_at(tx.now)
    booking.deadline = booking.share_due_at
    return True
