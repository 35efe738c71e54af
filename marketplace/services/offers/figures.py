"""How an expert's offers do: read, held, asked, booked, and why the others were lost. Counts, nobody is named."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...storage.bookings import Booking, BookingMove
from ...storage.db import Database
from ...storage.offers import Offer, OfferView
from .drafts import own_offers

WINDOW = timedelta(days=90)


@dataclass(frozen=True)
class OfferFigures:
    """One offer's last 90 days. `seen`: pages read; the others are bookings begun in that time.

    `lost` names why: not_asked, withdrawn, refused, the expert's decline codes (no_time …), unanswered,
    unpaid, cancelled_by_buyer, cancelled_by_expert, stopped. What was booked and then cancelled counts
    in both.
    """

    offer_id: uuid.UUID
    title: str
    language: str
    status: str
    draft_state: str
    seen: int
    held: int
    asked: int
    booked: int
    lost: dict[str, int]


def figures(session: Session, expert_id: uuid.UUID, now: datetime) -> Sequence[OfferFigures]:
    """All offers of an expert, newest first; three statements, whatever the data."""
    since = now - WINDOW
    seen = {
        row.offer_id: row.seen
        for row in session.execute(
            sa.select(OfferView.offer_id, sa.func.sum(OfferView.seen).label("seen"))
            .where(OfferView.day > since.date(), OfferView.offer_id.in_(_of(expert_id)))
            .group_by(OfferView.offer_id)
        )
    }
    held: Counter[uuid.UUID] = Counter()
    asked: Counter[uuid.UUID] = Counter()
    booked: Counter[uuid.UUID] = Counter()
    lost: dict[uuid.UUID, Counter[str]] = {}
    why = _why_lost().label("why")
    for row in session.execute(
        sa.select(
            Booking.offer_id,
            why,
            sa.func.count().label("held"),
            sa.func.count(Booking.committed_at).label("asked"),
            sa.func.count(Booking.captured_at).label("booked"),
        )
        .outerjoin(BookingMove, sa.and_(BookingMove.booking_id == Booking.id, BookingMove.move == "decline"))
        .where(Booking.expert_id == expert_id, Booking.origin == "made", Booking.created_at >= since)
        .group_by(Booking.offer_id, why)
    ):
        held[row.offer_id] += row.held
        asked[row.offer_id] += row.asked
        booked[row.offer_id] += row.booked
        if row.why is not None:
            lost.setdefault(row.offer_id, Counter())[row.why] += row.held
    return [
        OfferFigures(
            offer_id=one.id, title=one.title, language=one.language, status=one.status,
            draft_state=one.draft_state, seen=int(seen.get(one.id, 0)), held=held[one.id],
            asked=asked[one.id], booked=booked[one.id], lost=dict(lost.get(one.id, Counter()).most_common()),
        )
        for one in own_offers(session, expert_id)
    ]  # fmt: skip


def _why_lost() -> sa.Case[str | None]:
    """Why a booking came to nothing; null for one that goes on, or went well."""
    by = {"lead": "cancelled_by_buyer", "expert": "cancelled_by_expert"}
    return sa.case(
        (sa.and_(Booking.state == "lapsed", Booking.committed_at.is_(None)), "not_asked"),
        (Booking.state == "lapsed", "withdrawn"),
        (Booking.state == "refused", "refused"),
        (Booking.state == "declined", sa.func.split_part(BookingMove.reason, ":", 1)),
        (sa.and_(Booking.state == "expired", Booking.accepted_at.is_(None)), "unanswered"),
        (Booking.state == "expired", "unpaid"),
        (Booking.state == "cancelled", sa.case(by, value=Booking.cancelled_by, else_="stopped")),
        else_=None,
    )


def _of(expert_id: uuid.UUID) -> sa.ScalarSelect[uuid.UUID]:
    return sa.select(Offer.id).where(Offer.expert_id == expert_id).scalar_subquery()


def count_view(db: Database, offer_id: uuid.UUID) -> None:
    """One more reading of an offer's page today (UTC). Who read it is not kept."""
    with db.transaction() as tx:
        tx.session.execute(
            insert(OfferView)
            .values(offer_id=offer_id, day=tx.now.date(), seen=1)
            .on_conflict_do_update(
                index_elements=[OfferView.offer_id, OfferView.day], set_={"seen": OfferView.seen + 1}
            )
        )
