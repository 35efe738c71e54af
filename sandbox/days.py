"""Business days, as banks count them here: Monday to Friday, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY = 86400


def midnight(unix: int) -> int:
    """The beginning of that day."""
    return unix - unix % DAY


def next_day(unix: int) -> int:
    """The beginning of the day after."""
    return midnight(unix) + DAY


def business_days_after(unix: int, days: int) -> int:
    """The beginning of the so-manieth business day after that day."""
    day = datetime.fromtimestamp(midnight(unix), UTC)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return int(day.timestamp())
