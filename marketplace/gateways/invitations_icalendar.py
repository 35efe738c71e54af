"""Calendar files written by the icalendar package.

The zone's rules are our own: those of its version 7.3 begin summer time an hour late (tried; RFC 5545
3.6.5 counts a rule's onset on the clock before the change).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vText

from .invitations import Entry, Guest, Meeting, Method

PRODUCT = "-//Declic//Sessions//EN"
# The rules around the session are enough; a century of them is what makes clients stumble.
AROUND = timedelta(days=370)
# How often a calendar program is asked to read a feed again (RFC 7986 5.7). Few obey.
AGAIN = timedelta(hours=1)


class IcalendarInvitations:
    """One organiser for all: the platform, by the address its letters come from."""

    def __init__(self, *, organiser_name: str, organiser_email: str) -> None:
        self._name = organiser_name
        self._email = organiser_email

    def __call__(
        self, meeting: Meeting, guest: Guest, method: Method, sequence: int, *, stamped: datetime
    ) -> bytes:
        """See the port."""
        calendar = _calendar(
            guest.zone, (meeting.start - AROUND).date(), (meeting.end + AROUND).date(), method=method
        )
        event = _event(meeting, guest.zone, sequence, stamped)
        event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
        event.add("transp", "TRANSPARENT" if method == "CANCEL" else "OPAQUE")
        event.add("organizer", _address(self._name, self._email))
        attendee = _address(guest.name, guest.email)
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        attendee.params["PARTSTAT"] = vText("ACCEPTED")
        attendee.params["RSVP"] = vText("FALSE")
        event.add("attendee", attendee, encode=False)
        calendar.add_component(event)
        return bytes(calendar.to_ical())

    def feed(self, entries: Sequence[Entry], *, name: str, zone: str, since: date, until: date) -> bytes:
        """See the port. No METHOD: it is what there is, and asks nobody anything."""
        calendar = _calendar(zone, since, until)
        calendar.add("name", _plain(name))
        calendar.add("x-wr-calname", _plain(name))
        calendar.add("refresh-interval", AGAIN)
        calendar["refresh-interval"].params["VALUE"] = vText("DURATION")
        calendar.add("x-published-ttl", "PT1H")
        for entry in entries:
            event = _event(entry.meeting, zone, entry.sequence, entry.stamped)
            event.add("last-modified", entry.stamped.astimezone(UTC))
            event.add("status", "CONFIRMED")
            event.add("transp", "OPAQUE")
            calendar.add_component(event)
        return bytes(calendar.to_ical())


def _calendar(zone: str, since: date, until: date, *, method: str = "") -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    if method:
        calendar.add("method", method)
    calendar.add_component(_rules(zone, since, until))
    return calendar


def _event(meeting: Meeting, zone: str, sequence: int, stamped: datetime) -> Event:
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", sequence)
    event.add("dtstamp", stamped.astimezone(UTC))
    for name, instant in (("dtstart", meeting.start), ("dtend", meeting.end)):
        event.add(name, instant.astimezone(ZoneInfo(zone)))
    event.add("summary", _plain(meeting.summary))
    if meeting.location:
        event.add("location", _plain(meeting.location))
    event.add("description", meeting.description)
    event.add("url", meeting.url)
    event.add("class", "PRIVATE")
    return event


def _rules(zone: str, since: date, until: date) -> Timezone:
    """VTIMEZONE: what the zone's clock shows from one day to the other, change by change."""
    place, at = ZoneInfo(zone), datetime.combine(since, time(), UTC)
    rules = Timezone()
    rules.add("tzid", zone)
    before = at.astimezone(place).utcoffset() or timedelta(0)
    for instant in (at, *_changes(place, at, datetime.combine(until, time(), UTC))):
        local = instant.astimezone(place)
        rule = TimezoneDaylight() if local.dst() else TimezoneStandard()
        after = local.utcoffset() or timedelta(0)
        # The onset is told on the clock as it was before.
        rule.add("dtstart", (instant + before).replace(tzinfo=None))
        rule.add("tzoffsetfrom", before)
        rule.add("tzoffsetto", after)
        rule.add("tzname", local.tzname() or zone)
        rules.add_component(rule)
        before = after
    return rules


def _changes(place: ZoneInfo, at: datetime, until: datetime) -> Iterator[datetime]:
    """The instants at which the zone's offset changes, to the minute: no zone changes twice in a day."""
    step, minute = timedelta(days=1), timedelta(minutes=1)
    while at < until:
        offset, later = at.astimezone(place).utcoffset(), at + step
        if later.astimezone(place).utcoffset() != offset:
            low, high = at, later
            while high - low > minute:
                middle = low + (high - low) // minute // 2 * minute
                low, high = (
                    (low, middle) if middle.astimezone(place).utcoffset() != offset else (middle, high)
                )
            yield high
        at = later


def _address(name: str, email: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    # RFC 5545 3.2: a parameter's value holds neither quotes nor control characters.
    address.params["CN"] = vText(_plain(name).replace('"', "’"))
    return address


def _plain(text: str) -> str:
    # Not str.split: it would take French no-break spaces too.
    return re.sub(r"[\x00-\x20\x7f]+", " ", text).strip()
