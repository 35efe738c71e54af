"""Which hours an expert may keep: what they typed, read and refused by name (booking-process.md, "Slots").

Pure. Times are wall-clock in the expert's own zone; 00:00 as an end is the midnight after, and an end
before its start runs past midnight, for at most twelve hours, so that two times typed the wrong way
round are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from .availability import DatedHours
from .errors import HoursRefused

MOST_WEEKLY = 50
MOST_DATED = 200
# Past midnight a range lasts twelve hours at most; longer, its two times are the wrong way round.
LONGEST_OVERNIGHT = 12 * 60
FURTHEST = timedelta(days=2 * 366)
GRIDS = (15, 30, 60)
# Least and most of each number; those that may stay empty have no limit then.
NUMBERS: Mapping[str, tuple[int, int]] = {
    "before_minutes": (0, 240), "after_minutes": (0, 240), "notice_hours": (24, 720), "horizon_days": (1, 60),
    "grid_minutes": (15, 60), "per_day": (1, 8), "per_week": (1, 40),
}  # fmt: skip
OPTIONAL = frozenset({"per_day", "per_week"})
_DAY, _WEEK = 24 * 60, 7 * 24 * 60
_CLOCK = re.compile(r"(\d{1,2})(?:\s*[:hH.]?\s*(\d{2})|\s*[hH])?")
_ZONES = available_timezones()

Range = tuple[time, time]
# (start, end) in minutes from some midnight, and the row it was typed in; "" for none.
_Placed = tuple[int, int, str]


@dataclass(frozen=True)
class Typed:
    """The form as it was filled in: texts. A row whose fields are all empty counts for nothing."""

    zone: str = ""
    weekly: tuple[tuple[int, str, str], ...] = ()  # ISO day, from, to
    away: tuple[tuple[str, str], ...] = ()  # first day, last day (empty: that day alone)
    other: tuple[tuple[str, str, str], ...] = ()  # day, from, to
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hours:
    """Hours that may be kept: nothing overlaps, all in order. Minutes, hours and days as the names say."""

    zone: str
    weekly: tuple[tuple[int, time, time], ...] = ()
    dated: tuple[DatedHours, ...] = ()
    before_minutes: int = 0
    after_minutes: int = 0
    notice_hours: int = 24
    horizon_days: int = 60
    grid_minutes: int = 30
    per_day: int | None = None
    per_week: int | None = None


@dataclass(frozen=True)
class Problem:
    """What stands in the way, and the row it stands in: "weekly-3", "away-0", "other-1", or a number's name."""

    row: str
    why: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_hours(typed: Typed, now: datetime) -> Hours:
    """What was typed, as hours. HoursRefused with `problems`, all there are; row and why are the first's."""
    problems: list[Problem] = []
    zone = typed.zone if typed.zone in _ZONES and "/" in typed.zone else None
    if zone is None:
        problems.append(Problem("zone", "zone"))
    today = now.astimezone(ZoneInfo(zone or "UTC")).date()
    weekly = list(_weekly(typed, problems))
    away = _away(typed, today, problems)
    other = _other(typed, today, away, problems)
    days: dict[date, Sequence[tuple[time, time, str]]] = {**dict.fromkeys(away, ()), **other}
    if len(days) > MOST_DATED:
        row = next((f"away-{n}" for n, one in enumerate(typed.away) if any(one)), "other-0")
        problems.append(Problem(row, "too_many", {"most": MOST_DATED}))
    elif not problems:
        problems += _dated_overlaps(weekly, away, other)
    numbers = {name: _number(name, typed.numbers.get(name, ""), problems) for name in NUMBERS}
    if problems:
        raise HoursRefused(row=problems[0].row, why=problems[0].why, problems=problems, **problems[0].facts)
    return Hours(
        zone=typed.zone,
        weekly=tuple(sorted((day, start, end) for day, start, end, _row in weekly)),
        dated=tuple(
            DatedHours(day, tuple(sorted((start, end) for start, end, _row in rows)))
            for day, rows in sorted(days.items())
        ),
        **numbers,
    )


def as_typed(hours: Hours, today: date) -> Typed:
    """Hours as the form shows them: days that have passed are left out, days away in a row joined."""
    coming = [one for one in hours.dated if one.day >= today]
    numbers = {name: getattr(hours, name) for name in NUMBERS}
    return Typed(
        zone=hours.zone,
        weekly=tuple((day, _clock(start), _clock(end)) for day, start, end in hours.weekly),
        away=tuple(_spans([one.day for one in coming if not one.ranges])),
        other=tuple(
            (one.day.isoformat(), _clock(start), _clock(end)) for one in coming for start, end in one.ranges
        ),
        numbers={name: "" if value is None else str(value) for name, value in numbers.items()},
    )


def fingerprint(hours: Hours) -> str:
    """The same for the same hours: a form carries that of the hours it was made from."""
    return sha256(repr(hours).encode()).hexdigest()[:16]


