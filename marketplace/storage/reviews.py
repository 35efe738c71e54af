"""Reviews: once a side, both shown together; hidden ones leave a trace."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Row,
    UniqueConstraint,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from .bookings import Booking
from .types import Base, Id, one_of, refers


class Review(Base):
    """One side's word on one session. Marks are 1–5; those a side does not give, or a file did not hold, are null."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("booking_id", "side"),
        CheckConstraint(one_of("side", ("lead", "expert")), "side"),
        CheckConstraint(one_of("unlocked", ("yes", "partly", "no")), "unlocked"),
        CheckConstraint("days_saved between 0 and 999", "days_saved"),
        *(
            CheckConstraint(f"{mark} between 1 and 5", mark)
            for mark in (
                "prepared",
                "expertise",
                "usefulness",
                "clarity",
                "brief_mark",
                "punctuality",
                "openness",
            )
        ),
        Index("ix_reviews_offer", "offer_id", "side"),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", index=False)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    side: Mapped[str]
    author_id: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    # As it stood when the review was sent; for imported ones, as the file says.
    author_name: Mapped[str]
    author_company: Mapped[str]
    author_role: Mapped[str] = mapped_column(default="")
    prepared: Mapped[int | None]
    expertise: Mapped[int | None]
    usefulness: Mapped[int | None]
    clarity: Mapped[int | None]
    brief_mark: Mapped[int | None]
    punctuality: Mapped[int | None]
    openness: Mapped[int | None]
    unlocked: Mapped[str | None]
    days_saved: Mapped[int | None]
    text: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="fr")
    note_to_other: Mapped[str] = mapped_column(default="")
    note_to_operators: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime]
    hidden_at: Mapped[datetime | None]
    hidden_why: Mapped[str | None]


def seen_by_all(now: datetime) -> ColumnElement[bool]:
    """Whether a lead's review is public: both sides are in, or the window ended, or it was imported; not hidden.

    Asked of the rows and `now` each time: there is no stored reveal (booking-process.md, "Reviews").
    To be used with Booking joined on the review's booking.
    """
    other = aliased(Review)
    both = exists().where(other.booking_id == Review.booking_id, other.side == "expert")
    return and_(
        Review.side == "lead",
        Review.hidden_at.is_(None),
        or_(Booking.origin == "imported", Booking.reviews_until <= now, both),
    )


@dataclass(frozen=True)
class Said:
    """What public reviews say of one offer, for one line of a list. `days`: all answers, sorted."""

    count: int
    days: tuple[int, ...]
    usefulness: tuple[int, ...]


NOTHING_SAID = Said(0, (), ())


def said_of(session: Session, offer_ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, Said]:
    """One statement for all of them; offers without a public review are left out."""
    if not offer_ids:
        return {}
    rows = session.execute(
        select(
            Review.offer_id,
            func.count(),
            func.array_agg(Review.days_saved).filter(Review.days_saved.is_not(None)),
            func.array_agg(Review.usefulness).filter(Review.usefulness.is_not(None)),
        )
        .join(Booking, Booking.id == Review.booking_id)
        .where(Review.offer_id.in_(offer_ids), seen_by_all(now))
        .group_by(Review.offer_id)
    )
    return {
        offer: Said(count, tuple(sorted(_known(days))), tuple(_known(useful)))
        for offer, count, days, useful in rows
    }


def _known(answers: Sequence[int | None] | None) -> list[int]:
    return [answer for answer in answers or () if answer is not None]


def public_reviews(session: Session, offer_id: uuid.UUID, now: datetime, *, most: int = 50) -> list[Row[Any]]:
    """The newest public reviews of an offer, only the columns shown, with the month of the session."""
    return list(
        session.execute(
            select(
                Review.id,
                Review.author_name,
                Review.author_role,
                Review.author_company,
                Review.text,
                Review.language.label("lang"),
                Review.unlocked,
                Review.days_saved,
                Review.usefulness,
                Booking.starts_at.label("session_month"),
                Review.sent_at.label("review_month"),
            )
            .join(Booking, Booking.id == Review.booking_id)
            .where(Review.offer_id == offer_id, seen_by_all(now))
            .order_by(Review.sent_at.desc(), Review.id)
            .limit(most)
        )
    )


def hidden_reviews(session: Session, offer_id: uuid.UUID) -> list[Row[Any]]:
    """The trace of an offer's hidden reviews, newest first: (month of the review, the ground)."""
    return list(
        session.execute(
            select(Review.sent_at.label("review_month"), Review.hidden_why.label("ground"))
            .where(Review.offer_id == offer_id, Review.side == "lead", Review.hidden_at.is_not(None))
            .order_by(Review.sent_at.desc(), Review.id)
            .limit(20)
        )
    )
