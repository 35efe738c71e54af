"""A week of slots to choose from: radios in the reader's zone, the other side's clock beside."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from flask import request

from ..domain.availability import Availability, Interval, open_windows
from ..domain.errors import SlotNotOffered, SlotTaken

Slot = dict[str, Any]
Lost = SlotTaken | SlotNotOffered


class FreeSlots(Protocol):
    """Free slots with the rules they were found by."""

    @property
    def rules(self) -> Availability: ...

    @property
    def slots(self) -> list[Interval]: ...


def week_view(free: FreeSlots, zone: str, now: datetime, lost: Lost | None = None) -> dict[str, Any]:
    """What a page needs to show a week: the one asked for, the lost slot's, else the first that has any."""
    monday = _monday(lost.facts["slot"][0], zone) if lost else asked_week()
    monday = monday or _first_week(free, zone, now)
    return {
        "days": _days(free, monday, zone, now, lost),
        "monday": monday,
        "previous": monday - timedelta(days=7) if monday > now.astimezone(ZoneInfo(zone)).date() else None,
        "following": monday + timedelta(days=7) if monday < (now + timedelta(days=60)).date() else None,
        "next_free": _next_free(free, monday, zone),
        "picked": _picked(),
    }


def _picked() -> str | None:
    """The slot that the request names, as its radio is written: a link may write the same instant otherwise."""
    start = instant(request.values.get("slot", ""))
    return start.astimezone(UTC).isoformat() if start else None


def asked_week() -> date | None:
    """The Monday of the week that the request names, if any."""
    try:
        day = date.fromisoformat(request.values.get("week", ""))
    except ValueError:
        return None
    return _monday_of(day) if _of_our_time(day) else None


def instant(text: str) -> datetime | None:
    """The instant that a radio's value names; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and _of_our_time(found) else None


def _of_our_time(day: date) -> bool:
    """Years in which every zone's arithmetic holds; no session is in another."""
    return 2000 <= day.year < 2200


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def _monday(start: datetime, zone: str) -> date:
    return _monday_of(start.astimezone(ZoneInfo(zone)).date())


def _first_week(free: FreeSlots, zone: str, now: datetime) -> date:
    return _monday(free.slots[0][0] if free.slots else now, zone)


def _days(free: FreeSlots, monday: date, zone: str, now: datetime, lost: Lost | None) -> list[dict[str, Any]]:
    place = ZoneInfo(zone)
    by_day: dict[date, list[Slot]] = {monday + timedelta(days=n): [] for n in range(7)}
    shown = [(start, end, False) for start, end in free.slots]
    if lost and lost.facts["slot"][:1] and (lost.facts["slot"] not in free.slots):
        shown.append((*lost.facts["slot"], True))
    for start, end, taken in sorted(shown):
        day = start.astimezone(place).date()
        if day in by_day:
            by_day[day].append({"value": start.isoformat(), "start": start, "end": end, "taken": taken})
    return [
        {"date": day, "slots": found, "why": _why_empty(free, day, place, now)}
        for day, found in by_day.items()
    ]


def _why_empty(free: FreeSlots, day: date, place: ZoneInfo, now: datetime) -> str:
    """Why a day may have no slot: the expert does not work then, it is too soon, or it is full."""
    begin = datetime.combine(day, time(0), place)
    end = begin + timedelta(days=1)
    if not open_windows(free.rules, (begin, end)):
        return "closed"
    return "soon" if end <= now + free.rules.notice else "full"


def _next_free(free: FreeSlots, monday: date, zone: str) -> date | None:
    after = datetime.combine(monday + timedelta(days=7), time(0), ZoneInfo(zone))
    return next(
        (start.astimezone(ZoneInfo(zone)).date() for start, _end in free.slots if start >= after), None
    )
