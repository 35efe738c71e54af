"""Invitations written by the icalendar package."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from .invitations import Guest, Meeting, Method

PRODUCT = "-//Declic//Sessions//EN"


class IcalendarInvitations:
    """One organiser for all: the platform, by the address its letters come from."""

    def __init__(self, *, organiser_name: str, organiser_email: str) -> None:
        self._name = organiser_name
        self._email = organiser_email

    def __call__(
        self, meeting: Meeting, guest: Guest, method: Method, sequence: int, *, stamped: datetime
    ) -> bytes:
        """See the port."""
        calendar = Calendar()
        calendar.add("prodid", PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("method", method)
        calendar.add_component(self._event(meeting, guest, method, sequence, stamped))
        # The rules around the session are enough; a century of them is what makes clients stumble.
        calendar.add_missing_timezones(
            first_date=(meeting.start - timedelta(days=370)).date(),
            last_date=(meeting.end + timedelta(days=370)).date(),
        )
        return bytes(calendar.to_ical())

    def _event(
        self, meeting: Meeting, guest: Guest, method: Method, sequence: int, stamped: datetime
    ) -> Event:
        zone = ZoneInfo(guest.zone)
        event = Event()
        event.add("uid", meeting.uid)
        event.add("sequence", sequence)
        event.add("dtstamp", stamped.astimezone(UTC))
        event.add("dtstart", meeting.start.astimezone(zone))
        event.add("dtend", meeting.end.astimezone(zone))
        event.add("summary", _plain(meeting.summary))
        event.add("location", _plain(meeting.location))
        event.add("description", meeting.description)
        event.add("url", meeting.url)
        event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
        event.add("transp", "TRANSPARENT" if method == "CANCEL" else "OPAQUE")
        event.add("class", "PRIVATE")
        event.add("organizer", _address(self._name, self._email))
        attendee = _address(guest.name, guest.email)
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        attendee.params["PARTSTAT"] = vText("ACCEPTED")
        attendee.params["RSVP"] = vText("FALSE")
        event.add("attendee", attendee, encode=False)
        return event


def _address(name: str, email: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    # RFC 5545 3.2: a parameter's value holds neither quotes nor control characters.
    address.params["CN"] = vText(_plain(name).replace('"', "’"))
    return address


def _plain(text: str) -> str:
    # Not str.split: it would take French no-break spaces too.
    return re.sub(r"[\x00-\x20\x7f]+", " ", text).strip()
