"""The tests' clock: it stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class FakeClock:
    """Callable like the real one; `move` is the only way time passes."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        if by < timedelta(0):
            raise ValueError("the clock never goes back")
        self.now += by

    def move_to(self, then: datetime) -> None:
        self.move(then - self.now)
