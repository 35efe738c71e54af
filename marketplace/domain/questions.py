"""Asking before booking: what may be asked, until when it is answered, and the rate that is shown.

Free for both: so the asked is closed (yes, partly, no), short, and limited on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .errors import QuestionIncomplete, QuestionsPaused, TooManyQuestions

LONGEST_SUMMARY = 600
LONGEST_ASKED = 200
LONGEST_WORDS = 600
MOST_ASKED = 3
MOST_OPEN = 3
PER_WEEK = 5
MOST_PER_WEEK = 50
WEEK = timedelta(days=7)
ANSWER_WITHIN = timedelta(hours=48)
# From so many questions on, an expert's rate says something.
RATE_FROM = 3
# Few answers weigh little: as if five questions were there already, four of them answered.
PRIOR_CLOSED, PRIOR_ANSWERED = 5, 4
VERDICTS = ("yes", "partly", "no")
# open: the expert is to answer; the other three are ends.
STATES = ("open", "answered", "passed_on", "unanswered")


def answer_until(asked_at: datetime) -> datetime:
    """48 hours."""
    return asked_at + ANSWER_WITHIN


def refuse_too_many_questions(open_of_person: int, of_expert: int, per_week: int, paused: bool) -> None:
    """Before a new one: three open a person, `per_week` an expert within seven days, none while paused.

    Raises QuestionsPaused, TooManyQuestions.
    """
    if paused:
        raise QuestionsPaused
    if open_of_person >= MOST_OPEN:
        raise TooManyQuestions(limit=MOST_OPEN, whose="person")
    if of_expert >= per_week:
        raise TooManyQuestions(limit=per_week, whose="expert")


def asked_of(texts: Sequence[str]) -> list[str]:
    """The questions among the lines given, three at most. Raises QuestionIncomplete."""
    asked = [text for text in texts if text][:MOST_ASKED]
    if not asked:
        raise QuestionIncomplete(missing="asked")
    return asked


def shown_rate(closed: int, answered: int) -> tuple[int, int] | None:
    """(answered, of how many), or None while there are too few to say anything.

    `closed`: answered, passed on or run out; those still open count for nobody.
    """
    return (answered, closed) if closed >= RATE_FROM else None


def answer_score(closed: int, answered: int) -> int:
    """A cautious rate of answers in thousandths: what decides between offers of equal fit and equal reviews."""
    return (PRIOR_ANSWERED + answered) * 1000 // (PRIOR_CLOSED + closed)
