"""When reviews are shown, and what is said of several (booking-process.md, "Reviews")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from statistics import median

SIDES = ("lead", "expert")
# What the project lead rates, 1 to 5, and what the expert does.
LEAD_MARKS = ("prepared", "expertise", "usefulness", "clarity")
EXPERT_MARKS = ("brief_mark", "punctuality", "openness")
LEAST_TEXT, MOST_TEXT = 30, 2_000
ENOUGH = 3
# A Bayesian mean begins as if five people had given 4.
PRIOR_COUNT, PRIOR_SUM = 5, 20


def visible(*, both_in: bool, until: datetime, now: datetime) -> bool:
    """Whether a review is shown: "neither side sees the other's before both are in or the window
    ends". Asked anew each time; nothing is stored."""
    return both_in or now >= until


def both_sent(sides: Collection[str]) -> bool:
    """Whether the reviews of one booking, named by their sides, are both sent."""
    return set(SIDES) <= set(sides)


def why_closed(
    side: str,
    *,
    sent: Collection[str],
    delivered: bool,
    reported: bool,
    until: datetime | None,
    now: datetime,
) -> str | None:
    """Why a side may not send its review now, or None: "not_yet", "reported", "sent", "over".

    "Open for 14 days from `delivered`, once a side"; "a report stops that clock and hides the form".
    `until` is half-open: at that very instant it is over.
    """
    if side in sent:
        return "sent"
    if reported:
        return "reported"
    if not delivered or until is None:
        return "not_yet"
    return "over" if now >= until else None


def average_hundredths(marks: Sequence[int]) -> int | None:
    """The average in hundredths (467 for 4.67), rounded half up; None below three reviews.

    "Below three reviews an offer shows the reviews themselves and no average".
    """
    if len(marks) < ENOUGH:
        return None
    return (2 * 100 * sum(marks) + len(marks)) // (2 * len(marks))


def days_median(days: Sequence[int]) -> float | None:
    """The median of days saved, "with the number of answers, from three on"."""
    return float(median(days)) if len(days) >= ENOUGH else None


def rating_score(usefulness: Sequence[int]) -> int:
    """The Bayesian mean of usefulness in thousandths: the tie-break of equal fit."""
    return (PRIOR_SUM + sum(usefulness)) * 1000 // (PRIOR_COUNT + len(usefulness))
