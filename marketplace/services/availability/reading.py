"""Free slots for the pages that show the next ones: all calendars in one statement, all claims in another."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Session

from ...domain.availability import Availability, Interval, free_slots, parse_calendar
from ...domain.deadlines import effective_notice
from ...domain.offers import is_instant
from ...storage.availability import BusyCalendar, Calendar, Claim
from ...storage.experts import Expert
from .busy import busy_of, stale_experts

# Slots are looked for in steps, since the next ones are nearly always near.
STEPS = (timedelta(days=8), timedelta(days=22), timedelta(days=61))
# A week behind now: the limits a week need the whole local week of claims.
BEHIND = timedelta(days=8)
# The padded range a session occupies, and its own start.
Claims = list[tuple[Interval, datetime]]
# Past the last start of any horizon, with the longest session and its buffer.
FURTHEST = timedelta(days=62)


@dataclass(frozen=True)
class Taken:
    """What is in the way of new sessions: claims with the sessions' own starts, and imported busy times."""

    claims: Claims
    busy: Sequence[Interval]


@dataclass(frozen=True)
class Sought:
    """An offer's session whose next slots are wanted."""

    offer_id: uuid.UUID
    expert_id: uuid.UUID
    minutes: int
    notice_hours: int
    instant: bool


def next_slots(
    session: Session,
    sought: Sequence[Sought],
    now: datetime,
    count: int,
    begins: tuple[datetime, datetime | None] | None = None,
) -> dict[uuid.UUID, list[Interval]]:
    """The next `count` free slots of each offer, by the rules of the hold itself; four statements for all.

    An expert who cannot be paid, or has no hours, has none. With `begins`, those that begin from the one
    instant on and before the other.
    """
    experts = {one.expert_id for one in sought}
    if not experts:
        return {}
    calendars = {
        row.expert_id: row
        for row in session.execute(
            sa.select(
                Calendar.expert_id, Calendar.zone, Calendar.weekly, Calendar.dated, Calendar.before_minutes,
                Calendar.after_minutes, Calendar.horizon_days, Calendar.grid_minutes, Calendar.per_day,
                Calendar.per_week, Calendar.notice_hours, Calendar.holidays, Expert.standing_since, Expert.meeting_link,
            )
            .join(Expert, Expert.id == Calendar.expert_id)
            .where(Calendar.expert_id.in_(experts), Expert.account_status == "active")
        )
    }  # fmt: skip
    claims = claims_of(session, experts, now)
    # Busy times and stale calendars: two statements more, whatever is sought.
    busy = busy_of(session, experts, (now, now + FURTHEST))
    stale = stale_experts(session, experts, now)
    found: dict[uuid.UUID, list[Interval]] = {}
    for one in sought:
        calendar = calendars.get(one.expert_id)
        rules = _sought_rules(calendar, one, one.expert_id in stale) if calendar is not None else None
        taken = Taken(claims[one.expert_id], busy[one.expert_id])
        if rules is None:
            found[one.offer_id] = []
        elif begins is not None:
            found[one.offer_id] = _between(rules, taken, one.minutes, now, begins)[:count]
        else:
            found[one.offer_id] = _next(rules, taken, one.minutes, now, count)
    return found


def _sought_rules(calendar: sa.Row[Any], one: Sought, stale: bool) -> Availability:
    instant = not stale and is_instant(one.instant, calendar.standing_since, calendar.meeting_link)
    return rules_of(calendar, notice_hours=one.notice_hours, instant=instant)


def rules_of(calendar: Calendar | sa.Row[Any], *, notice_hours: int, instant: bool) -> Availability:
    """A stored calendar with an offer's own notice, never under the least one (booking-process.md, **N**).

    The calendar's notice is a floor under all offers on request; an instant offer keeps its own.
    """
    least = 0 if instant else calendar.notice_hours
    return parse_calendar(
        zone=calendar.zone,
        weekly=calendar.weekly,
        dated=calendar.dated,
        before_minutes=calendar.before_minutes,
        after_minutes=calendar.after_minutes,
        notice=timedelta(hours=max(effective_notice(notice_hours, instant), least)),
        horizon_days=calendar.horizon_days,
        grid_minutes=calendar.grid_minutes,
        per_day=calendar.per_day,
        per_week=calendar.per_week,
        holidays=calendar.holidays,
    )


