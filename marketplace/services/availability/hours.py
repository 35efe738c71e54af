"""The hours an expert keeps: read for the form, saved under the calendar's lock, and what a buyer then sees."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.availability import DatedHours, Interval, open_windows
from ...domain.errors import DraftSavedElsewhere, NotFound
from ...domain.events import CalendarChanged
from ...domain.hours import Hours, Typed, fingerprint, read_hours
from ...domain.policy import Actor
from ...storage import locks
from ...storage.availability import Calendar
from ...storage.db import Database
from ...storage.offers import Offer, OfferVersion
from ..people.trail import write_audit
from .reading import rules_of, slots_among, taken_of


@dataclass(frozen=True)
class Day:
    """A day as a buyer sees it: its free slots, or why there are none (away, closed, soon, far, full)."""

    date: date
    slots: list[Interval]
    why: str


def hours_of(session: Session, expert_id: uuid.UUID) -> Hours:
    """What an expert keeps now, in their own zone; days that have passed included. NotFound."""
    calendar = session.get(Calendar, expert_id)
    if calendar is None:
        raise NotFound
    return _read(calendar)


def has_hours(session: Session, expert_id: uuid.UUID) -> bool:
    """Whether anything is open at all: the step of an application."""
    row = session.execute(
        sa.select(Calendar.weekly, Calendar.dated).where(Calendar.expert_id == expert_id)
    ).one_or_none()
    return row is not None and (bool(row.weekly) or any(one["ranges"] for one in row.dated))


def usual_length(session: Session, expert_id: uuid.UUID) -> int:
    """The minutes of their shortest live offer; three hours without one."""
    shortest = (
        sa.select(sa.func.min(OfferVersion.minutes))
        .join(Offer, Offer.id == OfferVersion.offer_id)
        .where(Offer.expert_id == expert_id, Offer.status == "live", OfferVersion.live)
    )
    return session.scalar(shortest) or 180


def save_hours(db: Database, actor: Actor, *, typed: Typed, seen: str | None = None) -> Hours:
    """Keep what was typed, with a line in the audit when it changes anything. NotFound, HoursRefused.

    `seen` is the fingerprint of the hours the form was made from: DraftSavedElsewhere when they are others now.

    Sessions already booked keep their instants: only what is free from now on changes.
    """
    if actor.expert_id is None:
        raise NotFound
    with db.transaction() as tx:
        locks.take(tx, calendar=actor.expert_id)
        calendar = tx.session.get(Calendar, actor.expert_id, populate_existing=True)
        if calendar is None:
            raise NotFound
        if seen is not None and seen != fingerprint(_read(calendar)):
            raise DraftSavedElsewhere(revision=0)
        hours = read_hours(typed, tx.now)
        wanted = _columns(hours)
        changed = [name for name, value in wanted.items() if getattr(calendar, name) != value]
        for name in changed:
            setattr(calendar, name, wanted[name])
        if changed:
            write_audit(
                tx, actor_id=actor.person_id, act="hours.changed", subject=f"expert:{actor.expert_id}",
                reason=", ".join(changed),
            )  # fmt: skip
            tx.announce(CalendarChanged(calendar.expert_id))
        return hours


def week_ahead(
    session: Session,
    expert_id: uuid.UUID,
    hours: Hours,
    *,
    minutes: int,
    monday: date,
    zone: str,
    now: datetime,
) -> list[Day]:
    """What a buyer reading in `zone` sees of the week of `monday`, by the slots page's own function.

    `hours` need not be saved yet. The notice is that of offers on request; an offer may ask for more.
    """
    kept = session.get(Calendar, expert_id)
    holidays = kept.holidays if kept is not None else []
    rules = rules_of(
        Calendar(expert_id=expert_id, holidays=holidays, **_columns(hours)), notice_hours=0, instant=False
    )
    taken = taken_of(session, expert_id, now)
    place = ZoneInfo(zone)
    starts = [datetime.combine(monday + timedelta(days=n), time(0), place).astimezone(UTC) for n in range(8)]
    window = (starts[0], starts[-1] + timedelta(minutes=minutes))
    by_day: dict[date, list[Interval]] = {}
    for slot in slots_among(rules, taken, minutes=minutes, window=window, now=now):
        by_day.setdefault(slot[0].astimezone(place).date(), []).append(slot)
    away = {one.day for one in rules.dated if not one.ranges}
    days = []
    for n in range(7):
        day = monday + timedelta(days=n)
        why = "" if day in by_day else "away" if day in away else "full"
        if why == "full":
            if not open_windows(rules, (starts[n], starts[n + 1])):
                why = "closed"
            elif starts[n + 1] <= now + rules.notice:
                why = "soon"
            elif starts[n] > now + rules.horizon:
                why = "far"
        days.append(Day(day, by_day.get(day, []), why))
    return days


def _read(calendar: Calendar) -> Hours:
    return Hours(
        zone=calendar.zone,
        weekly=tuple(
            sorted(
                (day, time.fromisoformat(row["start"]), time.fromisoformat(row["end"]))
                for row in calendar.weekly
                for day in row["days"]
            )
        ),
        dated=tuple(
            DatedHours(
                date.fromisoformat(row["day"]),
                tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in row["ranges"]),
            )
            for row in sorted(calendar.dated, key=lambda row: row["day"])
        ),
        before_minutes=calendar.before_minutes,
        after_minutes=calendar.after_minutes,
        notice_hours=calendar.notice_hours,
        horizon_days=calendar.horizon_days,
        grid_minutes=calendar.grid_minutes,
        per_day=calendar.per_day,
        per_week=calendar.per_week,
    )


def _columns(hours: Hours) -> dict[str, Any]:
    """As the calendar's row keeps them: days with the same range on one line."""
    ranges: dict[tuple[str, str], list[int]] = {}
    for day, start, end in hours.weekly:
        ranges.setdefault((start.isoformat("minutes"), end.isoformat("minutes")), []).append(day)
    return {
        "zone": hours.zone,
        "weekly": [
            {"days": sorted(days), "start": start, "end": end}
            for (start, end), days in sorted(ranges.items())
        ],
        "dated": [
            {
                "day": one.day.isoformat(),
                "ranges": [
                    [start.isoformat("minutes"), end.isoformat("minutes")] for start, end in one.ranges
                ],
            }
            for one in hours.dated
        ],
        "before_minutes": hours.before_minutes,
        "after_minutes": hours.after_minutes,
        "notice_hours": hours.notice_hours,
        "horizon_days": hours.horizon_days,
        "grid_minutes": hours.grid_minutes,
        "per_day": hours.per_day,
        "per_week": hours.per_week,
    }
