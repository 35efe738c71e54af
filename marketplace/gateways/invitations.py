"""The door for invitations: what goes into one, and who writes it as a file for calendars.

One file a person. The platform is the organiser and only oneself is an attendee: a calendar
shows its guests to everybody who may look at it. Nothing confidential is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Method = Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True)
class Guest:
    """Whose calendar the file is for."""

    name: str
    email: str
    zone: str


@dataclass(frozen=True)
class Meeting:
    """What is known of the session. `uid` is the same in every file about it; instants are aware UTC."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str
    url: str


class Invitations(Protocol):
    """Writes an invitation, or takes one back, as an iCalendar file (RFC 5545, RFC 5546)."""

    def __call__(
        self, meeting: Meeting, guest: Guest, method: Method, sequence: int, *, stamped: datetime
    ) -> bytes:
        """The file's bytes: CRLF line ends, folded at 75 octets, with the zone's own rules in it.

        `sequence` rises with each file about the meeting; `stamped` is when it was written.
        """
