"""The refund rule of a confirmed booking (booking-process.md, "Refund rule"). Minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .money import part
from .pricing import Quote

WEEK, THREE_DAYS, ONE_DAY = timedelta(days=7), timedelta(hours=72), timedelta(hours=24)
# How long before the start (half-open: "72 h or more" includes exactly 72 h) → what comes back, in percent.
STEPS: Mapping[str, tuple[tuple[timedelta, int], ...]] = {
    "flexible": ((WEEK, 100), (THREE_DAYS, 100), (ONE_DAY, 100), (timedelta(0), 50)),
    "moderate": ((WEEK, 100), (THREE_DAYS, 100), (ONE_DAY, 50), (timedelta(0), 0)),
    "strict": ((WEEK, 100), (THREE_DAYS, 50), (ONE_DAY, 0), (timedelta(0), 0)),
}


@dataclass(frozen=True)
class Refund:
    """What goes back, line by line of the quote, each rounded up to the cent; `total` is their sum."""

    percent: int
    lines: Mapping[str, int]

    @property
    def total(self) -> int:
        """The sum of the lines, minor units."""
        return sum(self.lines.values())


def refund_percent(
    policy: str,
    *,
    who: str,
    now: datetime,
    start: datetime,
    best: int = 100,
    free_until: datetime | None = None,
) -> int:
    """The share that comes back when `who` ("buyer", "expert", "operator") cancels now.

    - expert or operator: everything, any time;
    - until `free_until` (after a reschedule the expert asked for): everything;
    - buyer's side: by policy and time left, never better than `best`.
    """
    if who in ("expert", "operator"):
        return 100
    if free_until is not None and now < free_until:
        return 100
    left = start - now
    return min(best, next((percent for least, percent in STEPS[policy] if left >= least), 0))


def refund_of(quote: Quote, percent: int) -> Refund:
    """A share of a quote, line by line, rounded up."""
    return Refund(percent, {name: part(minor, percent, 100, up=True) for name, minor in quote.lines.items()})


def refund_due(
    quote: Quote,
    *,
    policy: str,
    who: str,
    now: datetime,
    start: datetime,
    best: int = 100,
    free_until: datetime | None = None,
) -> Refund:
    """What cancelling now gives back."""
    percent = refund_percent(policy, who=who, now=now, start=start, best=best, free_until=free_until)
    return refund_of(quote, percent)


def refund_steps(
    quote: Quote, *, policy: str, who: str, now: datetime, start: datetime, best: int = 100
) -> list[tuple[datetime, int, int]]:
    """(until, percent, minor) from now to the start, equal neighbours joined: what pages show in dates."""
    steps: list[tuple[datetime, int, int]] = []
    for least, percent in STEPS[policy]:
        until, share = start - least, 100 if who != "buyer" else min(best, percent)
        if until <= now:
            continue
        if steps and steps[-1][1] == share:
            steps.pop()
        steps.append((until, share, refund_of(quote, share).total))
    return steps


def proposed_share(
    kind: str, *, policy: str, buyers_fault: bool = False, minutes: int = 0, held: int = 0
) -> int:
    """The refund share in percent from which a report starts; the reporter may change it.

    - the buyer did not come: as cancelling under 24 h;
    - the expert, or nobody, came: 100;
    - technical failure: 100 (or a second session);
    - stopped for confidentiality: 0 if the buyer's side caused it, else the share of minutes not held;
    - ended early: the share of minutes not held;
    - quality: 0, what the reporter names.
    """
    if kind == "buyer_absent":
        return STEPS[policy][-1][1]
    if kind in ("expert_absent", "both_absent", "technical"):
        return 100
    if kind == "quality" or (kind == "confidentiality" and buyers_fault):
        return 0
    if kind in ("confidentiality", "ended_early"):
        return part(100, max(0, minutes - held), minutes, up=True)
    raise ValueError(f"no kind of report is called {kind}")
