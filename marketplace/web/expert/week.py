"""A week drawn to scale: where hours, buffers, sessions and now stand in each day's column.

The ground (hours, buffers, now) is percent attributes of an SVG, as the rulers do it; sessions are text
above it, placed by data attributes that have one rule each in the style sheet. An hour is 56 px high.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ...domain.availability import Interval
from ...services.sessions import Week
from ..rulers import pct

HOUR_PX = 56
# The part of the day always shown; earlier and later hours where something stands in them.
FIRST, LAST = 8, 18
_DAY = 24 * 60
# Which words and ground a session's block takes.
KINDS = {
    "held": "held", "awaiting_approval": "held", "requested": "asked", "accepted": "sure", "confirmed": "sure",
    "disputed": "trouble", "resolved": "trouble",
}  # fmt: skip


class Box(NamedTuple):
    """A part of a day's ground, in percent of its height."""

    y: str
    height: str


class Block(NamedTuple):
    """A session, or what of it lies on this day: `hour` and `quarter` (minutes) from the top, `minutes` long."""

    booking: Any
    kind: str
    hour: int
    quarter: int
    minutes: int
    ticks: list[str]


class DayView(NamedTuple):
    """A column. `opened` are the day's hours as instants, for the list on phones."""

    date: date
    today: bool
    narrow: bool
    away: bool
    opened: list[Interval]
    hours: list[Box]
    buffers: list[Box]
    now: str | None
    blocks: list[Block]


class WeekView(NamedTuple):
    days: list[DayView]
    clock: list[int]
    lines: list[str]
    height: int


def week_view(week: Week, now: datetime) -> WeekView:
    """The columns of a week, all on one scale."""
    place = ZoneInfo(week.zone)
    dates = [week.monday + timedelta(days=n) for n in range(7)]
    opened = {day: _on(day, week.opened, place) for day in dates}
    taken = {day: _on(day, [_padded(one) for one in week.bookings], place) for day in dates}
    edges = [edge for parts in (*opened.values(), *taken.values()) for part in parts for edge in part]
    first = min([FIRST * 60, *edges]) // 60
    last = -(-max([LAST * 60, *edges]) // 60)
    span = (last - first) * 60

    def boxes(parts: list[tuple[int, int]]) -> list[Box]:
        return [Box(pct(start - first * 60, span), pct(end - start, span)) for start, end in parts]

    today = now.astimezone(place).date()
    days = []
    for day in dates:
        blocks = _blocks(day, week, place, first)
        clock = _minute(now, day, place) - first * 60 if day == today else -1
        days.append(
            DayView(
                date=day, today=day == today, away=day in week.away, narrow=not opened[day] and not blocks,
                opened=[one for one in week.opened if one[0].astimezone(place).date() == day],
                hours=boxes(opened[day]), buffers=boxes(taken[day]),
                now=pct(clock, span) if 0 <= clock <= span else None, blocks=blocks,
            )
        )  # fmt: skip
    if all(day.narrow for day in days):
        days = [day._replace(narrow=False) for day in days]
    lines = [pct(n, last - first) for n in range(1, last - first)]
    return WeekView(days, list(range(first, last)), lines, (last - first) * HOUR_PX)


def _padded(booking: Any) -> Interval:
    if booking.during is None:
        return booking.starts_at, booking.ends_at
    return booking.during.lower, booking.during.upper


def _on(day: date, ranges: list[Interval] | Any, place: ZoneInfo) -> list[tuple[int, int]]:
    """What of these lies on a day, as minutes of its clock."""
    begin = datetime.combine(day, time(0), place).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), place).astimezone(UTC)
    parts = [
        (max(start, begin), min(finish, end)) for start, finish in ranges if start < end and begin < finish
    ]
    return [(_minute(start, day, place), _minute(finish, day, place)) for start, finish in parts]


def _minute(at: datetime, day: date, place: ZoneInfo) -> int:
    """Minutes on the day's clock; the midnight after is 24 h."""
    local = at.astimezone(place)
    return _DAY if local.date() > day else local.hour * 60 + local.minute


def _blocks(day: date, week: Week, place: ZoneInfo, first: int) -> list[Block]:
    found = []
    for booking in week.bookings:
        for start, end in _on(day, [(booking.starts_at, booking.ends_at)], place):
            # Rules stand for each five minutes; a block across a clock change keeps its real length.
            whole = (
                end - start
                if end == _DAY or start == 0
                else (booking.ends_at - booking.starts_at).seconds // 60
            )
            minutes = max(5, min(240, 5 * round(whole / 5)))
            hour, quarter = divmod(start - first * 60, 60)
            ticks = [pct(m, minutes) for m in range(30, minutes, 30)]
            kind = KINDS.get(booking.state, "done")
            found.append(Block(booking, kind, hour, 5 * (quarter // 5), minutes, ticks))
    return found
