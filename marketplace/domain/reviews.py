"""When reviews are shown, and what is said of several (booking-process.md, "Reviews")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median

ENOUGH = 3
# A Bayesian mean begins as if five people had given 4.
PRIOR_COUNT, PRIOR_SUM = 5, 20


def visible(*, both_in: bool, until: datetime, now: datetime) -> bool:
    """Neither side sees the other's before both are in or the window ends."""
    return both_in or now >= until


def days_median(days: Sequence[int]) -> float | None:
    """The median of days saved, from three answers on."""
    return float(median(days)) if len(days) >= ENOUGH else None


def rating_score(usefulness: Sequence[int]) -> int:
    """The Bayesian mean of usefulness in thousandths: the tie-break of equal fit."""
    return (PRIOR_SUM + sum(usefulness)) * 1000 // (PRIOR_COUNT + len(usefulness))
