"""A sandbox provider of a test's own: its API on a real port, its pages clicked over HTTP."""

from __future__ import annotations

import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.serving import make_server

import sandbox
from marketplace.gateways.payments_stripe import StripePayments
from sandbox.store import Endpoint

SECRET_KEY = "sk_test_" + "k" * 32
WEBHOOK_SECRET, THIN_SECRET = "whsec_" + "w" * 32, "whsec_" + "t" * 32


@dataclass
class Provider:
    """The provider and our adapter to it."""

    sandbox: sandbox.Sandbox
    gateway: StripePayments
    api: str
    site: str

    def click(self, url: str, action: str) -> tuple[int, str]:
        """Press a button of a page; the status and where it leads (it is not followed)."""
        body = urllib.parse.urlencode({"action": action}).encode()
        request = urllib.request.Request(url, data=body, method="POST")
        try:
            with urllib.request.build_opener(_Stay()).open(request, timeout=10) as answer:
                return answer.status, answer.headers.get("Location", "")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", "")

    def events(self) -> list[dict[str, Any]]:
        """What happened, oldest first."""
        with self.sandbox.api.store.transaction() as books:
            return list(reversed(books.find("event")))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


@contextmanager
def provider(
    url: str,
    clock: Callable[[], datetime],
    webhook_url: str = "http://127.0.0.1:9/nowhere",
    *,
    wire: Callable[[Any], Any] = lambda api: api,
    everyone: bool = True,
) -> Iterator[Provider]:
    """Both servers on free ports until the end of the block; events are posted to `webhook_url`.

    `wire` may stand between the adapter and the API.
    """
    dsn = url.replace("postgresql+psycopg://", "postgresql://", 1)
    pages = make_server("127.0.0.1", 0, _late, threaded=True)
    site = f"http://127.0.0.1:{pages.server_port}"
    made = sandbox.create(
        dsn,
        secret_key=SECRET_KEY,
        endpoints=(
            Endpoint("account", webhook_url, (WEBHOOK_SECRET,)),
            Endpoint("thin", webhook_url, (THIN_SECRET,), thin=True),
        ),
        public_base=site,
        clock=clock,
        everyone=everyone,
    )
    pages.app = made.pages
    api = make_server("127.0.0.1", 0, wire(made.api), threaded=True)
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in (pages, api)
    ]
    for thread in threads:
        thread.start()
    made.deliveries.start()
    base = f"http://127.0.0.1:{api.server_port}"
    try:
        yield Provider(
            made, StripePayments(SECRET_KEY, [WEBHOOK_SECRET, THIN_SECRET], api_base=base), base, site
        )
    finally:
        for server in (pages, api):
            server.shutdown()
            server.server_close()
        made.close()


def _late(environ: Any, start_response: Any) -> Any:
    raise RuntimeError("the pages are put in before anybody asks")
