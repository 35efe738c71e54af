"""What happened, posted to the platform: signed by Stripe's scheme, again until it is taken."""

from __future__ import annotations

import hmac
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from hashlib import sha256
from typing import Any

from .clockwork import let_all_time_act, something_is_due
from .store import Endpoint, Store

log = logging.getLogger(__name__)
LONGEST_WAIT = 3600
LEASE_SECONDS = 30  # Longer than a post may take: whoever died with a claim gives it up after that.
PULSE_SECONDS = 1.0


class Deliveries:
    """Posts what is waiting. `start` keeps at it in a thread; `soon` waits for what just happened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()

    def start(self) -> None:
        """Deliver in the background until `stop`."""
        threading.Thread(target=self._run, name="deliveries", daemon=True).start()

    def stop(self) -> None:
        """No further deliveries."""
        self._stop.set()

    def soon(self, seconds: float = 3.0) -> None:
        """Wait, so long at most, until nothing is waiting: Checkout's way back waits for the webhook too."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with self._store.beside() as books:
                row = books.connection.execute(
                    "select 1 from sandbox.deliveries where delivered_at is null and tries = 0 limit 1"
                ).fetchone()
            if row is None:
                return
            time.sleep(0.04)

    def _run(self) -> None:
        acted = 0.0
        while not self._stop.wait(0.05):
            try:
                if time.monotonic() - acted >= PULSE_SECONDS:
                    acted = time.monotonic()
                    self._pulse()
                while self.one():
                    pass
            except Exception:
                log.exception("deliveries")
                self._stop.wait(1.0)

    def _pulse(self) -> None:
        """What has run out meanwhile, also where nobody looks; in short transactions, so that others get between."""
        more = True
        while more and not self._stop.is_set():
            with self._store.beside() as books:
                more = something_is_due(books)
            if more:
                with self._store.transaction() as books:
                    let_all_time_act(books)

    def one(self) -> bool:
        """Deliver the next one that is due; False when there is none."""
        with self._store.beside() as books:
            # Claimed by moving its next try away: nothing stays locked while the platform thinks.
            row = books.connection.execute(
                "update sandbox.deliveries set next_try = now() + make_interval(secs => %s) where id = ("
                "select id from sandbox.deliveries where delivered_at is null and next_try <= now()"
                " order by made limit 1 for update skip locked) returning id, event, event_id, endpoint, tries",
                (LEASE_SECONDS,),
            ).fetchone()
        if row is None:
            return False
        taken = self._posted(row)
        with self._store.beside() as books:
            books.connection.execute(
                "update sandbox.deliveries set tries = tries + 1, delivered_at = case when %s then now() end,"
                " next_try = now() + make_interval(secs => %s) where id = %s",
                (taken, min(LONGEST_WAIT, 2 ** min(row["tries"], 12)), row["id"]),
            )
        return True

    def _posted(self, row: dict[str, Any]) -> bool:
        endpoint = next((one for one in self._store.endpoints if one.name == row["endpoint"]), None)
        if endpoint is None:
            return True  # Nobody waits there any more.
        event = row["event"]
        if "pending_webhooks" in event:
            with self._store.beside() as books:
                waiting = books.connection.execute(
                    "select count(*) as number from sandbox.deliveries where event_id = %s and delivered_at is null",
                    (row["event_id"],),
                ).fetchone()
            event = event | {"pending_webhooks": waiting["number"] if waiting else 1}
        return _post(endpoint, json.dumps(event).encode())


def signature(secrets: tuple[str, ...], stamp: str, body: bytes) -> str:
    """The header: one signature for each secret, so that either of two will do while one is replaced."""
    message = f"{stamp}.".encode() + body
    signed = [hmac.new(secret.encode(), message, sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={stamp}", *(f"v1={one}" for one in signed)])


def _post(endpoint: Endpoint, body: bytes) -> bool:
    signed = signature(endpoint.secrets, str(int(time.time())), body)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    request = urllib.request.Request(endpoint.url, data=body, headers=headers, method="POST")  # noqa: S310 - our own setting
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return bool(200 <= answer.status < 300)
    except (urllib.error.URLError, OSError):
        return False
