"""The API on its loopback port: Stripe's paths, form-encoded v1 and JSON v2, idempotency as Stripe keeps it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from . import faults, parameters
from .clockwork import let_all_time_act
from .operations import ROUTES, Call, Handler
from .store import Books, Store, new_id
from .wrong import Wrong, invalid

log = logging.getLogger(__name__)
# A whole evidence of a dispute, 150 000 characters, url-encoded.
MOST_BYTES = 2 * 1024 * 1024
KEYS_KEPT = timedelta(hours=24)  # By the platform's clock, so that it can be moved past.


@dataclass(frozen=True)
class Asked:
    """A request that was understood: the operation, its values, the id in its path, its key."""

    name: str
    handler: Handler
    values: dict[str, Any]
    id: str
    key: str | None
    request_id: str
    # An expert's account, where the platform asks for one of theirs.
    account: str | None = None
    breaks: str = ""  # What the dial does to it, so that the key keeps it.

    @property
    def fingerprint(self) -> str:
        """The same for the same request."""
        what = f"{self.name} {self.id} {self.account or ''} {json.dumps(self.values, sort_keys=True)}"
        return hashlib.sha256(what.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: str
    replayed: bool = False


class Api:
    """A WSGI application."""

    def __init__(self, store: Store, secret_key: str, public_base: str) -> None:
        self.store = store
        self._secret = secret_key
        self.public_base = public_base

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MOST_BYTES
        request_id = new_id("req")
        try:
            answer = self._answer(request, request_id)
        except Wrong as wrong:
            answer = _refused(wrong)
        except RequestEntityTooLarge:
            answer = _refused(invalid("Too large.", status=413))
        except ConnectionAbortedError:
            _hang_up(environ)
            raise
        except Exception:
            log.exception("%s %s", request.method, request.path)
            answer = _refused(Wrong(500, "api_error", None, "An error of the sandbox."))
        headers = {"Request-Id": request_id}
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(answer.body, answer.status, headers, mimetype="application/json")(
            environ, start_response
        )

    def _answer(self, request: Request, request_id: str) -> Answer:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise invalid("Invalid API Key provided.", status=401)
        name, handler, object_id = _route(request.method, request.path)
        values = parameters.read(request)
        parameters.check(name, values)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        account = request.headers.get("Stripe-Account")
        return self._carried_out(Asked(name, handler, values, object_id, key, request_id, account))

    def _carried_out(self, asked: Asked) -> Answer:
        """The answer, or what the fault dial makes of it."""
        struck, fault = self._struck(asked)
        if struck in ("away", "error_before"):
            raise Wrong(503 if struck == "away" else 500, "api_error", None, f"The dial says {struck}.")
        if struck == "busy":
            raise Wrong(429, "invalid_request_error", "rate_limit", "Too many requests.")
        if struck in ("kept_error", "kept_after"):
            asked = replace(asked, breaks=struck)
        answer = self._done(asked)
        if struck == "slow":
            time.sleep(fault.seconds)
        if struck == "error_after":
            raise Wrong(500, "api_error", None, "The dial says error_after.")
        if struck == "lost_reply":
            raise ConnectionAbortedError("the dial says lost_reply")  # The server drops the connection.
        return answer

    def _struck(self, asked: Asked) -> tuple[str, faults.Fault]:
        names = faults.REQUESTS if asked.name.startswith("POST ") else ("away",)
        with self.store.beside() as books:
            return faults.strikes(books.connection, *names) or ("", faults.Fault())

    def _done(self, asked: Asked) -> Answer:
        if asked.key is not None:
            return self._once(asked, asked.key)
        with self.store.transaction() as books:
            return self._executed(books, asked)

    def _once(self, asked: Asked, key: str) -> Answer:
        """The first answer under a key is kept for a day, declines too; refused parameters are not."""
        with self.store.beside() as books:
            kept = _claimed(books, key, asked.fingerprint)
            if kept is not None:
                return kept
            books.alone()
            answer = self._executed(books, asked)
            books.connection.execute(
                "update sandbox.answers set status = %s, body = %s where key = %s",
                (answer.status, answer.body, key),
            )
            return answer

    def _executed(self, books: Books, asked: Asked) -> Answer:
        """What was done, or the refusal that is kept in its place; then nothing was done."""
        books.request = {"id": asked.request_id, "idempotency_key": asked.key}
        let_all_time_act(books)
        call = Call(books, asked.values, asked.id, self.public_base, asked.account)
        broken = Answer(500, json.dumps({"error": {"type": "api_error", "message": "Kept under this key."}}))
        if asked.breaks == "kept_error":
            return broken
        try:
            with books.connection.transaction():
                answer = Answer(200, json.dumps(asked.handler(call)))
                return broken if asked.breaks else answer
        except Wrong as wrong:
            if not wrong.kept:
                raise
            return _refused(wrong)


def _hang_up(environ: dict[str, Any]) -> None:
    """Close the connection without a word; the server then has nobody to answer."""
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)


def _claimed(books: Books, key: str, fingerprint: str) -> Answer | None:
    """The answer kept under this key; None makes the key ours. In use elsewhere, or for another request: refused."""
    books.connection.execute("delete from sandbox.answers where at < %s", (books.now - KEYS_KEPT,))
    try:
        with books.connection.transaction():
            books.connection.execute("set local lock_timeout = '100ms'")
            row = books.connection.execute(
                "insert into sandbox.answers (key, fingerprint, at) values (%s, %s, %s)"
                " on conflict (key) do update set key = excluded.key returning fingerprint, status, body",
                (key, fingerprint, books.now),
            ).fetchone()
            books.connection.execute("set local lock_timeout = 0")
    except psycopg.errors.LockNotAvailable:
        raise Wrong(
            409, "idempotency_error", "idempotency_key_in_use", "A request with this key is under way."
        ) from None
    assert row is not None
    if row["fingerprint"] != fingerprint:
        raise Wrong(
            400, "idempotency_error", None,
            "Keys for idempotent requests can only be used with the same parameters they were first used with.",
        )  # fmt: skip
    return None if row["status"] is None else Answer(int(row["status"]), str(row["body"]), replayed=True)


def _refused(wrong: Wrong) -> Answer:
    return Answer(wrong.status, json.dumps({"error": wrong.error}))


_PATTERNS = tuple(
    (f"{method} {path}", method, re.compile(re.sub(r"\{\w+\}", r"(?P<id>[A-Za-z0-9_]{1,80})", path)), handler)
    for method, path, handler in ROUTES
)


def _route(method: str, path: str) -> tuple[str, Handler, str]:
    for name, verb, pattern, handler in _PATTERNS:
        found = pattern.fullmatch(path) if verb == method else None
        if found:
            return name, handler, found.groupdict().get("id", "")
    raise invalid(f"Unrecognized request URL ({method}: {path[:100]}).", status=404)
