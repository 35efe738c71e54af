"""Places in the queue of a full calendar, and times that a buyer proposes: what may be asked, and until when.

Source: booking-process.md, "Moves" (hold) and "Deadlines" (a hold given by the queue, or after "no slot
suits me"). Instants are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from .availability import Interval
from .errors import QueueRefused

MOST_PLACES = 5
# How far ahead somebody may wait, and ask.
FURTHEST = timedelta(days=180)
# waiting; offered: a slot is held for them, or proposed in place of a later booking of theirs; taken: they took
# it; passed: they let it go by; left: they left; ended: their dates are over; gone: they can no longer book here.
PLACE_STATES = ("waiting", "offered", "taken", "passed", "left", "ended", "gone")
OPEN_PLACES = ("waiting", "offered")

MOST_ASKED = 3
TIMES = 3
ANSWER_WITHIN = timedelta(hours=72)
LEAST_TO_ANSWER = timedelta(hours=4)
QUARTER = 15
LONGEST_WORDS = 600
# open: the expert is to answer; the others are ends.
ASKED_STATES = ("open", "taken", "declined", "withdrawn", "unanswered")


def check_years(first: date, last: date, now: datetime) -> None:
    """Days that no calendar plans by, before any instant is made of them. Raises QueueRefused."""
    if first.year < now.year - 1:
        raise QueueRefused(why="past")
    if last.year > now.year + 1:
        raise QueueRefused(why="far", days=FURTHEST.days)


def check_dates(begins_at: datetime, ends_at: datetime, now: datetime) -> None:
    """The half-open span of a place: in order, not over, not endless. Raises QueueRefused."""
    if begins_at >= ends_at:
        raise QueueRefused(why="order")
    if ends_at <= now:
        raise QueueRefused(why="past")
    if ends_at > now + FURTHEST:
        raise QueueRefused(why="far", days=FURTHEST.days)


def refuse_too_many_places(open_of_person: int) -> None:
    """Five open a person, before the new one. Raises QueueRefused."""
    if open_of_person >= MOST_PLACES:
        raise QueueRefused(why="many_places", limit=MOST_PLACES)


def fitting(slots: Iterable[Interval], begins_at: datetime, ends_at: datetime) -> list[Interval]:
    """The slots that begin within the dates."""
    return [slot for slot in slots if begins_at <= slot[0] < ends_at]


def refuse_too_many_asked(open_of_person: int) -> None:
    """Three open a person, before the new one. Raises QueueRefused."""
    if open_of_person >= MOST_ASKED:
        raise QueueRefused(why="many_asked", limit=MOST_ASKED)


def asked_starts(
    starts: Sequence[datetime], now: datetime, notice_hours: int, horizon: timedelta
) -> list[datetime]:
    """Three different starts, in order: each leaves N after the least time to answer. Raises QueueRefused.

    `at` names the one that is refused.
    """
    different = sorted(set(starts))
    if len(different) != TIMES:
        raise QueueRefused(why="number")
    for start in different:
        if start.minute % QUARTER or start.second or start.microsecond:
            raise QueueRefused(why="quarter", at=start)
        if start < now + timedelta(hours=notice_hours) + LEAST_TO_ANSWER:
            earliest = now + timedelta(hours=notice_hours) + LEAST_TO_ANSWER
            raise QueueRefused(why="early", at=start, earliest=earliest)
        if start > now + horizon:
            raise QueueRefused(why="late", at=start, days=horizon.days)
    return different


def answer_until(asked_at: datetime, starts: Sequence[datetime], notice_hours: int) -> datetime:
    """72 h; never later than the last of them can still be held: its start − N."""
    return min(asked_at + ANSWER_WITHIN, max(starts) - timedelta(hours=notice_hours))
