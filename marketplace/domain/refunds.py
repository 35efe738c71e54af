"""The refund rule of a confirmed booking (booking-process.md, "Refund rule"). Minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import RefundTooLarge
from .money import part, split
from .pricing import Quote

WEEK, THREE_DAYS, ONE_DAY = timedelta(days=7), timedelta(hours=72), timedelta(hours=24)
# How long before the start (half-open: "72 h or more" includes exactly 72 h) → what comes back, in percent.
STEPS: Mapping[str, tuple[tuple[timedelta, int], ...]] = {
    "flexible": ((WEEK, 100), (THREE_DAYS, 100), (ONE_DAY, 100), (timedelta(0), 50)),
    "moderate": ((WEEK, 100), (THREE_DAYS, 100), (ONE_DAY, 50), (timedelta(0), 0)),
    "strict": ((WEEK, 100), (THREE_DAYS, 50), (ONE_DAY, 0), (timedelta(0), 0)),
}
# What a report may be about.
KINDS = (
    "buyer_absent",
    "expert_absent",
    "both_absent",
    "technical",
    "confidentiality",
    "ended_early",
    "quality",
)


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
    """The share in percent that comes back when `who` ("buyer", "expert", "operator") cancels now.

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


def refund_to(quote: Quote, percent: int, before: Mapping[str, int]) -> Refund:
    """What is still to go back so that `percent` of each line has, after `before` went.

    "Parts refunded several times post the cumulative share less what was posted"; a share "never under
    what was already refunded" takes nothing back.
    """
    wanted = refund_of(quote, percent).lines
    return Refund(percent, {name: max(0, minor - before.get(name, 0)) for name, minor in wanted.items()})


def least_share(quote: Quote, before: Mapping[str, int]) -> int:
    """The smallest share in percent that is not under what was already refunded of any line."""
    return next(
        (
            percent
            for percent in range(101)
            if all(minor >= before.get(name, 0) for name, minor in refund_of(quote, percent).lines.items())
        ),
        100,
    )


def refund_amount(quote: Quote, minor: int, before: Mapping[str, int]) -> Refund:
    """An amount an operator names, "split over what is left of each line, in proportion".

    Raises RefundTooLarge where less is left. `percent` is the share of the total it makes, rounded down.
    """
    left = [line - before.get(name, 0) for name, line in quote.lines.items()]
    if not 0 < minor <= sum(left):
        raise RefundTooLarge(asked=minor, left=sum(left))
    return Refund(part(100, minor, quote.total), dict(zip(quote.lines, split(minor, left), strict=True)))


def refund_steps(
    quote: Quote,
    *,
    policy: str,
    who: str,
    now: datetime,
    start: datetime,
    best: int = 100,
    free_until: datetime | None = None,
) -> list[tuple[datetime, int, int]]:
    """(until, percent, minor) from now to the start, equal neighbours joined: what pages show in dates."""
    ends = {start - least for least, _percent in STEPS[policy]} | ({free_until} if free_until else set())
    steps: list[tuple[datetime, int, int]] = []
    since = now
    for until in sorted(end for end in ends if now < end <= start):
        # Asked in the middle, so that it matters to neither end on which side its own instant falls.
        between = since + (until - since) // 2
        share = refund_percent(policy, who=who, now=between, start=start, best=best, free_until=free_until)
        if steps and steps[-1][1] == share:
            steps.pop()
        steps.append((until, share, refund_of(quote, share).total))
        since = until
    return steps


def proposed_share(
    kind: str, *, policy: str, buyers_fault: bool = False, minutes: int = 0, held: int = 0
) -> int:
    """The refund share in percent from which a report starts; the reporter may change it.

    `minutes` and `held`: how long the session was to last, and lasted. By kind (`KINDS`):

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
        if minutes <= 0:
            raise ValueError("a session has minutes")
        return part(100, max(0, minutes - max(0, held)), minutes, up=True)
    raise ValueError(f"no kind of report is called {kind}")
