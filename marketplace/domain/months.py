"""Months of the books: they begin and end where the platform keeps them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

# Where the platform's books are kept: invoices and VAT go by its days.
BOOKS_ZONE = ZoneInfo("Europe/Paris")


def month_of(at: datetime) -> date:
    """The first day of the month in which an instant lies."""
    return at.astimezone(BOOKS_ZONE).date().replace(day=1)


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)


def begins(month: date) -> datetime:
    """The instant a month begins; it ends where the next one begins."""
    return datetime(month.year, month.month, 1, tzinfo=BOOKS_ZONE)


def read_month(text: str) -> date | None:
    """A month written 2026-11; None for anything else, and for a year at the end of what a date can say."""
    try:
        month = datetime.strptime(text, "%Y-%m").date() if len(text) == 7 and text.isascii() else None  # noqa: DTZ007 - a month
    except ValueError:
        return None
    # The months beside it are dates too: whoever reads one may ask for the next or the one before.
    return month if month and date.min.year < month.year < date.max.year else None
