"""What happened, posted to the platform: signed by Stripe's scheme, again until it is taken.

Every event waits in a table, so a delivery outlives the process. It is claimed by moving its next
try away and committing, and posted outside of any transaction: a slow platform locks nothing.
"""

from __future__ import annotations

import hmac
import http.client
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from hashlib import sha256
from typing import Any

import psycopg

from .passing import let_time_act
from .store import CHANNEL, Store

log = logging.getLogger(__name__)
LONGEST_WAIT = 3600
POST_SECONDS = 10
LEASE_SECONDS = 30  # Longer than a post may take: whoever died with a claim gives it up after that.
PULSE_SECONDS = 1.0


class Deliveries:
    """Posts what is waiting. `start` keeps at it in a thread; `soon` waits for what just happened."""

    def __init__(self, store: Store, url: str, secret: str) -> None:
        self._store, self._url, self._secret = store, url, secret
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Deliver in the background until `stop`."""
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No further deliveries; what is waiting stays for the next start."""
        self._stop.set()
        if self._thread is None:
            return
        with self._store.transaction(alone=False) as books:
            books.connection.execute("select pg_notify(%s, '')", (CHANNEL,))
        self._thread.join(POST_SECONDS)
        self._thread = None

    def soon(self, events: list[str], seconds: float = 3.0) -> None:
        """Wait, so long at most, until each was answered once: Checkout's way back waits for it too."""
        until = time.monotonic() + seconds
        while events and time.monotonic() < until:
            with self._store.transaction(alone=False) as books:
                row = books.connection.execute(
                    "select 1 from sandbox.deliveries where id = any(%s) and answered_at is null limit 1",
                    (events,),
                ).fetchone()
            if row is None:
                return
            time.sleep(0.02)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._store.dsn, autocommit=True) as listening:
                    listening.execute(f"listen {CHANNEL}".encode())
                    self._listen(listening)
            except Exception:
                # The database may be starting again; a provider that stopped for that would be gone for good.
                log.exception("deliveries")
                self._stop.wait(PULSE_SECONDS)

    def _listen(self, listening: psycopg.Connection[Any]) -> None:
        acted = 0.0
        while not self._stop.is_set():
            if time.monotonic() - acted >= PULSE_SECONDS:
                acted = time.monotonic()
                with self._store.transaction() as books:
                    let_time_act(books)
            while not self._stop.is_set() and self.one():
                pass
            for _ in listening.notifies(timeout=PULSE_SECONDS, stop_after=1):
                pass

    def one(self) -> bool:
        """Deliver the next one that is due; False when there is none."""
        with self._store.transaction(alone=False) as books:
            row = books.connection.execute(
                "update sandbox.deliveries set tries = tries + 1, next_try = now() + make_interval(secs => %s)"
                " where id = (select id from sandbox.deliveries where delivered_at is null and next_try <= now()"
                " order by made limit 1 for update skip locked) returning id, event, tries",
                (LEASE_SECONDS,),
            ).fetchone()
        if row is None:
            return False
        taken = self._post(row["event"])
        wait = min(LONGEST_WAIT, 2 ** min(row["tries"] - 1, 12))
        with self._store.transaction(alone=False) as books:
            books.connection.execute(
                "update sandbox.deliveries set answered_at = coalesce(answered_at, now()),"
                " delivered_at = case when %s then now() end, next_try = now() + make_interval(secs => %s)"
                " where id = %s",
                (taken, wait, row["id"]),
            )
        return True

    def _post(self, event: dict[str, Any]) -> bool:
        body = json.dumps(event).encode()
        stamp = str(int(time.time()))
        signed = hmac.new(self._secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={stamp},v1={signed}"}
        request = urllib.request.Request(self._url, data=body, headers=headers, method="POST")  # noqa: S310 - our own setting
        try:
            with _DIRECT.open(request, timeout=POST_SECONDS) as answer:
                return bool(200 <= answer.status < 300)
        except urllib.error.HTTPError as error:
            with error:
                return False
        except (OSError, http.client.HTTPException):
            return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is no receipt: Stripe follows none either."""

    def redirect_request(self, *args: Any) -> None:
        return None


# The platform is on this machine or said by its own address: never through somebody's proxy.
_DIRECT = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
