"""The one way to the records: `reading()` for guests, `transaction()` for use-cases.

`transaction()` is the only commit in the tree (docs/architecture.md, rule 2). It yields `Tx`:
the session, and `announce(event)`, through which a room tells the rooms to its right. WITHIN
reactions run before the commit; AFTER reactions are jobs deferred on this very connection, so
they exist if and only if the transaction does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from ..domain.pricing import DEFAULT_FEES, FeeRates

# One deep on a thread or task: a use-case never calls another use-case.
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


Job = tuple[str, Mapping[str, Any]]


class Queue(Protocol):
    """Defers jobs, by name with arguments, on a connection of ours; they commit and roll back with it."""

    def defer(self, connection: Any, jobs: Sequence[Job]) -> None: ...


class Reactions(Protocol):
    """What follows from what; `services/reactions.py` holds the tables."""

    @property
    def within(self) -> Mapping[type, Sequence[Callable[..., None]]]: ...

    @property
    def after(self) -> Mapping[type, Sequence[str]]: ...


class Tx:
    """An open transaction. `session` reads and writes; `now` is the platform's clock at its start.

    `fees` are what the settings say we take, from which day on.
    """

    def __init__(self, database: Database, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now
        self.fees = database.fees
        self._database = database
        self._depth = 0
        self._jobs: list[Job] = []

    def announce(self, event: Any) -> None:
        """Tell the rooms to the right: run WITHIN reactions now, defer AFTER jobs."""
        if self._depth > 1:
            raise RuntimeError("a reaction announces at most one level further")
        reactions = self._database.reactions
        if reactions is None:
            return
        self._depth += 1
        try:
            for react in reactions.within.get(type(event), ()):
                react(self, event)
        finally:
            self._depth -= 1
        for job in reactions.after.get(type(event), ()):
            self.defer(job, **event.as_arguments())

    def defer(self, job: str, **arguments: Any) -> None:
        """A job that exists only if this transaction commits."""
        self._jobs.append((job, arguments))

    def send_jobs(self) -> None:
        """Put what was deferred on the connection, all of it at once; the last thing before the commit."""
        if self._jobs and self._database.queue is not None:
            self._database.queue.defer(self.session.connection().connection.driver_connection, self._jobs)

    def lock(self, statement: Any, /, **values: Any) -> None:
        """Take row locks by a SELECT … FOR UPDATE. All locks of a use-case come first, in the house's order."""
        self.session.execute(statement, values)


class Database:
    """Engine, clock, reactions, queue and fees, wired once in `create_app` (rule 10)."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime],
        reactions: Reactions | None = None,
        queue: Queue | None = None,
        fees: Sequence[FeeRates] = DEFAULT_FEES,
    ) -> None:
        self.engine: Engine | Connection = engine
        self.clock = clock
        self.reactions = reactions
        self.queue = queue
        self.fees = fees
        # Tests bind everything to one outer connection; see tests/conftest.py.
        self.join_outer = False

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that is never committed, for showing things."""
        session = self._session()
        try:
            yield session
        finally:
            session.expunge_all()  # What was read stays readable; a rollback would empty it.
            session.close()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """The one commit. Leaving by an exception rolls everything back; nesting raises."""
        if _inside.get():
            raise RuntimeError("a use-case is already open: parts take its tx")
        token = _inside.set(True)
        session = self._session()
        try:
            tx = Tx(self, session, self.clock())
            yield tx
            tx.send_jobs()
            if self.join_outer:
                self._prove_deferred(session)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()
            _inside.reset(token)

    def _session(self) -> Session:
        mode: Any = "create_savepoint" if self.join_outer else "conditional_savepoint"
        return Session(self.engine, expire_on_commit=False, join_transaction_mode=mode)

    @staticmethod
    def _prove_deferred(session: Session) -> None:
        # Inside a test's outer transaction a deferred trigger would never fire; fire it here.
        session.flush()
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def connect(url: str, *, pool_size: int = 12) -> Engine:
    """An engine for PostgreSQL through psycopg 3, with time-outs so that no request waits for ever.

    READ COMMITTED (PostgreSQL's default) on purpose: the rules are kept by constraints and row
    locks, and a stronger level would only add serialisation failures to retry.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=24,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={
            "connect_timeout": 5,
            "options": "-c lock_timeout=8s -c statement_timeout=20s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    )
