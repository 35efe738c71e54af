"""Busy times by iCalendar address: what we ask for, and what can go wrong by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from ..domain.availability import Interval

# How far busy times are worked out: a horizon of sixty days, and the days until they are worked out anew.
BEHIND = timedelta(days=1)
AHEAD = timedelta(days=63)


class CalendarUnread(Exception):
    """A calendar that could not be read. why: those of `FetchError`; also kind (not a calendar), events (too
    many), heavy (it took too long or too much memory to work out)."""

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts

    @property
    def passing(self) -> bool:
        """Whether the next try may well be better."""
        return self.why in ("name", "time", "connection") or self.facts.get("status", 0) in range(500, 600)


@dataclass(frozen=True)
class Busy:
    """What a calendar said: busy times merged, in order (aware UTC), from `BEHIND` to `AHEAD` of the reading;
    how many entries could not be understood; what the next reading may be made conditional on."""

    times: tuple[Interval, ...]
    unreadable: int
    etag: str
    last_modified: str


class BusyReader(Protocol):
    """Reads calendars that others keep."""

    def __call__(
        self, address: str, *, zone: str, now: datetime, etag: str = "", last_modified: str = ""
    ) -> Busy | None:
        """What it says; None where it says the same as before. Floating times and whole days are read in
        `zone` (IANA), unless the calendar names its own for whole days. CalendarUnread."""
        ...


class PublicHolidays(Protocol):
    """The public holidays of countries and their regions."""

    def countries(self) -> tuple[str, ...]:
        """ISO 3166 codes, in order."""
        ...

    def regions(self, country: str) -> tuple[tuple[str, str], ...]:
        """(code, name) of its regions that have days of their own."""
        ...

    def days(self, country: str, region: str, first: int, last: int, language: str) -> dict[date, str]:
        """Each day from year `first` to `last` with its name; none for a country or region nobody knows."""
        ...
