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
from .store import Store

log = logging.getLogger(__name__)
LONGEST_WAIT = 3600
LEASE_SECONDS = 30  # Longer than a post may take: whoever died with a claim gives it up after that.
PULSE_SECONDS = 1.0


class Deliveries:
    """Posts what is waiting. `start` keeps at it in a thread; `soon` waits for what just happened."""

    def __init__(self, store: Store, url: str, secret: str) -> None:
        self._store, self._url, self._secret = store, url, secret
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
                " order by made limit 1 for update skip locked) returning id, event, tries",
                (LEASE_SECONDS,),
            ).fetchone()
        if row is None:
            return False
        taken = self._post(row["event"])
        with self._store.beside() as books:
            books.connection.execute(
                "update sandbox.deliveries set tries = tries + 1, delivered_at = case when %s then now() end,"
                " next_try = now() + make_interval(secs => %s) where id = %s",
                (taken, min(LONGEST_WAIT, 2 ** min(row["tries"], 12)), row["id"]),
            )
        return True

    def _post(self, event: dict[str, Any]) -> bool:
        body = json.dumps(event).encode()
        stamp = str(int(time.time()))
        signed = hmac.new(self._secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={stamp},v1={signed}"}
        request = urllib.request.Request(self._url, data=body, headers=headers, method="POST")  # noqa: S310 - our own setting
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return bool(200 <= answer.status < 300)
        except (urllib.error.URLError, OSError):
            return False
