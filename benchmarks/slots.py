"""How the cost of free slots grows with busy events: python -m benchmarks.slots

Sixty days of one expert, 10 to 10 000 busy events, against a plain sort of as many pairs in the same run.
A bar is a ratio: the machine may be busy with others. Exit 1 where one is missed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from time import perf_counter

from marketplace.domain.availability import Availability, Interval, WeeklyHours, free_slots

SIZES = (10, 100, 1_000, 10_000)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = (NOW, NOW + timedelta(days=60))
HOURS = Availability(
    "Europe/Paris",
    (WeeklyHours(frozenset(range(1, 6)), time(9), time(12, 30)), WeeklyHours(frozenset(range(1, 6)), time(14), time(18))),
    before=timedelta(minutes=15), after=timedelta(minutes=15), per_day=2,
)  # fmt: skip
# 10 000 events may cost this many times a sort of as many pairs; ten times the events, at most this many
# times the cost: a little more than ten for n log n, far from a hundred for n².
OF_A_SORT = 6.0
OF_TEN_TIMES = 14.0


def events(count: int) -> list[Interval]:
    """Busy times of a quarter to one hour, spread over the days, in no order."""
    chance = random.Random(count)
    minutes = 60 * 24 * 60
    starts = (NOW + timedelta(minutes=chance.randrange(minutes)) for _ in range(count))
    return [(start, start + timedelta(minutes=chance.choice((15, 30, 60)))) for start in starts]


def cost(act: Callable[[], object]) -> float:
    """How long it takes once, in milliseconds."""
    begun = perf_counter()
    act()
    return (perf_counter() - begun) * 1000


def both(busy: list[Interval], rounds: int = 40) -> tuple[float, float]:
    """All free slots among these, and a sort of them: the quickest of rounds that take turns, since other
    work comes and goes on the machine."""
    length = timedelta(hours=3)
    slots, sort = [], []
    for _round in range(rounds):
        slots.append(
            cost(
                lambda: free_slots(
                    HOURS, claims=(), busy=busy, length=length, window=WINDOW, now=NOW, starts=()
                )
            )
        )
        sort.append(cost(lambda: sorted(busy)))
    return min(slots), min(sort)


def main() -> int:
    """Measure, say it, and whether the bars hold."""
    costs: dict[int, float] = {}
    print("| busy events | free slots | a sort of as many pairs | ratio |\n|---|---|---|---|")
    for count in SIZES:
        busy = events(count)
        costs[count], sort = both(busy)
        print(f"| {count} | {costs[count]:.2f} ms | {sort:.2f} ms | {costs[count] / sort:.1f} |")
    last = costs[SIZES[-1]] / sort
    growth = costs[SIZES[-1]] / costs[SIZES[-2]]
    held = last <= OF_A_SORT and growth <= OF_TEN_TIMES
    print(f"\n10 000 events: {last:.1f} times a sort (bar {OF_A_SORT:.0f}); from 1 000 to 10 000: {growth:.1f} times (bar {OF_TEN_TIMES:.0f}).")  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
