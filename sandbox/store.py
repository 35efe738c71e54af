"""The provider's records: objects as it shows them, kept answers, events to deliver."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

SCHEMA = (Path(__file__).parent / "schema.sql").read_text("utf-8")
# The newest thing of the schema: where it is, nothing has to be made.
NEWEST = "select to_regclass('sandbox.settings') is not null as there"
SCHEMA_LOCK, BOOKS_LOCK = 734113, 734114

API_VERSION = "2026-10-28.endive"
CHANNEL = "sandbox_deliveries"


class Store:
    """Objects by id, inside one transaction a request."""

    def __init__(self, dsn: str, clock: Callable[[], datetime]) -> None:
        self.dsn = dsn
        self.clock = clock
        self._pool = ConnectionPool(dsn, min_size=0, max_size=6, open=True, kwargs={"row_factory": dict_row})
        self._ready = False

    @contextmanager
    def transaction(self, *, alone: bool = True) -> Iterator[Books]:
        """One transaction; leaving by an exception rolls back. `alone`: nobody else's books are open."""
        with self._pool.connection() as connection:
            if not self._ready:
                self._make_ready(connection)
            books = Books(connection, self.clock())
            if alone:
                books.alone()
            yield books

    def _make_ready(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("select pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        row = connection.execute(NEWEST).fetchone()
        if row is None or not row["there"]:
            connection.execute(SCHEMA)  # type: ignore[call-overload]
        connection.commit()
        self._ready = True

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()


class Books:
    """What one request sees and changes."""

    def __init__(self, connection: psycopg.Connection[Any], now: datetime) -> None:
        self.connection = connection
        self.now = now
        # Which request this is, for the events it causes.
        self.request: dict[str, str | None] = {"id": None, "idempotency_key": None}
        self.announced: list[str] = []

    def alone(self) -> None:
        """One at a time changes the books: two transfers never spend one cent, and no two wait for each other."""
        self.connection.execute("select pg_advisory_xact_lock(%s)", (BOOKS_LOCK,))

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

    def page(
        self, kind: str, equal: dict[str, Any], limit: int, after: str | None, before: str | None,
        created: dict[str, int],
    ) -> tuple[list[dict[str, Any]], bool]:  # fmt: skip
        """A page, newest first, and whether more follow in the asked direction."""
        rows = self.connection.execute(
            "select data from sandbox.objects o where kind = %(kind)s and data @> %(equal)s"
            " and (%(after)s::text is null or made < (select made from sandbox.objects where id = %(after)s))"
            " and (%(before)s::text is null or made > (select made from sandbox.objects where id = %(before)s))"
            " and (%(gte)s::bigint is null or (data->>'created')::bigint >= %(gte)s)"
            " and (%(lte)s::bigint is null or (data->>'created')::bigint <= %(lte)s)"
            " order by case when %(before)s::text is null then -made else made end limit %(limit)s",
            {
                "kind": kind,
                "equal": Jsonb(equal),
                "after": after,
                "before": before,
                "gte": created.get("gte"),
                "lte": created.get("lte"),
                "limit": limit + 1,
            },  # fmt: skip
        ).fetchall()
        found = [row["data"] for row in rows[:limit]]
        return (found[::-1] if before else found), len(rows) > limit

    def setting(self, name: str, default: str) -> str:
        """A setting of the provider's Dashboard."""
        row = self.connection.execute(
            "select value from sandbox.settings where name = %s", (name,)
        ).fetchone()
        return row["value"] if row else default

    def set(self, name: str, value: str) -> None:
        """Change a setting."""
        self.connection.execute(
            "insert into sandbox.settings values (%s, %s) on conflict (name) do update set value = excluded.value",
            (name, value),
        )

    def announce(self, kind: str, about: dict[str, Any]) -> None:
        """An event that shows the object as it is now, delivered after the commit."""
        self._announced(
            {
                "id": new_id("evt"), "object": "event", "api_version": API_VERSION, "created": self.unix,
                "type": kind, "livemode": False, "pending_webhooks": 1, "request": dict(self.request),
                "data": {"object": public(about)},
            }
        )  # fmt: skip

    def announce_thin(self, kind: str, about_kind: str, about_id: str) -> None:
        """An event of the second generation: it says of what, never what."""
        self._announced(
            {
                "id": new_id("evt"), "object": "v2.core.event", "type": kind, "created": iso(self.now),
                "livemode": False, "context": None, "reason": None,
                "related_object": {"id": about_id, "type": about_kind, "url": f"/v2/core/accounts/{about_id}"},
            }
        )  # fmt: skip

    def _announced(self, event: dict[str, Any]) -> None:
        if event["object"] == "event":
            self.put("event", event)
        self.announced.append(event["id"])
        self.connection.execute(
            "insert into sandbox.deliveries (id, event) values (%s, %s)", (event["id"], Jsonb(event))
        )
        self.connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def public(thing: dict[str, Any]) -> dict[str, Any]:
    """The object without what is the provider's alone."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def iso(at: datetime) -> str:
    """A time of the second generation: RFC 3339 in milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def new_id(prefix: str) -> str:
    """An identifier of Stripe's shape."""
    return f"{prefix}_{secrets.token_hex(12)}"
