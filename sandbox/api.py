"""The API on its loopback port: Stripe's paths, form-encoded v1 and JSON v2, idempotency as Stripe keeps it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterable
from typing import Any

import psycopg
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from . import parameters
from .books import Wrong, invalid
from .operations import ROUTES, Handler
from .store import Books, Store

log = logging.getLogger(__name__)


class Api:
    """A WSGI application."""

    def __init__(self, store: Store, secret_key: str, public_base: str) -> None:
        self.store = store
        self._secret = secret_key
        self.public_base = public_base

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = 256 * 1024
        try:
            status, body = self._answer(request)
        except Wrong as wrong:
            status, body = wrong.status, json.dumps({"error": wrong.error})
        except RequestEntityTooLarge:
            status, body = (
                413,
                json.dumps({"error": {"type": "invalid_request_error", "message": "Too large."}}),
            )
        except Exception:
            log.exception("%s %s", request.method, request.path)
            status, body = (
                500,
                json.dumps({"error": {"type": "api_error", "message": "An error of the sandbox."}}),
            )
        return Response(body, status, mimetype="application/json")(environ, start_response)

    def _answer(self, request: Request) -> tuple[int, str]:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise invalid("Invalid API Key provided.", status=401)
        name, handler, path = _route(request.method, request.path)
        asked = parameters.read(request)
        parameters.check(name, asked)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            with self.store.transaction() as books:
                return 200, json.dumps(handler(self.public_base, books, asked, path))
        return self._once(key, f"{name} {path} {json.dumps(asked, sort_keys=True)}", handler, asked, path)

    def _once(
        self, key: str, what: str, handler: Handler, asked: dict[str, Any], path: dict[str, str]
    ) -> tuple[int, str]:
        """The first answer under a key is kept for a day, declines too; refused parameters are not."""
        fingerprint = hashlib.sha256(what.encode()).hexdigest()
        with self.store.transaction() as books:
            books.connection.execute("delete from sandbox.answers where at < now() - interval '24 hours'")
            try:
                with books.connection.transaction():
                    books.connection.execute("set local lock_timeout = '100ms'")
                    row = books.connection.execute(
                        "insert into sandbox.answers (key, fingerprint) values (%s, %s)"
                        " on conflict (key) do update set key = excluded.key returning fingerprint, status, body",
                        (key, fingerprint),
                    ).fetchone()
            except psycopg.errors.LockNotAvailable:
                raise Wrong(
                    409,
                    "idempotency_error",
                    "idempotency_key_in_use",
                    "A request with this key is under way.",
                ) from None
            assert row is not None
            if row["fingerprint"] != fingerprint:
                raise Wrong(
                    400, "idempotency_error", None,
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                )  # fmt: skip
            if row["status"] is not None:
                return int(row["status"]), str(row["body"])
            status, body = _executed(handler, self.public_base, books, asked, path)
            books.connection.execute(
                "update sandbox.answers set status = %s, body = %s where key = %s", (status, body, key)
            )
            return status, body


def _executed(
    handler: Handler, public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> tuple[int, str]:
    """What was done, or the refusal that is kept in its place; then nothing was done."""
    try:
        with books.connection.transaction():
            return 200, json.dumps(handler(public_base, books, asked, path))
    except Wrong as wrong:
        if not wrong.kept:
            raise
        return wrong.status, json.dumps({"error": wrong.error})


_PATTERNS = tuple(
    (f"{method} {path}", method, re.compile(re.sub(r"\{\w+\}", r"(?P<id>[A-Za-z0-9_]{1,80})", path)), handler)
    for method, path, handler in ROUTES
)


def _route(method: str, path: str) -> tuple[str, Handler, dict[str, str]]:
    for name, verb, pattern, handler in _PATTERNS:
        found = pattern.fullmatch(path) if verb == method else None
        if found:
            return name, handler, found.groupdict()
    raise invalid(f"Unrecognized request URL ({method}: {path[:100]}).", status=404)
