"""An expert's hours and the free slots in them (booking-process.md, "Slots"; performance.md, "Slots").

Pure, intervals only: O(days + busy·log busy + slots). Instants are aware UTC, ranges half-open.
Wall-clock hours become instants day by day; a time in the gap takes the offset before it and an
ambiguous one is the first (RFC 5545 3.3.5: fold=0), so a slot lasts its real hours across a change.
Inside, instants are whole microseconds since 1970, and a zone is asked twice a day, not once a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

Interval = tuple[datetime, datetime]
_Range = tuple[int, int]
_Bound = TypeVar("_Bound", int, datetime)
DAY = timedelta(days=1)
# How long the last good copy of a busy calendar counts; after that instant offers become requests.
COUNTS_FOR = timedelta(hours=72)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_MICRO = timedelta(microseconds=1)
_DAY_US = DAY // _MICRO


@dataclass(frozen=True)
class WeeklyHours:
    """Hours on some days of the week. ISO days 1..7; end 00:00 means midnight after; end <= start runs overnight."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True)
class DatedHours:
    """One date's own hours, in the place of its weekly ones. Empty: away."""

    day: date
    ranges: tuple[tuple[time, time], ...]


@dataclass(frozen=True)
class Availability:
    """All that says when an expert may be booked, in their own zone."""

    zone: str
    weekly: tuple[WeeklyHours, ...]
    dated: tuple[DatedHours, ...] = ()
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    notice: timedelta = timedelta(hours=24)
    horizon: timedelta = timedelta(days=60)
    grid: timedelta = timedelta(minutes=30)
    per_day: int | None = None
    per_week: int | None = None


def open_windows(availability: Availability, window: Interval) -> list[Interval]:
    """The expert's hours within `window`, merged, clipped to it, in order."""
    return [(_instant(start), _instant(end)) for start, end in _windows(availability, window)]


def free_slots(
    availability: Availability,
    *,
    claims: Sequence[Interval],
    busy: Sequence[Interval],
    length: timedelta,
    window: Interval,
    now: datetime,
    starts: Sequence[datetime] | None = None,
) -> list[Interval]:
    """The sessions of `length` that may be held now, in order.

    A slot lies in the expert's hours and in `window`, begins on the grid of their local minutes, not
    before now + notice nor after now + horizon; its padded range is disjoint from the `claims` as they
    are and from `busy` times. Days and weeks (their local ones) that have reached a limit offer none;
    `starts` are the claimed sessions' own starts for that (None: each claim's start).
    """
    if length <= timedelta(0):
        raise ValueError("a session has a length")
    latest = now + availability.horizon
    wanted = (max(window[0], now + availability.notice), min(window[1], latest + length))
    if wanted[0] >= wanted[1]:
        return []
    blocked = _blocked(availability, (*claims, *busy), wanted)
    limits = _Limits(availability, [start for start, _end in claims] if starts is None else starts)
    starting = _free_starts(availability, _windows(availability, wanted), blocked, length, limits)
    return [(begins, begins + length) for begins in map(_instant, starting)]


def why_not_offered(
    availability: Availability,
    *,
    claims: Sequence[Interval],
    busy: Sequence[Interval],
    length: timedelta,
    start: datetime,
    now: datetime,
    starts: Sequence[datetime] | None = None,
) -> str | None:
    """The first reason why a start is not free, or None. `free_slots` and this never disagree.

    "notice", "horizon", "hours" (outside the expert's), "grid", "taken" (buffers meet a claim or a busy
    time), "day_full", "week_full".
    """
    end = start + length
    if start < now + availability.notice:
        return "notice"
    if start > now + availability.horizon:
        return "horizon"
    if _windows(availability, (start, end)) != [(_micros(start), _micros(end))]:
        return "hours"
    if _on_grid(_micros(start), availability) != _micros(start):
        return "grid"
    begin, finish = padded(start, end, availability.before, availability.after)
    if any(
        begin < other_end and other < finish and other < other_end for other, other_end in (*claims, *busy)
    ):
        return "taken"
    limits = _Limits(availability, [begun for begun, _end in claims] if starts is None else starts)
    return limits.reached(_local_day(_micros(start), _zone(availability.zone)))


