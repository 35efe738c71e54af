"""What else we keep of a booking, for its evidence: acceptances, letters, questions, reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.bookings import Booking, BookingMove
from ...storage.disputes import Dispute
from ...storage.letters import Letter
from ...storage.people import Acceptance
from ...storage.questions import Question


@dataclass(frozen=True)
class Records:
    """`letters`: rows of event, recipient, sent_at, to the buyer's side alone, oldest first."""

    acceptances: Sequence[Acceptance]
    letters: Sequence[Any]
    questions: int
    disputes: Sequence[Dispute]


def records_of(session: Session, booking: Booking) -> Records:
    """Four statements."""
    acceptances = session.scalars(
        sa.select(Acceptance)
        .where(Acceptance.booking_id == booking.id, Acceptance.person_id == booking.lead_id)
        .order_by(Acceptance.accepted_at, Acceptance.document)
    ).all()
    moves = sa.select(sa.cast(BookingMove.id, sa.Text)).where(BookingMove.booking_id == booking.id)
    letters = session.execute(
        sa.select(Letter.event, Letter.recipient, Letter.sent_at)
        .where(
            Letter.person_id == booking.lead_id, Letter.sent_at.is_not(None),
            sa.func.split_part(Letter.token, "/", 2).in_(moves),
        )
        .order_by(Letter.sent_at, Letter.id)
    ).all()  # fmt: skip
    questions = session.scalar(
        sa.select(sa.func.count())
        .select_from(Question)
        .where(
            Question.asker_id == booking.lead_id, Question.expert_id == booking.expert_id,
            Question.asked_at < booking.created_at,
        )
    )  # fmt: skip
    disputes = session.scalars(
        sa.select(Dispute).where(Dispute.booking_id == booking.id).order_by(Dispute.reported_at, Dispute.id)
    ).all()
    return Records(acceptances, letters, questions or 0, disputes)
