"""Reminders: which one of a session is due, as one pure question."""

from __future__ import annotations

from datetime import datetime, timedelta

# The furthest first.
AHEAD = {"week": timedelta(days=7), "day": timedelta(days=1), "hour": timedelta(hours=1)}
KINDS = tuple(AHEAD)


def reminder_due(now: datetime, start: datetime, firm_since: datetime) -> str | None:
    """The kind to send now, "week", "day" or "hour"; None where none is.

    It is the last one whose instant has come: a week's reminder is not sent after the day's. And only
    where the session stood before that instant (`firm_since`: when this start was settled): who books
    two hours ahead needs no word that it is in a week.
    """
    if now >= start:
        return None
    due = [kind for kind, ahead in AHEAD.items() if start - ahead <= now]
    if not due or firm_since > start - AHEAD[due[-1]]:
        return None
    return due[-1]
