"""Filters as conditions, and how many offers each value of them leaves: asked of the records, never of a list."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.availability import COUNTS_FOR
from ..domain.filters import FACETS, FORMATS, Filters
from .availability import BusyCalendar, Calendar
from .experts import Expert
from .free_days import FreeDay
from .offers import Offer, OfferVersion
from .people import Person
from .search import SearchRow

Condition = sa.ColumnElement[bool]
HOUR = sa.text("interval '1 hour'")
_LISTS = {
    "topic": OfferVersion.topics,
    "industry": OfferVersion.industries,
    "language": OfferVersion.languages,
}


@dataclass(frozen=True)
class Counts:
    """How many offers there are with every filter; by facet and value, with all the other filters; and
    without each filter that is set."""

    total: int = 0
    values: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    without: Mapping[str, int] = field(default_factory=dict)


def everything() -> sa.Select[uuid.UUID]:
    """The ids of all live offers, with everything a condition may ask about joined."""
    return (
        sa.select(Offer.id)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .join(SearchRow, SearchRow.offer_id == Offer.id)
        .where(Offer.status == "live", Expert.status == "admitted", Person.suspended_at.is_(None))
    )


def conditions(filters: Filters, now: datetime, zone: ZoneInfo) -> dict[str, Condition]:
    """A condition for each filter that is set, on the tables of `everything()`. Days are the reader's."""
    found: dict[str, Condition] = {}
    for name in filters.set_names():
        found[name] = _condition(name, filters, now, zone)
    return found


def _condition(name: str, filters: Filters, now: datetime, zone: ZoneInfo) -> Condition:
    if name in _LISTS:
        wanted: Condition = _LISTS[name].op("&&", is_comparison=True)(list(getattr(filters, name)))
        return wanted
    if name == "format":
        return OfferVersion.format.in_((*filters.format, "both"))
    if name == "minutes":
        return OfferVersion.minutes.in_(filters.minutes)
    if name == "price_min":
        return OfferVersion.price_minor >= (filters.price_min or 0) * 100
    if name == "price_max":
        return OfferVersion.price_minor <= (filters.price_max or 0) * 100
    if name == "rating":
        return SearchRow.rating_score >= (filters.rating or 0) * 1000
    return _free(filters, now, zone)


def _free(filters: Filters, now: datetime, zone: ZoneInfo) -> Condition:
    """Whether there is a start within the days, with the offer's own notice kept."""
    opens = _midnight(filters.from_day, zone) if filters.from_day else now
    soonest = now + _notice(sa.literal(now)) * HOUR
    free = [
        FreeDay.expert_id == Offer.expert_id,
        FreeDay.minutes == OfferVersion.minutes,
        FreeDay.day >= max(opens, now).date(),
        FreeDay.last_start >= sa.func.greatest(opens, soonest),
    ]
    if filters.to_day:
        closes = _midnight(filters.to_day + timedelta(days=1), zone)
        free += [FreeDay.day <= closes.date(), FreeDay.first_start < closes]
    return sa.and_(Expert.account_status == "active", sa.exists().where(*free))


def _notice(now: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    """`services.availability.rules_of` in SQL: an offer's own notice, and the calendar's under those on request.

    While a busy calendar is stale, instant offers are on request too.
    """
    instant = sa.and_(
        OfferVersion.instant,
        Expert.standing_since.is_not(None),
        sa.func.coalesce(Expert.meeting_link, "") != "",
        ~sa.exists()
        .where(BusyCalendar.expert_id == Expert.id, BusyCalendar.good_at <= now - COUNTS_FOR)
        .correlate(Expert),
    )
    calendar = (
        sa.select(Calendar.notice_hours)
        .where(Calendar.expert_id == Expert.id)
        .correlate(Expert)
        .scalar_subquery()
    )
    floor = sa.func.greatest(24, calendar)
    return sa.func.greatest(OfferVersion.notice_hours, sa.case((instant, 4), else_=floor))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def next_day() -> sa.ScalarSelect[datetime]:
    """The start of an offer's next free day that can still be booked at `:now`, for ordering by it."""
    now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
    soonest = now + _notice(now) * HOUR
    return (
        sa.select(sa.func.min(sa.func.greatest(FreeDay.first_start, soonest)))
        .where(
            FreeDay.expert_id == Offer.expert_id,
            FreeDay.minutes == OfferVersion.minutes,
            FreeDay.last_start >= soonest,
        )
        .correlate(Offer, OfferVersion, Expert)
        .scalar_subquery()
    )


def count(
    session: Session, found: Mapping[str, Condition], among: Collection[uuid.UUID] | None = None
) -> Counts:
    """All the counts in one statement; `among` narrows to these offers (what a query found)."""
    base = everything().add_columns(
        *(column.label(name) for name, column in _LISTS.items()),
        OfferVersion.format.label("format"),
        OfferVersion.minutes.label("minutes"),
        *(condition.label(f"in_{name}") for name, condition in found.items()),
    )
    if among is not None:
        base = base.where(Offer.id.in_(among))
    each = base.subquery()
    alike = [column for column in each.c if column.name != "id"]
    # Offers of which all this is the same are one row from here on: a facet is counted over far fewer.
    offers = sa.select(*alike, sa.func.count().label("many")).group_by(*alike).cte("narrowed")
    asked = [_counted(offers, "total", "", found)]
    asked += [_counted(offers, "without", name, found, but=name) for name in found]
    for facet in FACETS:
        asked += _by_value(offers, facet, found)
    total, without = 0, {}
    values: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    rows: Any = session.execute(sa.union_all(*asked))
    for kind, value, number in rows:
        if kind == "total":
            total = number
        elif kind == "without":
            without[value] = number
        elif number:
            values[kind][value] = number
    return Counts(total, values, without)


def _passing(offers: sa.CTE, found: Mapping[str, Condition], but: str) -> list[Condition]:
    return [offers.c[f"in_{name}"] for name in found if name != but]


def _counted(
    offers: sa.CTE, kind: str, value: str, found: Mapping[str, Condition], but: str = ""
) -> sa.Select[str, str, int]:
    return (
        sa.select(sa.literal(kind), sa.literal(value), _many(offers.c.many))
        .select_from(offers)
        .where(*_passing(offers, found, but))
    )


def _by_value(offers: sa.CTE, facet: str, found: Mapping[str, Condition]) -> list[sa.Select[str, str, int]]:
    passing = _passing(offers, found, facet)
    if facet == "format":
        return [
            _counted(offers, facet, value, found, but=facet).where(offers.c.format.in_((value, "both")))
            for value in FORMATS
        ]
    values = sa.func.unnest(offers.c[facet]) if facet in _LISTS else sa.cast(offers.c[facet], sa.Text)
    each = sa.select(values.label("value"), offers.c.many).where(*passing).subquery()
    return [sa.select(sa.literal(facet), each.c.value, _many(each.c.many)).group_by(each.c.value)]


def _many(of: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(of), 0), sa.BigInteger)
