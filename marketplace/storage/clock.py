"""The platform's clock: real time, plus in demo and test mode an offset row.

Web, worker and sandbox read the same row, so they move together. Log-ins, CSRF, webhook
signatures and the job queue keep real time (docs/architecture.md, rule 7).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, inspect, text

_OFFSET = text("select offset_seconds from clock where id = 1")
# Adding to what is there is one statement, so two clicks at once both count.
_MOVE = text(
    "insert into clock (id, offset_seconds) values (1, :seconds) on conflict (id)"
    " do update set offset_seconds = clock.offset_seconds + excluded.offset_seconds"
)


def real_now() -> datetime:
    """The system's time, aware UTC."""
    return datetime.now(UTC)


class MovedClock(RuntimeError):
    """A demo's database: its time has been moved, so its deadlines mean nothing in production."""


def refuse_moved_clock(engine: Engine) -> None:
    """Raise MovedClock where the offset row is not zero. A database without tables has none."""
    if not inspect(engine).has_table("clock"):
        return
    offset = OffsetClock(engine).offset()
    if offset:
        raise MovedClock(f"this database's demo clock stands {offset} ahead: production does not start on it")


class OffsetClock:
    """Real time plus the offset row, read at each call: demo mode alone pays for that."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self) -> datetime:
        return real_now() + self.offset()

    def offset(self) -> timedelta:
        """How far the clock stands ahead of real time."""
        with self._engine.connect() as connection:
            return timedelta(seconds=connection.execute(_OFFSET).scalar() or 0)

    def move(self, by: timedelta) -> None:
        """By whole seconds, rounded up. Back only for playing the demo's past, before anything was made."""
        seconds = -(-by // timedelta(seconds=1))
        if seconds:
            with self._engine.begin() as connection:
                connection.execute(_MOVE, {"seconds": seconds})
