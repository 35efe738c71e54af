"""What runs in the processes that are killed: the real services over the real adapter, and a fuse that the
test lays around them. Nothing in the product knows of it."""

from __future__ import annotations

import http.client
import itertools
import os
import select
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace import create_app
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.house import House
from marketplace.jobs import tasks
from marketplace.services.payments import carrying
from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, connect
from marketplace.storage.payments import ProviderCall
from marketplace.storage.platform_payouts import PlatformPayout
from tests.clock import FakeClock
from tests.factories import Made
from tests.fire import flawed
from tests.fire.walkers import EVENT, PAY_OUT, WALKERS, carry_all
from tests.services.provider import HOOK, SECRET

# In the order in which a deed passes them: intent, call, outcome.
POINTS = ("intent", "call", "unread", "answered", "outcome", "ended")
# Of a call that asks twice: the second answer lies there.
SECOND = "unread again"
# What is left to do where the process ends there by itself: the point was never reached.
UNREACHED = 77


@dataclass(frozen=True)
class Order:
    """What a child is told to do. `point` None: nothing kills it."""

    database_url: str
    api: str
    now: datetime
    walker: str = ""
    made: Made | None = None
    point: str | None = None
    build: str = "right"


def deed(order: Order) -> None:
    """The walker's deed and the jobs that follow, until the fuse goes off."""
    db, gateway = _house(order)
    walker = WALKERS[order.walker]
    assert order.made is not None
    if order.point is not None:
        gateway = Fuse(walker.kind, order.point).lay(db, gateway)
    walker.act(db, gateway, order.made)
    carry_all(db, gateway, order.made.id)
    if order.point is not None:
        os._exit(UNREACHED)


def sweeps(order: Order, times: Sequence[datetime]) -> None:
    """The clockwork's passes at these times, as the worker runs them; with a point, until the fuse goes off."""
    db, _gateway = _house(order)
    house = create_app(settings_of(order), clock=db.clock, database=db).extensions["declic"]
    if order.point is not None:
        watched = Fuse(WALKERS[order.walker].kind, order.point).lay(db, house.payments)
        house = replace(house, payments=watched)
    for now in times:
        db.clock.move_to(now)  # type: ignore[attr-defined]
        clockwork(house)
    if order.point is not None:
        os._exit(UNREACHED)


def clockwork(house: House) -> None:
    """Every pass of the schedule once, but what reads calendars and encodes offers."""
    for name, (_cron, act) in tasks.PERIODIC.items():
        if name not in ("calendars.read", "search.catch_up"):
            act(house)


def _house(order: Order) -> tuple[Database, Any]:
    flawed.install(order.build)
    db = Database(connect(order.database_url, pool_size=2), clock=FakeClock(order.now), reactions=REACTIONS)
    return db, StripePayments(SECRET, [HOOK], api_base=order.api)


def settings_of(order: Order) -> Any:
    import config

    return config.load(
        {
            "ENV": "demo", "DATABASE_URL": order.database_url, "PAYMENTS": "stripe", "STRIPE_SECRET_KEY": SECRET,
            "STRIPE_WEBHOOK_SECRETS": HOOK, "STRIPE_API_BASE": order.api, "SECRET_KEY": "kT9wq2Lr7VbX0sYpNfGhJdUeAzCmRi5o",
            "LOAD_DEMO": "0",
        }
    )  # fmt: skip


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit("unreachable")


class Fuse:
    """Ends the process by SIGKILL when a deed passes one point of one kind of call."""

    def __init__(self, kind: str, point: str) -> None:
        self.kind, self.point = kind, point
        self.wrote = self.over = False

    def lay(self, db: Database, gateway: Any) -> Any:
        """Watch the records' sessions, the gateway and the wire."""
        sa.event.listen(Session, "after_flush", self._flushed)
        sa.event.listen(Session, "after_commit", self._committed)
        sa.event.listen(db.engine, "commit", self._committing)
        if self.kind == EVENT:
            sa.event.listen(db.engine, "after_cursor_execute", self._executed)
        return _Watched(gateway, method_of(self.kind), self)

    def around(self, ask: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if self.point == "call":
            _die()
        if self.point in ("unread", SECOND):
            _leave_unread(1 if self.point == "unread" else 2)
        try:
            return ask(*given, **named)
        finally:
            if self.point == "answered":  # A refusal is an answer too.
                _die()

    def _flushed(self, session: Session, context: Any) -> None:
        self.wrote = self.wrote or any(self._mine(row) and not self._is_over(row) for row in session.new)
        self.over = self.over or any(self._mine(row) and self._is_over(row) for row in session.dirty)

    def _mine(self, row: object) -> bool:
        if isinstance(row, PlatformPayout):
            return self.kind == PAY_OUT
        return isinstance(row, ProviderCall) and row.kind == self.kind

    @staticmethod
    def _is_over(row: Any) -> bool:
        return row.state in (*carrying.OVER, "under_way")

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        """The inbox is written by statements, not by objects."""
        self.wrote = self.wrote or statement.startswith("INSERT INTO inbox")
        self.over = self.over or statement.startswith("UPDATE inbox")

    def _committing(self, connection: Any) -> None:
        if self.point == "outcome" and self.over:
            _die()

    def _committed(self, session: Session) -> None:
        if (self.point == "intent" and self.wrote) or (self.point == "ended" and self.over):
            _die()


def method_of(kind: str) -> str:
    """The gateway's method that this kind of call asks."""
    if kind in (EVENT, PAY_OUT):
        return {EVENT: "payment", PAY_OUT: "pay_out"}[kind]
    return carrying._CALLS[kind](_Names())  # type: ignore[arg-type,return-value]


class _Names:
    """Tells the name of what is asked of it."""

    def __getattr__(self, name: str) -> str:
        return name


class _Watched:
    """The gateway, with one method watched."""

    def __init__(self, gateway: Any, method: str, fuse: Fuse) -> None:
        self._gateway, self._method, self._fuse = gateway, method, fuse

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._gateway, name)
        if name != self._method:
            return asked
        return lambda *given, **named: self._fuse.around(asked, *given, **named)


def _leave_unread(number: int) -> None:
    """The provider has done it and answered; that answer, the first or the second, nobody reads any more."""
    read, seen = http.client.HTTPConnection.getresponse, itertools.count(1)

    def getresponse(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        if next(seen) < number:
            return read(connection)
        select.select([connection.sock], [], [], 20)
        _die()

    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