def padded(start: datetime, end: datetime, before: timedelta, after: timedelta) -> Interval:
    """The range a session occupies: [start − before, end + after). The one place that makes it."""
    return start - before, end + after


def nearest(slots: Iterable[Interval], start: datetime, count: int = 3) -> list[Interval]:
    """The free slots nearest in time to a lost one, in order of time; of two as near, the earlier."""
    return sorted(sorted(slots, key=lambda slot: (abs(slot[0] - start), slot[0]))[:count])


def parse_calendar(
    *,
    zone: str,
    weekly: Sequence[Mapping[str, Any]],
    dated: Sequence[Mapping[str, Any]],
    before_minutes: int,
    after_minutes: int,
    notice: timedelta,
    horizon_days: int,
    grid_minutes: int,
    per_day: int | None,
    per_week: int | None,
    holidays: Sequence[str] = (),
) -> Availability:
    """A stored calendar as a value. ValueError or KeyError where it does not hold (the zone too).

    `holidays` are days away, unless a dated rule says otherwise.
    """
    _zone(zone)
    ruled = {row["day"] for row in dated}
    return Availability(
        zone=zone,
        weekly=tuple(
            WeeklyHours(
                frozenset(_weekday(day) for day in row["days"]),
                time.fromisoformat(row["start"]),
                time.fromisoformat(row["end"]),
            )
            for row in weekly
        ),
        dated=tuple(
            DatedHours(
                date.fromisoformat(row["day"]),
                tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in row["ranges"]),
            )
            for row in dated
        )
        + tuple(DatedHours(date.fromisoformat(day), ()) for day in holidays if day not in ruled),
        before=timedelta(minutes=before_minutes),
        after=timedelta(minutes=after_minutes),
        notice=notice,
        horizon=timedelta(days=horizon_days),
        grid=timedelta(minutes=grid_minutes),
        per_day=per_day,
        per_week=per_week,
    )


# Wall clock to instants.


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _weekday(day: int) -> int:
    if not 1 <= day <= 7:
        raise ValueError(f"no day of the week: {day}")
    return day


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _windows(availability: Availability, window: Interval) -> list[_Range]:
    """The open hours that meet `window`, clipped to it, merged, in order."""
    zone = _zone(availability.zone)
    low, high = _micros(window[0]), _micros(window[1])
    if low >= high:
        return []
    dated: dict[date, tuple[tuple[time, time], ...]] = {}
    for entry in availability.dated:
        dated[entry.day] = dated.get(entry.day, ()) + entry.ranges
    # Yesterday's hours may run past midnight; and yesterday may never have been (Apia, 30 December 2011).
    first = window[0].astimezone(zone).date() - 2 * DAY
    days = (window[1].astimezone(zone).date() - first).days + 1
    # The offset at each midnight; two equal ones mean that the day between has one offset.
    offsets = [_offset(first + n * DAY, time(), zone) for n in range(days + 2)]
    by_weekday = {n: [(h.start, h.end) for h in availability.weekly if n in h.days] for n in range(1, 8)}
    found: list[_Range] = []
    for n in range(days):
        day = first + n * DAY
        for start, end in dated[day] if day in dated else by_weekday[day.isoweekday()]:
            over = n + 1 if end <= start else n
            begin = max(low, _at(day, start, zone, offsets[n], offsets[n + 1]))
            finish = min(high, _at(first + over * DAY, end, zone, offsets[over], offsets[over + 1]))
            if begin < finish:
                found.append((begin, finish))
    return _merged(sorted(found))


def _at(day: date, at: time, zone: ZoneInfo, at_midnight: int, next_midnight: int) -> int:
    offset = at_midnight if at_midnight == next_midnight else _offset(day, at, zone)
    into = ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
    return (day.toordinal() - _FIRST_DAY) * _DAY_US + into - offset


def _offset(day: date, at: time, zone: ZoneInfo) -> int:
    # fold=0: the first of two, and in a gap the offset before it.
    offset = datetime.combine(day, at.replace(fold=0), zone).utcoffset()
    assert offset is not None, "a zone always knows its offset"
    return offset // _MICRO


def _offset_at(micros: int, zone: ZoneInfo) -> int:
    offset = _instant(micros).astimezone(zone).utcoffset()
    assert offset is not None, "a zone always knows its offset"
    return offset // _MICRO


