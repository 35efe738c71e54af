"""Busy times read with icalendar and recurring-ical-events, in a child process with limits.

The file is a stranger's: an endless rule or a million events must cost a process, not the worker
(docs/decisions/017). This module is both the parent's side and, run by its name, the child.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from ..domain.availability import Interval
from .calendars import AHEAD, BEHIND, Busy, CalendarUnread
from .fetch import Fetcher, FetchError

# Entries that may matter to the next two months, after those long past are set aside.
MOST_EVENTS = 5_000
MOST_TIMES = 20_000
SECONDS = 8
MEMORY = 400 * 1024 * 1024
ROOT = Path(__file__).resolve().parents[2]
_ENTRY = re.compile(rb"^BEGIN:VEVENT\b.*?^END:VEVENT\b[^\n]*\n?", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_AGAIN = re.compile(rb"^(?:RRULE|RDATE|RECURRENCE-ID|DURATION)[;:]", re.MULTILINE | re.IGNORECASE)
_DAYS = re.compile(rb"^DT(?:START|END)[^:\n]*:\s*(\d{8})", re.MULTILINE | re.IGNORECASE)
_NONSTOP = re.compile(rb"^RRULE[^\n]*FREQ=(?:SECONDLY|MINUTELY)", re.MULTILINE | re.IGNORECASE)


class IcalendarReader:
    """Fetches by `fetch`; entries of `own_host` are bookings of ours, which claims know better."""

    def __init__(self, fetch: Fetcher, *, own_host: str) -> None:
        self._fetch = fetch
        self._own = own_host

    def __call__(
        self, address: str, *, zone: str, now: datetime, etag: str = "", last_modified: str = ""
    ) -> Busy | None:
        """See the port."""
        try:
            answer = self._fetch(address, etag=etag, last_modified=last_modified)
        except FetchError as error:
            raise CalendarUnread(error.why, **error.facts) from error
        if answer.body is None:
            return None
        found = _in_child(answer.body, zone=zone, now=now, own=self._own)
        times = tuple(
            (datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC)) for a, b in found["times"]
        )
        return Busy(times, found["unreadable"], answer.etag, answer.last_modified)


def _in_child(body: bytes, *, zone: str, now: datetime, own: str) -> dict[str, Any]:
    body = set_aside(body, now)
    asked = json.dumps({"zone": zone, "now": now.timestamp(), "own": own}).encode()
    try:
        child = subprocess.run(
            [sys.executable, "-m", __name__], input=asked + b"\n" + body, capture_output=True,
            timeout=3 * SECONDS, env={}, cwd=ROOT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CalendarUnread("heavy") from error
    try:
        found = json.loads(child.stdout)
    except ValueError as error:
        raise CalendarUnread("heavy") from error
    if "why" in found:
        raise CalendarUnread(found["why"])
    return cast(dict[str, Any], found)


def set_aside(body: bytes, now: datetime) -> bytes:
    """The file without entries that neither recur nor come near the days we want: years of past meetings.

    CalendarUnread kind, events.
    """
    body = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = body.replace(b"\n ", b"").replace(b"\n\t", b"")
    if not re.match(rb"\s*BEGIN:VCALENDAR\b", body, re.IGNORECASE):
        raise CalendarUnread("kind")
    if _NONSTOP.search(body):
        raise CalendarUnread("events")
    first, last = (
        f"{now + by:%Y%m%d}".encode() for by in (-BEHIND - timedelta(days=2), AHEAD + timedelta(days=2))
    )
    kept = 0

    def near(found: re.Match[bytes]) -> bytes:
        nonlocal kept
        days = _DAYS.findall(found[0])
        if days and not _AGAIN.search(found[0]) and (max(days) < first or min(days) > last):
            return b""
        kept += 1
        return found[0]

    body = _ENTRY.sub(near, body)
    if kept > MOST_EVENTS:
        raise CalendarUnread("events", most=MOST_EVENTS)
    return body


# The child.


def main() -> None:
    """Read the question and the file from stdin, answer on stdout as JSON."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    now = datetime.fromtimestamp(asked["now"], UTC)
    try:
        answer = worked_out(sys.stdin.buffer.read(), zone=asked["zone"], now=now, own=asked["own"])
    except MemoryError:
        answer = {"why": "heavy"}
    sys.stdout.write(json.dumps(answer))