def claims_of(
    session: Session, experts: Collection[uuid.UUID], now: datetime, *, without: uuid.UUID | None = None
) -> dict[uuid.UUID, Claims]:
    """What occupies these calendars from a week behind now on: padded ranges with the sessions' own starts.

    `without`: a booking that looks for another time, whose own claims are not in its way.
    """
    found: dict[uuid.UUID, Claims] = {expert: [] for expert in experts}
    for row in session.execute(
        sa.select(Claim.expert_id, Claim.during, Claim.starts_at)
        .where(Claim.expert_id.in_(experts), Claim.live)
        .where(sa.true() if without is None else Claim.booking_id != without)
        .where(Claim.during.op("&&")(Range(now - BEHIND, None, bounds="[)")))
        .order_by(Claim.starts_at)
    ):
        found[row.expert_id].append(((row.during.lower, row.during.upper), row.starts_at))
    return found


def taken_of(
    session: Session, expert_id: uuid.UUID, now: datetime, *, without: uuid.UUID | None = None
) -> Taken:
    """All that is in the way in one expert's calendar, save a booking's own claims; one statement."""
    claims: Claims = []
    busy: list[Interval] = []
    keys = {"expert": expert_id, "without": without, "seen": Range(now - BEHIND, None, bounds="[)"),
            "ahead": Range(now, now + FURTHEST, bounds="[)")}  # fmt: skip
    for during, start in session.execute(_TAKEN, keys):
        if start is None:
            busy.append((during.lower, during.upper))
        else:
            claims.append(((during.lower, during.upper), start))
    return Taken(claims, busy)


_BUSY = sa.func.unnest(BusyCalendar.busy).table_valued(sa.column("during", TSTZRANGE)).render_derived("one")
# Claims with their sessions' starts, and imported busy times without one.
_TAKEN = sa.union_all(
    sa.select(Claim.during, Claim.starts_at.label("starts_at"))
    .where(Claim.expert_id == sa.bindparam("expert", type_=sa.Uuid()), Claim.live)
    .where(Claim.booking_id.is_distinct_from(sa.bindparam("without", type_=sa.Uuid())))
    .where(Claim.during.op("&&")(sa.bindparam("seen", type_=TSTZRANGE))),
    sa.select(_BUSY.c.during, sa.null())
    .select_from(BusyCalendar)
    .join(_BUSY, sa.true())
    .where(BusyCalendar.expert_id == sa.bindparam("expert", type_=sa.Uuid()))
    .where(_BUSY.c.during.op("&&")(sa.bindparam("ahead", type_=TSTZRANGE))),
).order_by(sa.text("starts_at"))


def slots_among(
    rules: Availability, taken: Taken, *, minutes: int, window: Interval, now: datetime
) -> list[Interval]:
    """The free slots of a session of `minutes` in a window, with these claims and busy times in the way."""
    return free_slots(
        rules,
        claims=[during for during, _start in taken.claims],
        busy=taken.busy,
        length=timedelta(minutes=minutes),
        window=window,
        now=now,
        starts=[start for _during, start in taken.claims],
    )


def _next(rules: Availability, taken: Taken, minutes: int, now: datetime, count: int) -> list[Interval]:
    """The first ones; of a day only the first, so that three lines show three days where there are three."""
    for step in STEPS:
        slots = slots_among(rules, taken, minutes=minutes, window=(now, now + rules.notice + step), now=now)
        days: dict[object, Interval] = {}
        for slot in slots:
            days.setdefault(slot[0].date(), slot)
        if len(days) >= count or step is STEPS[-1]:
            return list(days.values())[:count]
    return []


def _between(
    rules: Availability,
    taken: Taken,
    minutes: int,
    now: datetime,
    begins: tuple[datetime, datetime | None],
) -> list[Interval]:
    first, last = begins
    latest = now + rules.horizon
    last = min(last, latest) if last else latest
    window = (max(first, now), last + timedelta(minutes=minutes))
    if window[0] >= last:
        return []
    slots = slots_among(rules, taken, minutes=minutes, window=window, now=now)
    return [slot for slot in slots if slot[0] < last]
