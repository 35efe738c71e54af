"""The expert's home in numbers: what waits, what comes, reviews to write."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..storage.bookings import Booking
from ..storage.briefs import Brief
from ..storage.companies import Company
from ..storage.offers import OfferVersion
from ..storage.reviews import Review

MOST = 50


@dataclass(frozen=True)
class HomeFacts:
    """Rows hold reference, number, state, starts_at, ends_at, deadline, format, title, company, subject."""

    to_answer: list[Any]
    coming: list[Any]
    to_review: list[Any]


def home_facts(session: Session, expert_id: uuid.UUID, now: datetime) -> HomeFacts:
    """Three statements, whatever the data."""
    rows = (
        sa.select(
            Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at, Booking.deadline,
            Booking.format, OfferVersion.title, OfferVersion.language, Company.name.label("company"), Brief.subject,
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Company, Company.id == Booking.company_id)
        .join(Brief, Brief.id == Booking.brief_id)
        .where(Booking.expert_id == expert_id)
        .limit(MOST)
    )  # fmt: skip
    rated = (
        sa.select(Review.booking_id).where(Review.booking_id == Booking.id, Review.side == "expert").exists()
    )
    return HomeFacts(
        to_answer=list(session.execute(rows.where(Booking.state == "requested").order_by(Booking.deadline))),
        coming=list(
            session.execute(
                rows.where(
                    Booking.state.in_(("accepted", "confirmed")), Booking.ends_at > now,
                    Booking.starts_at < now + timedelta(days=60),
                ).order_by(Booking.starts_at)
            )
        ),
        to_review=list(
            session.execute(
                rows.where(
                    Booking.state.in_(("delivered", "completed")), Booking.reviews_until > now, ~rated
                ).order_by(Booking.reviews_until)
            )
        ),
    )  # fmt: skip


def sessions_of(session: Session, booking_ids: list[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Reference, start and company of these bookings, for naming the lines of a money page."""
    rows = session.execute(
        sa.select(Booking.id, Booking.reference, Booking.starts_at, Company.name.label("company"))
        .join(Company, Company.id == Booking.company_id)
        .where(Booking.id.in_(booking_ids))
    )
    return {row.id: row for row in rows}