def worked_out(body: bytes, *, zone: str, now: datetime, own: str) -> dict[str, Any]:
    """`times` (seconds since 1970, merged, in order) and `unreadable`; or `why`."""
    import recurring_ical_events
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(body.decode("utf-8", "replace"), multiple=True)
    except (ValueError, IndexError, KeyError, TypeError):
        return {"why": "kind"}
    window = (now - BEHIND, now + AHEAD)
    times: list[Interval] = []
    unreadable = 0
    for calendar in calendars:
        whole_days = _zone(calendar, zone)
        kept = []
        for part in calendar.subcomponents:
            if part.name == "VEVENT" and str(part.get("UID", "")).endswith(f"@{own}"):
                continue
            if part.name == "VEVENT" and (part.errors or not hasattr(part.get("DTSTART"), "dt")):
                unreadable += 1
                continue
            kept.append(part)
        calendar.subcomponents = kept
        found, failed = _occurrences(recurring_ical_events, calendar, window)
        unreadable += failed
        for event in found:
            if _takes_time(event):
                times.append(_interval(event, ZoneInfo(zone), whole_days))
        published, failed = _published(calendar, window)
        times += published
        unreadable += failed
        if len(times) > MOST_TIMES:
            return {"why": "events"}
    return {"times": list(_merged(times, window)), "unreadable": unreadable}


def _occurrences(library: Any, calendar: Any, window: Interval) -> tuple[list[Any], int]:
    """All occurrences in the window, with how many series could not be worked out."""
    try:
        return library.of(calendar).between(*window), 0
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        pass
    # One of them breaks the rest: series by series, each with its exceptions.
    series: dict[str, list[Any]] = {}
    others = [part for part in calendar.subcomponents if part.name != "VEVENT"]
    for part in calendar.subcomponents:
        if part.name == "VEVENT":
            series.setdefault(str(part.get("UID", id(part))), []).append(part)
    found: list[Any] = []
    failed = 0
    for parts in series.values():
        calendar.subcomponents = [*others, *parts]
        try:
            found += library.of(calendar).between(*window)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            failed += 1
    return found, failed


def _published(calendar: Any, window: Interval) -> tuple[list[Interval], int]:
    """The busy times of its VFREEBUSY parts (RFC 5545 3.6.4), in UTC by the standard; with how many were unread."""
    found: list[Interval] = []
    failed = 0
    for part in calendar.subcomponents:
        if part.name != "VFREEBUSY":
            continue
        given = part.get("FREEBUSY", [])
        for one in given if isinstance(given, list) else [given]:
            if str(getattr(one, "params", {}).get("FBTYPE", "BUSY")).upper() == "FREE":
                continue
            try:
                start, end = (at.astimezone(UTC) for at in (one.start, one.end))
            except (AttributeError, TypeError, ValueError, OverflowError):
                failed += 1
                continue
            if start < window[1] and end > window[0]:
                found.append((start, end))
    return found, failed


def _takes_time(event: Any) -> bool:
    return (
        str(event.get("TRANSP", "OPAQUE")).upper() != "TRANSPARENT"
        and str(event.get("STATUS", "")).upper() != "CANCELLED"
        and str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() != "FREE"
    )


def _interval(event: Any, floating: ZoneInfo, whole_days: ZoneInfo) -> Interval:
    start, end = event["DTSTART"].dt, event["DTEND"].dt
    return _instant(start, floating, whole_days), _instant(end, floating, whole_days)


def _instant(at: date | datetime, floating: ZoneInfo, whole_days: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time(), whole_days).astimezone(UTC)
    return (at if at.tzinfo else at.replace(tzinfo=floating)).astimezone(UTC)


def _zone(calendar: Any, otherwise: str) -> ZoneInfo:
    """The zone the calendar names, which is taken out where nobody knows it."""
    try:
        return ZoneInfo(str(calendar.get("X-WR-TIMEZONE", "")) or otherwise)
    except (KeyError, ValueError, OSError):
        calendar.pop("X-WR-TIMEZONE")
        return ZoneInfo(otherwise)


def _merged(times: list[Interval], window: Interval) -> Iterator[tuple[float, float]]:
    merged: list[Interval] = []
    for begin, finish in sorted((max(a, window[0]), min(b, window[1])) for a, b in times):
        if begin >= finish:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], finish))
        else:
            merged.append((begin, finish))
    for begin, finish in merged:
        yield begin.timestamp(), finish.timestamp()


if __name__ == "__main__":
    main()
