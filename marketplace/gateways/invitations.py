"""The door for calendar files: what goes into one, and who writes it.

An invitation is one file a person: the platform is the organiser and only oneself is an attendee, since
a calendar shows its guests to everybody who may look at it. Nothing confidential is in it. A feed is all
of a person's meetings at an address their calendar program reads by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
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


@dataclass(frozen=True)
class Entry:
    """A meeting of a feed, with the place and the instant of its last change."""

    meeting: Meeting
    sequence: int
    stamped: datetime


class Invitations(Protocol):
    """Writes iCalendar files (RFC 5545, RFC 5546): CRLF line ends, folded at 75 octets, zone rules in them."""

    def __call__(
        self, meeting: Meeting, guest: Guest, method: Method, sequence: int, *, stamped: datetime
    ) -> bytes:
        """An invitation, or one taken back.

        `sequence` rises with each file about the meeting; `stamped` is when it was written.
        """

    def feed(self, entries: Sequence[Entry], *, name: str, zone: str, since: date, until: date) -> bytes:
        """All of a person's meetings, written in `zone`, whose rules stand for the days between.

        The same entries make the same bytes.
        """
