"""The expert's home in numbers: what waits, a week of their calendar, what comes next, reviews to write."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.availability import Interval, open_windows
from ..domain.pricing import Quote
from ..storage.availability import Calendar, Claim
from ..storage.bookings import Booking
from ..storage.briefs import Brief
from ..storage.companies import Company
from ..storage.experts import Expert, ProfileDraft
from ..storage.offers import Offer, OfferDraft, OfferVersion
from ..storage.people import Person
from ..storage.reviews import Review
from .availability import Sought, next_slots, rules_of

MOST = 50
# What stands in a calendar; of what a buyer only holds, nothing but the time is told.
SHOWN = (
    "held", "awaiting_approval", "requested", "accepted", "confirmed", "delivered", "completed", "disputed",
    "resolved", "settled",
)  # fmt: skip
NAMELESS = ("held", "awaiting_approval")


@dataclass(frozen=True)
class HomeFacts:
    """Rows hold reference, number, state, starts_at, ends_at, deadline, format, title, company, subject.

    `share`: what the expert receives for a request, by reference, in minor units. `changes`: rows of
    (offer_id, title, notes) the operators sent back; offer_id None is the profile.
    """

    to_answer: Sequence[Any]
    to_review: Sequence[Any]
    coming: Any
    share: dict[str, int]
    changes: Sequence[Any]
    account_status: str
    account_asks: Sequence[str]
    open_at_all: bool


def home_facts(session: Session, expert_id: uuid.UUID, now: datetime) -> HomeFacts:
    """Six statements, whatever the data."""
    rows = (
        sa.select(
            Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at, Booking.deadline,
            Booking.format, Booking.quote, Booking.meeting_place, Booking.reviews_until, OfferVersion.title,
            OfferVersion.language, Company.name.label("company"), Brief.subject, Person.name.label("lead"),
            Person.zone.label("lead_zone"),
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Company, Company.id == Booking.company_id)
        .join(Brief, Brief.id == Booking.brief_id)
        .join(Person, Person.id == Booking.lead_id)
        .where(Booking.expert_id == expert_id)
        .limit(MOST)
    )  # fmt: skip
    rated = (
        sa.select(Review.booking_id).where(Review.booking_id == Booking.id, Review.side == "expert").exists()
    )
    to_answer = session.execute(rows.where(Booking.state == "requested").order_by(Booking.deadline)).all()
    to_review = session.execute(
        rows.where(
            Booking.state.in_(("delivered", "completed")), Booking.reviews_until > now, ~rated
        ).order_by(Booking.reviews_until)
    ).all()  # fmt: skip
    coming = session.execute(
        rows.where(Booking.state.in_(("accepted", "confirmed")), Booking.ends_at > now)
        .order_by(Booking.starts_at, Booking.id)
        .limit(1)
    ).one_or_none()
    account = session.execute(
        sa.select(Expert.account_status, Expert.account_asks, Calendar.weekly, Calendar.dated)
        .outerjoin(Calendar, Calendar.expert_id == Expert.id)
        .where(Expert.id == expert_id)
    ).one()
    return HomeFacts(
        to_answer=to_answer,
        to_review=to_review,
        coming=coming,
        share={row.reference: Quote.from_dict(row.quote).expert_share for row in to_answer if row.quote},
        changes=_changes(session, expert_id),
        account_status=account.account_status,
        account_asks=account.account_asks,
        open_at_all=bool(account.weekly) or any(one["ranges"] for one in account.dated or ()),
    )


def _changes(session: Session, expert_id: uuid.UUID) -> list[Any]:
    """What the operators sent back with reasons: the profile, then offers."""
    profile = sa.select(
        sa.literal(None, sa.Uuid()).label("offer_id"), sa.literal("").label("title"), ProfileDraft.notes
    ).where(ProfileDraft.expert_id == expert_id, ProfileDraft.state == "changes")
    offers = (
        sa.select(OfferDraft.offer_id, OfferDraft.content["title"].astext.label("title"), OfferDraft.notes)
        .join(Offer, Offer.id == OfferDraft.offer_id)
        .where(Offer.expert_id == expert_id, OfferDraft.state == "changes")
        .order_by(OfferDraft.saved_at)
        .limit(MOST)
    )
    return [*session.execute(profile), *session.execute(offers)]


@dataclass(frozen=True)
class Week:
    """Seven days of an expert's calendar from `monday` on, in `zone`. Instants are aware UTC.

    bookings: rows of reference, state, starts_at, ends_at, deadline, format, promises_plan, company (None
    where the expert is not asked yet), during (the padded range). opened: the expert's hours, merged.
    away: dates of their own calendar without any.
    """

    monday: date
    zone: str
    bookings: Sequence[Any]
    opened: Sequence[Interval]
    away: Collection[date]


def week_of(session: Session, expert_id: uuid.UUID, monday: date, zone: str) -> Week:
    """Two statements."""
    place = ZoneInfo(zone)
    begin, end = (
        datetime.combine(monday + timedelta(days=n), time(0), place).astimezone(UTC) for n in (0, 7)
    )
    calendar = session.get(Calendar, expert_id)
    nameless = Booking.state.in_(NAMELESS)
    found = session.execute(
        sa.select(
            Booking.id, sa.case((nameless, None), else_=Booking.reference).label("reference"), Booking.state,
            Booking.starts_at, Booking.ends_at, Booking.deadline, Booking.format,
            sa.case((nameless, None), else_=Company.name).label("company"), Claim.during,
        )
        .join(Company, Company.id == Booking.company_id)
        .outerjoin(Claim, sa.and_(Claim.booking_id == Booking.id, Claim.starts_at == Booking.starts_at,
                                  Claim.expert_id == expert_id))
        .where(Booking.expert_id == expert_id, Booking.state.in_(SHOWN), Booking.origin == "made")
        .where(Booking.starts_at < end, Booking.ends_at > begin)
        .order_by(Booking.starts_at, Booking.id, Claim.live)
        .limit(200)
    )  # fmt: skip
    bookings = list({row.id: row for row in found}.values())
    if calendar is None:
        return Week(monday, zone, bookings, [], frozenset())
    rules = rules_of(calendar, notice_hours=0, instant=False)
    away = {one.day for one in rules.dated if not one.ranges}
    # Their dates and the reader's are the same days only in the same zone.
    return Week(
        monday, zone, bookings, open_windows(rules, (begin, end)), away if calendar.zone == zone else ()
    )


@dataclass(frozen=True)
class NextSlot:
    """What a buyer sees first of an offer; None: nothing free as far as one may book."""

    title: str
    language: str
    slug: str
    slot: Interval | None


def next_slots_of(session: Session, expert_id: uuid.UUID, now: datetime, most: int = 5) -> list[NextSlot]:
    """The first free slot of each live offer, by the rules of the hold itself; three statements."""
    offers = session.execute(
        sa.select(Offer.id, Offer.slug, OfferVersion.title, OfferVersion.language, OfferVersion.minutes,
                  OfferVersion.notice_hours, OfferVersion.instant)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .where(Offer.expert_id == expert_id, Offer.status == "live")
        .order_by(Offer.created_at, Offer.id)
        .limit(most)
    ).all()  # fmt: skip
    sought = [Sought(o.id, expert_id, o.minutes, o.notice_hours, o.instant) for o in offers]
    found = next_slots(session, sought, now, 1)
    return [NextSlot(o.title, o.language, o.slug, next(iter(found[o.id]), None)) for o in offers]


def sessions_of(session: Session, booking_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """What names these bookings on a money page: reference, number, state, times, company, title, deadline."""
    rows = session.execute(
        sa.select(
            Booking.id, Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at,
            Booking.deadline, Booking.promises_plan, OfferVersion.title, OfferVersion.language,
            Company.name.label("company"),
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Company, Company.id == Booking.company_id)
        .where(Booking.id.in_(booking_ids))
    )  # fmt: skip
    return {row.id: row for row in rows}