def read_clock(text: str) -> time | None:
    """09:30, 0930, 9h, 9 h 30, 24:00 (midnight); None for what is no time."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if (hour, minute) == (24, 0):
        return time(0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def past_midnight(start: time, end: time) -> bool:
    """Whether a range ends on the next day, later than its midnight."""
    return time(0) < end < start


def _clock(at: time) -> str:
    return at.isoformat("minutes")


def _spans(days: Iterable[date]) -> Iterator[tuple[str, str]]:
    """Days in order, those that follow each other joined; one alone has no last day."""
    first = last = None
    for day in days:
        if last is not None and day == last + timedelta(days=1):
            last = day
            continue
        if first is not None and last is not None:
            yield first.isoformat(), last.isoformat() if last > first else ""
        first = last = day
    if first is not None and last is not None:
        yield first.isoformat(), last.isoformat() if last > first else ""


# Reading, row by row.


def _weekly(typed: Typed, problems: list[Problem]) -> Iterator[tuple[int, time, time, str]]:
    placed: list[_Placed] = []
    for n, (day, start_text, end_text) in enumerate(typed.weekly):
        row = f"weekly-{n}"
        if not start_text.strip() and not end_text.strip():
            continue
        found = _range(row, start_text, end_text, problems)
        if found is None:
            continue
        if not 1 <= day <= 7:
            problems.append(Problem(row, "date"))
            continue
        if len(placed) == MOST_WEEKLY:
            problems.append(Problem(row, "too_many", {"most": MOST_WEEKLY}))
            break
        placed.append(_placed(found, (day - 1) * _DAY, row))
        yield day, *found, row
    placed.sort()
    # The week is a circle: what runs past Sunday's midnight meets Monday.
    around = [*placed, *((start + _WEEK, end + _WEEK, row) for start, end, row in placed[:1])]
    problems += [Problem(later[2], "overlap") for one, later in pairwise(around) if one[1] > later[0]]


def _away(typed: Typed, today: date, problems: list[Problem]) -> dict[date, str]:
    days: dict[date, str] = {}
    for n, (first_text, last_text) in enumerate(typed.away):
        row = f"away-{n}"
        if not first_text.strip() and not last_text.strip():
            continue
        first = _date(row, first_text, today, problems)
        last = _date(row, last_text, today, problems) if first and last_text.strip() else first
        if first is None or last is None:
            continue
        if last < first:
            problems.append(Problem(row, "order"))
            continue
        span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if any(day in days for day in span):
            problems.append(Problem(row, "twice"))
        days.update((day, row) for day in span)
    return days


def _other(
    typed: Typed, today: date, away: Mapping[date, str], problems: list[Problem]
) -> dict[date, list[tuple[time, time, str]]]:
    days: dict[date, list[tuple[time, time, str]]] = {}
    for n, (day_text, start_text, end_text) in enumerate(typed.other):
        row = f"other-{n}"
        if not any(text.strip() for text in (day_text, start_text, end_text)):
            continue
        day = _date(row, day_text, today, problems)
        found = _range(row, start_text, end_text, problems) if day else None
        if day is None or found is None:
            continue
        if day in away:
            problems.append(Problem(row, "twice"))
        days.setdefault(day, []).append((*found, row))
    return days


def _dated_overlaps(
    weekly: Iterable[tuple[int, time, time, str]],
    away: Mapping[date, str],
    other: Mapping[date, list[tuple[time, time, str]]],
) -> list[Problem]:
    """A date's own ranges against each other and against what runs into it from the day before, or out of it."""
    by_day: dict[int, list[Range]] = {on: [] for on in range(1, 8)}
    for on, start, end, _row in weekly:
        by_day[on].append((start, end))
    found: dict[str, Problem] = {}
    for day in sorted(other):
        placed: list[_Placed] = []
        for shift in (-1, 0, 1):
            near = day + timedelta(days=shift)
            if near in other:
                placed += [_placed((start, end), shift * _DAY, row) for start, end, row in other[near]]
            elif near not in away:
                placed += [_placed(each, shift * _DAY, "") for each in by_day[near.isoweekday()]]
        placed.sort()
        for one, later in pairwise(placed):
            if one[1] > later[0] and (row := later[2] or one[2]):
                found.setdefault(row, Problem(row, "overlap"))
    return list(found.values())


def _range(row: str, start_text: str, end_text: str, problems: list[Problem]) -> Range | None:
    start, end = read_clock(start_text), read_clock(end_text)
    if start is None or end is None:
        problems.append(Problem(row, "grid"))
        return None
    _begin, finish, _row = _placed((start, end), 0, row)
    backwards = past_midnight(start, end) and finish - _minutes(start) > LONGEST_OVERNIGHT
    if backwards or (start == end and start != time(0)):
        problems.append(Problem(row, "empty"))
        return None
    return start, end


def _placed(each: Range, midnight: int, row: str) -> _Placed:
    start, end = _minutes(each[0]), _minutes(each[1])
    return midnight + start, midnight + (end if end > start else end + _DAY), row


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _date(row: str, text: str, today: date, problems: list[Problem]) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        problems.append(Problem(row, "date"))
        return None
    if today <= day <= today + FURTHEST:
        return day
    problems.append(Problem(row, "past" if day < today else "far"))
    return None


def _number(name: str, text: str, problems: list[Problem]) -> Any:
    text = text.strip()
    if not text and name in OPTIONAL:
        return None
    least, most = NUMBERS[name]
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else -1
    if not least <= value <= most or (name == "grid_minutes" and value not in GRIDS):
        problems.append(Problem(name, "number", {"least": least, "most": most}))
        return None
    return value
