"""One server a run, one migrated template database, one copy of it for whoever needs their own."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig

ROOT = Path(__file__).resolve().parent.parent


def start_server() -> tuple[str, object | None]:
    """The address of a server: TEST_DATABASE_URL, else an embedded one made for this run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given, None
    from marketplace.storage import embedded

    server = embedded.start(Path(tempfile.mkdtemp(prefix="declic-tests-")), durable=False)
    return server.url, server


def migrate(url: str, to: str = "head") -> None:
    """Bring a database to a revision, up or down, by the project's own migrations."""
    settings = AlembicConfig(str(ROOT / "alembic.ini"))
    settings.set_main_option("script_location", str(ROOT / "migrations"))
    settings.attributes["url"] = url
    if to == "base":
        command.downgrade(settings, "base")
    else:
        command.upgrade(settings, to)


def run_on_server(server_url: str, statement: str) -> None:
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def address(server_url: str, name: str) -> str:
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def own_database(server_url: str, template: str | None) -> Iterator[str]:
    """A database of one's own, copied from the template, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    run_on_server(server_url, f"create database {name}" + (f" template {template}" if template else ""))
    try:
        yield address(server_url, name)
    finally:
        run_on_server(server_url, f"drop database if exists {name} with (force)")
