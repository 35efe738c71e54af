"""The provider's records: objects as it shows them, kept answers, events to deliver, the fault dial.

One change at a time: a lock of the whole sandbox is held by whoever changes anything. A provider for
a demo need not be fast; it must never spend one cent twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from . import faults

# `due`: when time alone changes the object (platform's unix seconds), null where it never does.
# `net` and `available_on` are read out of balance transactions, so that the balance is one index scan.
SCHEMA = """
create schema if not exists sandbox;
create table if not exists sandbox.objects (
    id text primary key, kind text not null, made bigserial, data jsonb not null);
alter table sandbox.objects add column if not exists due bigint;
alter table sandbox.objects add column if not exists net bigint generated always as (
    case when kind = 'balance_transaction' then (data->>'net')::bigint end) stored;
alter table sandbox.objects add column if not exists available_on bigint generated always as (
    case when kind = 'balance_transaction' then (data->>'available_on')::bigint end) stored;
create index if not exists objects_kind on sandbox.objects (kind, made desc);
create index if not exists objects_data on sandbox.objects using gin (data jsonb_path_ops);
create index if not exists objects_due on sandbox.objects (due, made)
    where due is not null and kind <> 'balance_transaction';
create index if not exists objects_settling on sandbox.objects (due)
    where due is not null and kind = 'balance_transaction';
create index if not exists objects_balance on sandbox.objects (available_on) include (net) where net is not null;
create table if not exists sandbox.answers (
    key text primary key, fingerprint text not null, status int, body text, at timestamptz not null default now());
create index if not exists answers_at on sandbox.answers (at);
create table if not exists sandbox.deliveries (
    id text primary key, made bigserial, event jsonb not null, tries int not null default 0,
    next_try timestamptz not null default now(), delivered_at timestamptz);
alter table sandbox.deliveries add column if not exists event_id text;
alter table sandbox.deliveries add column if not exists endpoint text;
create index if not exists deliveries_waiting on sandbox.deliveries (next_try, made) where delivered_at is null;
create index if not exists deliveries_event on sandbox.deliveries (event_id);
create table if not exists sandbox.dial (id int primary key check (id = 1), faults jsonb not null);
"""
# Said on the schema itself, so that it is made or changed once and not at each start.
VERSION = sha256(SCHEMA.encode()).hexdigest()[:16]
TABLES = ("objects", "answers", "deliveries", "dial")
ONE_AT_A_TIME = 734114


@dataclass(frozen=True)
class Endpoint:
    """Where events are posted. Two secrets: one is being replaced, and both sign meanwhile.

    `thin`: the second generation's events, which only say what to fetch.
    """

    name: str
    url: str
    secrets: tuple[str, ...]
    thin: bool = False


class Store:
    """Objects by id, inside one transaction a request."""

    def __init__(
        self,
        dsn: str,
        clock: Callable[[], datetime],
        endpoints: Iterable[Endpoint] = (Endpoint("-", "", ()),),
    ) -> None:
        self.clock = clock
        self.endpoints = tuple(endpoints)
        self._pool = ConnectionPool(dsn, min_size=0, max_size=6, open=True, kwargs={"row_factory": dict_row})
        self._ready = False

    @contextmanager
    def transaction(self) -> Iterator[Books]:
        """One transaction, alone with the books; leaving by an exception rolls back."""
        with self.beside() as books:
            books.alone()
            yield books

    @contextmanager
    def beside(self) -> Iterator[Books]:
        """One transaction beside others: for what touches no object, or takes its place in line later."""
        with self._pool.connection() as connection:
            if not self._ready:
                _make(connection)
                self._ready = True
            yield Books(connection, self.clock(), self.endpoints)

    def forget(self) -> None:
        """Empty books."""
        with self.transaction() as books:
            for table in TABLES:
                books.connection.execute(sql.SQL("delete from sandbox.{}").format(sql.Identifier(table)))

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()


def _make(connection: psycopg.Connection[Any]) -> None:
    """The tables as this version knows them; one at a time, whoever comes first."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(734113)")
        row = connection.execute(
            "select obj_description(oid, 'pg_namespace') as version from pg_namespace where nspname = 'sandbox'"
        ).fetchone()
        if row is None or row["version"] != VERSION:
            connection.execute(SCHEMA)
            connection.execute(sql.SQL("comment on schema sandbox is {}").format(VERSION))


@dataclass(frozen=True)
class Page:
    """One page of a list: after (or before) an object, newest first."""

    limit: int = 10
    after: str | None = None
    before: str | None = None


