"""A lost chargeback, once it can be booked: whether the session was held, and what becomes of the booking."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.bookings import State
from ...domain.events import ChargebackToBook
from ...storage.bookings import Booking
from ...storage.chargebacks import Chargeback
from ...storage.db import Tx
from ...storage.disputes import Dispute, DisputeStatement
from ...storage.payments import Payment
from ..bookings.charged_back import charged_back
from ..payments.chargebacks import book_loss
from .settling import NOT_HELD

# A session that ended in one of these took place, unless a report says otherwise.
MAY_BE_HELD = frozenset(
    {
        State.CONFIRMED, State.DELIVERED, State.COMPLETED, State.DISPUTED, State.RESOLVED, State.SETTLED,
    }
)  # fmt: skip


def chargeback_to_book(tx: Tx, event: ChargebackToBook) -> None:
    """WITHIN: the loss goes into the books, and before the start the booking is called off by it."""
    row = tx.session.get_one(Chargeback, event.chargeback_id)
    payment = tx.session.get_one(Payment, row.payment_id)
    booking = tx.session.get(Booking, payment.subject, populate_existing=True)
    held = booking is not None and session_held(tx.session, booking, tx.now)
    if book_loss(tx, payment, row, held=held) is not None and booking is not None:
        charged_back(tx, booking, payment, chargeback=row.provider_id)


def session_held(session: Session, booking: Booking, now: datetime) -> bool:
    """ "The end has passed and no no-show or technical report stands" (payments.md)."""
    if now < booking.ends_at or booking.state not in MAY_BE_HELD:
        return False
    against = session.execute(
        sa.select(Dispute.from_state, DisputeStatement.kind)
        .outerjoin(
            DisputeStatement,
            (DisputeStatement.dispute_id == Dispute.id) & DisputeStatement.withdrawn_at.is_(None),
        )
        .where(
            Dispute.booking_id == booking.id,
            Dispute.closed_why.is_distinct_from("withdrawn")
            & Dispute.closed_why.is_distinct_from("second_session"),
        )
    )
    return not any(kind in NOT_HELD or came_from == State.CANCELLED for came_from, kind in against)