def _local_day(micros: int, zone: ZoneInfo) -> int:
    """Days since 1970 on the local calendar."""
    return (micros + _offset_at(micros, zone)) // _DAY_US


# The grid.


def _on_grid(micros: int, availability: Availability) -> int:
    """The first instant from here on whose local minute of the day lies on the grid."""
    zone, grid = _zone(availability.zone), availability.grid // _MICRO
    while True:
        offset = _offset_at(micros, zone)
        there = _rounded(micros + offset, grid) - offset
        # Where the clock changed on the way, the wall time it was rounded to may not be the one it shows.
        if there == micros or _offset_at(there, zone) == offset:
            return there
        micros = there


def _rounded(local: int, grid: int) -> int:
    """Up to the grid, which begins anew at each local midnight."""
    into = local % _DAY_US
    return local - into + min(-(-into // grid) * grid, _DAY_US)


# Subtraction.


def _blocked(availability: Availability, ranges: Iterable[Interval], wanted: Interval) -> list[_Range]:
    """What is taken, merged, where a padded slot of the wanted time could meet it."""
    low, high = padded(*wanted, availability.before, availability.after)
    near = [each for each in ranges if each[0] < high and low < each[1] and each[0] < each[1]]
    # By the starts alone, as they are: one comparison each, and no second list of ten thousand numbers.
    near.sort(key=itemgetter(0))
    return [(_micros(start), _micros(end)) for start, end in _merged(near)]


def _merged(ranges: Sequence[tuple[_Bound, _Bound]]) -> list[tuple[_Bound, _Bound]]:
    """Ranges in order of their starts, joined where they meet."""
    if not ranges:
        return []
    merged: list[tuple[_Bound, _Bound]] = []
    first, last = ranges[0]
    for start, end in ranges:
        if start > last:
            merged.append((first, last))
            first, last = start, end
        elif end > last:
            last = end
    merged.append((first, last))
    return merged


def _free_starts(
    availability: Availability,
    windows: Iterable[_Range],
    blocked: Sequence[_Range],
    length: timedelta,
    limits: _Limits,
) -> Iterator[int]:
    """Two pointers: both the starts and what is in the way only ever move forward."""
    zone, grid = _zone(availability.zone), availability.grid // _MICRO
    before, reach = availability.before // _MICRO, (length + availability.after) // _MICRO
    lasts, limited = length // _MICRO, bool(limits)
    index, count = 0, len(blocked)
    offset, known_until = 0, -(10**18)
    for begin, finish in windows:
        start = _on_grid(begin, availability)
        while start + lasts <= finish:
            if start >= known_until:
                # A day with the same offset at both ends has one offset; a zone never changes twice in one.
                offset = _offset_at(start, zone)
                known_until = start + _DAY_US if _offset_at(start + _DAY_US, zone) == offset else start
            while index < count and blocked[index][1] <= start - before:
                index += 1
            if index < count and blocked[index][0] < start + reach:
                # The earliest start whose buffer clears what is in the way.
                after = blocked[index][1] + before
            else:
                if not limited or limits.reached((start + offset) // _DAY_US) is None:
                    yield start
                after = start + 1
            start = _rounded(after + offset, grid) - offset
            if start >= known_until:
                start = _on_grid(after, availability)


class _Limits:
    """Which local days and weeks are full already. One object guards both counts."""

    def __init__(self, availability: Availability, starts: Iterable[datetime]) -> None:
        self._per_day, self._per_week = availability.per_day, availability.per_week
        zone = _zone(availability.zone)
        days = [_local_day(_micros(start), zone) for start in starts] if self else []
        self._days = Counter(days)
        self._weeks = Counter(map(_week, days))

    def __bool__(self) -> bool:
        return self._per_day is not None or self._per_week is not None

    def reached(self, day: int) -> str | None:
        """ "day_full" or "week_full" where nothing more may begin on a local day (days since 1970)."""
        if self._per_day is not None and self._days[day] >= self._per_day:
            return "day_full"
        if self._per_week is not None and self._weeks[_week(day)] >= self._per_week:
            return "week_full"
        return None


def _week(day: int) -> int:
    # 1 January 1970 was a Thursday; weeks begin on Monday (ISO).
    return (day + 3) // 7