class Books:
    """What one request sees and changes."""

    def __init__(
        self, connection: psycopg.Connection[Any], now: datetime, endpoints: tuple[Endpoint, ...]
    ) -> None:
        self.connection = connection
        self.now = now
        self.endpoints = endpoints
        self.request: dict[str, str | None] = {"id": None, "idempotency_key": None}

    @property
    def unix(self) -> int:
        """The platform's time in whole seconds."""
        return int(self.now.timestamp())

    def alone(self) -> None:
        """Wait until nobody else changes anything; until the transaction's end nobody does."""
        self.connection.execute("select pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))

    @contextmanager
    def at(self, unix: int) -> Iterator[None]:
        """What is done within is done at that time: things happen when they are due, though seen later."""
        kept, self.now = self.now, datetime.fromtimestamp(unix, UTC)
        try:
            yield
        finally:
            self.now = kept

    def get(self, kind: str, object_id: str | None) -> dict[str, Any] | None:
        """The object as it is now."""
        row = self.connection.execute(
            "select data from sandbox.objects where id = %s and kind = %s", (object_id, kind)
        ).fetchone()
        return row["data"] if row else None

    def must(self, kind: str, object_id: str | None) -> dict[str, Any]:
        """The object that another one names."""
        found = self.get(kind, object_id)
        if found is None:
            raise LookupError(f"{kind} {object_id}")
        return found

    def put(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """Keep the object as it is now; `_due` says when time acts on it."""
        self.connection.execute(
            "insert into sandbox.objects (id, kind, data, due) values (%s, %s, %s, %s)"
            " on conflict (id) do update set data = excluded.data, due = excluded.due",
            (data["id"], kind, Jsonb(data), data.get("_due")),
        )
        return data

    def find(self, kind: str, **equal: Any) -> list[dict[str, Any]]:
        """Objects of a kind whose top-level values are these, newest first; all of them."""
        return self.page(kind, equal, limit=None)

    def page(
        self,
        kind: str,
        equal: dict[str, Any],
        *,
        between: Iterable[tuple[str, str, int]] = (),
        among: tuple[str, list[str]] | None = None,
        page: Page = Page(),
        limit: int | None = 10,
    ) -> list[dict[str, Any]]:
        """A part of a list, newest first. `between`: name, one of gt gte lt lte, number; `among`: name, words."""
        where = [sql.SQL("kind = %s and data @> %s")]
        values: list[Any] = [
            kind,
            Jsonb({name: value for name, value in equal.items() if value is not None}),
        ]
        for name, how, number in between:
            sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[how]
            where.append(sql.SQL(f"(data->>%s)::bigint {sign} %s"))
            values += [name, number]
        if among is not None:
            where.append(sql.SQL("data->>%s = any(%s)"))
            values += among
        for object_id, sign in ((page.after, "<"), (page.before, ">")):
            if object_id is not None:
                where.append(sql.SQL(f"made {sign} (select made from sandbox.objects where id = %s)"))  # noqa: S608
                values.append(object_id)
        order = "made asc" if page.before is not None else "made desc"
        query = sql.SQL("select data from sandbox.objects where {} order by {} limit %s").format(
            sql.SQL(" and ").join(where), sql.SQL(order)
        )
        rows = [row["data"] for row in self.connection.execute(query, [*values, limit]).fetchall()]
        return rows[::-1] if page.before is not None else rows

    def announce(self, kind: str, about: dict[str, Any], before: dict[str, Any] | None = None) -> None:
        """An event, delivered after the commit. `before`: what stood there, where Stripe says so."""
        event = {
            "id": new_id("evt"), "object": "event", "api_version": "2026-10-28.endive", "created": self.unix,
            "type": kind, "livemode": False, "pending_webhooks": len([one for one in self.endpoints if not one.thin]), "request": dict(self.request),
            "data": {"object": bare(about), **({"previous_attributes": before} if before else {})},
        }  # fmt: skip
        self.put("event", event)
        self.post(event, thin=False)

    def announce_thin(self, kind: str, about: dict[str, Any]) -> None:
        """A thin event: what it is about, to be fetched."""
        event = {
            "id": new_id("evt"), "object": "v2.core.event", "type": kind, "livemode": False,
            "created": iso(self.now), "context": None, "reason": None,
            "related_object": {"id": about["id"], "type": about["object"], "url": f"/v2/core/accounts/{about['id']}"},
        }  # fmt: skip
        self.put("v2.core.event", event)
        self.post(event, thin=True)

    def post(self, event: dict[str, Any], *, thin: bool) -> None:
        """Have it delivered to each endpoint of its kind; the dial may have something against it."""
        for endpoint in self.endpoints:
            if endpoint.thin is thin:
                self._deliver(event, endpoint.name)

    def _deliver(self, event: dict[str, Any], endpoint: str) -> None:
        struck = faults.strikes(self.connection, *faults.EVENTS)
        name, seconds = (struck[0], struck[1].seconds) if struck else ("", 0)
        if name == "drop":
            return
        behind = 3 if name == "reorder" else 0
        for _ in range(2 if name == "duplicate" else 1):
            self.connection.execute(
                "insert into sandbox.deliveries (id, event, event_id, endpoint, next_try, made) values"
                " (%s, %s, %s, %s, now() + make_interval(secs => %s),"
                " nextval(pg_get_serial_sequence('sandbox.deliveries', 'made')) + %s)",
                (new_id("del"), Jsonb(event), event["id"], endpoint, seconds, behind),
            )


def bare(thing: dict[str, Any]) -> dict[str, Any]:
    """Without what is the provider's own."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def new_id(prefix: str) -> str:
    """An identifier of Stripe's shape."""
    return f"{prefix}_{secrets.token_hex(12)}"


def iso(at: datetime) -> str:
    """A time as v2 writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
