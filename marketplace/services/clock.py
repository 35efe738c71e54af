"""Moving the demo clock: from deadline to deadline, so that every row has the time it would have had."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from ..storage.bookings import Booking
from ..storage.db import Database
from ..storage.enquiries import Enquiry
from ..storage.payouts import Transfer
from ..storage.questions import Question
from . import enquiries, questions
from .bookings import run_clock
from .payments import PaymentsDoor, sweep
from .payouts import run_due_transfers

MOST_STEPS = 500


class MovableClock(Protocol):
    """The clock of demo and test mode."""

    def __call__(self) -> datetime: ...
    def move(self, by: timedelta) -> None: ...


def move_clock(db: Database, gateway: PaymentsDoor, clock: MovableClock, *, by: timedelta) -> datetime:
    """Move ahead by `by`, never back, running at each due instant what falls due there; the new now."""
    if by < timedelta(0):
        raise ValueError("the clock never goes back")
    target = clock() + by
    for _ in range(MOST_STEPS):
        due = _next_due(db, target)
        if due is None:
            break
        clock.move(max(due - clock(), timedelta(0)))
        run_everything_due(db, gateway)
    clock.move(max(target - clock(), timedelta(0)))
    run_everything_due(db, gateway)
    return clock()


def run_everything_due(db: Database, gateway: PaymentsDoor) -> None:
    """One pass of all sweeps, and again while a pass still moved something (twenty at most)."""
    for _ in range(20):
        moved = run_clock(db, gateway)
        sweep(db, gateway)
        moved += run_due_transfers(db, gateway)
        moved += questions.run_clock(db) + enquiries.run_clock(db)
        if not moved:
            return


def _next_due(db: Database, target: datetime) -> datetime | None:
    """The earliest instant still ahead at which something falls due, up to the target."""
    now = db.clock()
    with db.reading() as session:
        found = [
            session.scalar(sa.select(sa.func.min(column)).where(column > now, column <= target, *only))
            for column, only in (
                (Booking.deadline, ()),
                (Transfer.due_at, (Transfer.state == "due",)),
                (Question.deadline, ()),
                (Enquiry.deadline, ()),
            )
        ]
    known = [instant for instant in found if instant is not None]
    return min(known, default=None)
