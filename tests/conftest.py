"""What every test stands on: a real PostgreSQL, a still clock, and an outer transaction rolled back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from filelock import FileLock

from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, connect
from tests import database as databases
from tests.clock import FakeClock


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(server address, name of the migrated template). Shared by all workers of a run: the first makes it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    shared = tmp_path_factory.getbasetemp().parent if worker else tmp_path_factory.getbasetemp()
    note = shared / "server.json"
    count = shared / "users"
    server: Any = None
    with FileLock(str(note) + ".lock"):
        if note.exists():
            url, name = json.loads(note.read_text())
        else:
            url, server = databases.start_server()
            name = f"template_{os.getpid()}"
            databases.run_on_server(url, f"drop database if exists {name} with (force)")
            databases.run_on_server(url, f"create database {name}")
            databases.migrate(databases.address(url, name))
            note.write_text(json.dumps([url, name]))
        count.write_text(str(int(count.read_text() if count.exists() else 0) + 1))
    yield url, name
    _leave(note, count, server, url, name)


def _leave(note: Any, count: Any, server: Any, url: str, name: str) -> None:
    with FileLock(str(note) + ".lock"):
        left = int(count.read_text()) - 1
        count.write_text(str(left))
        if left == 0:
            note.unlink()  # A worker that comes to its first such test only now makes its own.
    if server is None:
        if left == 0 and os.environ.get("TEST_DATABASE_URL"):
            databases.run_on_server(url, f"drop database if exists {name} with (force)")
        return
    # The worker that started the server waits for the others, then stops it.
    import time

    for _ in range(6000):
        if int(count.read_text() or 0) <= 0:
            break
        time.sleep(0.05)
    server.stop()


@pytest.fixture(scope="session")
def engine(template: tuple[str, str]) -> Iterator[sa.Engine]:
    """This worker's own database."""
    url, name = template
    with databases.own_database(url, name) as own:
        made = connect(own)
        yield made
        made.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def db(engine: sa.Engine, clock: FakeClock) -> Iterator[Database]:
    """A database object inside one outer transaction; all it does is rolled back after the test."""
    with engine.connect() as connection:
        outer = connection.begin()
        joined = Database(engine, clock=clock, reactions=REACTIONS)
        joined.engine = connection
        joined.join_outer = True
        yield joined
        outer.rollback()


@pytest.fixture
def own_url(template: tuple[str, str]) -> Iterator[str]:
    """The address of a fresh migrated database: for races, jobs and browsers, which need real commits."""
    url, name = template
    with databases.own_database(url, name) as own:
        yield own


@pytest.fixture
def count_queries(db: Database) -> Any:
    """`with count_queries() as counted: …; counted.number`: statements sent meanwhile."""
    from tests.queries import counting

    return lambda: counting(db.engine)
