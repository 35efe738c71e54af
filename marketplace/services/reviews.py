"""Reviews: each side once, within 14 days; neither is shown before both are in or the window ends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.bookings import State
from ..domain.errors import NotFound, ReviewClosed
from ..domain.events import ReviewSent
from ..domain.policy import Actor, Parties, may
from ..domain.words import clean_text
from ..storage import locks
from ..storage.bookings import Booking
from ..storage.companies import Company
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.offers import OfferVersion
from ..storage.people import Person
from ..storage.reviews import Review, seen_by_all

LEAD_MARKS = ("prepared", "expertise", "usefulness", "clarity")
EXPERT_MARKS = ("brief_mark", "punctuality", "openness")
OPEN_STATES = frozenset({State.DELIVERED.value, State.COMPLETED.value, State.SETTLED.value})
LONGEST = 2000


def send_review(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, answers: Mapping[str, Any]
) -> Review:
    """Send one side's review; it is not edited afterwards. Raises NotFound, ReviewClosed.

    A lead's answers: the four LEAD_MARKS, `unlocked` (yes, partly, no), `days_saved` (whole working
    days), `text` (30 to 2 000 characters, public). An expert's: the three EXPERT_MARKS and `text`
    (public, optional). Both: `note_to_other`, `note_to_operators`. The form checked their shape.
    """
    with db.transaction() as tx:
        booking = _locked(tx, actor, booking_id, side)
        why = review_closed(tx.session, booking, side, tx.now)
        if why is not None:
            raise ReviewClosed(why=why)
        author = tx.session.get_one(Person, actor.person_id)
        marks = LEAD_MARKS if side == "lead" else EXPERT_MARKS
        company, role = _belongs(tx.session, booking, side)
        review = Review(
            booking_id=booking.id,
            offer_id=booking.offer_id,
            expert_id=booking.expert_id,
            side=side,
            author_id=author.id,
            author_name=author.name,
            author_company=company,
            author_role=role,
            **{mark: int(answers[mark]) for mark in marks},
            unlocked=answers["unlocked"] if side == "lead" else None,
            days_saved=int(answers["days_saved"]) if side == "lead" else None,
            text=clean_text(answers.get("text") or "", LONGEST),
            language=author.language,
            note_to_other=clean_text(answers.get("note_to_other") or "", LONGEST),
            note_to_operators=clean_text(answers.get("note_to_operators") or "", LONGEST),
            sent_at=tx.now,
        )
        tx.session.add(review)
        tx.session.flush()  # Its id goes into the announcement.
        tx.announce(ReviewSent(review.id))
        return review


def _locked(tx: Tx, actor: Actor, booking_id: uuid.UUID, side: str) -> Booking:
    locks.take(tx, booking=booking_id)
    booking = tx.session.get(Booking, booking_id)
    if booking is None or not may(
        f"booking.review_as_{side}", actor, Parties(booking.lead_id, booking.company_id, booking.expert_id)
    ):
        raise NotFound
    return booking


def _belongs(session: Session, booking: Booking, side: str) -> tuple[str, str]:
    if side == "expert":
        expert = session.get_one(Expert, booking.expert_id)
        return expert.startup, expert.startup_role
    return session.get_one(Company, booking.company_id).name, ""


def review_closed(session: Session, booking: Booking, side: str, now: datetime) -> str | None:
    """Why this side cannot review now: "sent", "not_yet", "over"; None when it can."""
    if session.scalar(sa.select(Review.id).where(Review.booking_id == booking.id, Review.side == side)):
        return "sent"
    if booking.state not in OPEN_STATES or booking.reviews_until is None:
        return "not_yet"
    return "over" if now >= booking.reviews_until else None


def windows_ended(session: Session, now: datetime) -> list[uuid.UUID]:
    """Bookings whose review window ended in the last two days with a review in it: now it is visible."""
    return list(
        session.scalars(
            sa.select(Booking.id)
            .join(Review, Review.booking_id == Booking.id)
            .where(Booking.reviews_until <= now, Booking.reviews_until > now - timedelta(days=2))
            .distinct()
        )
    )


@dataclass(frozen=True)
class Received:
    """Some of the reviews an expert received, newest first; `after`: where the next ones begin."""

    rows: list[sa.Row[Any]]
    after: tuple[datetime, uuid.UUID] | None


def reviews_received(
    session: Session, expert_id: uuid.UUID, now: datetime, most: int, after: tuple[datetime, uuid.UUID] | None
) -> Received:
    """What leads said of an expert's sessions, as far as it is visible, with the words for them alone."""
    query = (
        sa.select(
            Review.id, Review.author_name, Review.author_role, Review.author_company, Review.text,
            Review.language.label("lang"), Review.unlocked, Review.days_saved, Review.prepared, Review.expertise,
            Review.usefulness, Review.clarity, Review.note_to_other, Review.sent_at,
            Booking.starts_at.label("session_month"), Review.sent_at.label("review_month"), Booking.reference,
            Booking.origin, OfferVersion.title, OfferVersion.language.label("title_lang"),
        )
        .join(Booking, Booking.id == Review.booking_id)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .where(Review.expert_id == expert_id, seen_by_all(now))
        .order_by(Review.sent_at.desc(), Review.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(Review.sent_at, Review.id) < after)
    rows: list[sa.Row[Any]] = list(session.execute(query))
    last = rows[most - 1] if len(rows) > most else None
    return Received(rows[:most], (last.sent_at, last.id) if last else None)


def reviews_of(session: Session, booking_id: uuid.UUID) -> dict[str, Review]:
    """Both sides' reviews by side, for deciding what may be shown."""
    rows = session.scalars(sa.select(Review).where(Review.booking_id == booking_id)).all()
    return {row.side: row for row in rows}
