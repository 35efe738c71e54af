"""The provider's records: objects as it shows them, kept answers, events to deliver."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

SCHEMA = """
select pg_advisory_xact_lock(734113);
create schema if not exists sandbox;
create table if not exists sandbox.objects (
    id text primary key, kind text not null, made bigserial, data jsonb not null);
create index if not exists objects_kind on sandbox.objects (kind, made desc);
create index if not exists objects_data on sandbox.objects using gin (data jsonb_path_ops);
create table if not exists sandbox.answers (
    key text primary key, fingerprint text not null, status int, body text, at timestamptz not null default now());
create table if not exists sandbox.deliveries (
    id text primary key, made bigserial, event jsonb not null, tries int not null default 0,
    next_try timestamptz not null default now(), delivered_at timestamptz);
"""


class Store:
    """Objects by id, inside one transaction a request."""

    def __init__(self, dsn: str, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._pool = ConnectionPool(dsn, min_size=0, max_size=6, open=True, kwargs={"row_factory": dict_row})
        self._ready = False

    @contextmanager
    def transaction(self) -> Iterator[Books]:
        """One transaction; leaving by an exception rolls back."""
        with self._pool.connection() as connection:
            if not self._ready:
                connection.execute(SCHEMA)
                connection.commit()
                self._ready = True
            yield Books(connection, self.clock())

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()


class Books:
    """What one request sees and changes."""

    def __init__(self, connection: psycopg.Connection[Any], now: datetime) -> None:
        self.connection = connection
        self.now = now

    @property
    def unix(self) -> int:
        """The platform's time in whole seconds."""
        return int(self.now.timestamp())

    def get(self, kind: str, object_id: str) -> dict[str, Any] | None:
        """The object, locked until the transaction ends."""
        row = self.connection.execute(
            "select data from sandbox.objects where id = %s and kind = %s for update",
            (object_id, kind),
        ).fetchone()
        return row["data"] if row else None

    def put(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """Keep the object as it is now."""
        self.connection.execute(
            "insert into sandbox.objects (id, kind, data) values (%s, %s, %s)"
            " on conflict (id) do update set data = excluded.data",
            (data["id"], kind, Jsonb(data)),
        )
        return data

    def find(self, kind: str, **equal: Any) -> list[dict[str, Any]]:
        """Objects of a kind whose top-level values are these, newest first."""
        rows = self.connection.execute(
            "select data from sandbox.objects where kind = %s and data @> %s order by made desc limit 1000",
            (kind, Jsonb({name: value for name, value in equal.items() if value is not None})),
        ).fetchall()
        return [row["data"] for row in rows]

    def announce(self, kind: str, about: dict[str, Any]) -> None:
        """An event, delivered after the commit."""
        event = {
            "id": new_id("evt"), "object": "event", "api_version": "2026-10-28.endive", "created": self.unix,
            "type": kind, "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
            "data": {"object": {name: value for name, value in about.items() if not name.startswith("_")}},
        }  # fmt: skip
        self.put("event", event)
        self.connection.execute(
            "insert into sandbox.deliveries (id, event) values (%s, %s)", (event["id"], Jsonb(event))
        )


def new_id(prefix: str) -> str:
    """An identifier of Stripe's shape."""
    return f"{prefix}_{secrets.token_hex(12)}"
