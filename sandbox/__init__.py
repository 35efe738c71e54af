"""The sandbox: a payment provider of our own that speaks Stripe's wire format. No money moves.

A product beside the marketplace, with no import either way: its API (on a loopback port of its own)
and its clickable pages (mounted at /sandbox of the site) share one schema of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .api import Api
from .deliveries import Deliveries
from .pages import Pages
from .store import Endpoint, Store


@dataclass(frozen=True)
class Sandbox:
    """A provider: `api` and `pages` are WSGI applications, `deliveries` posts what happened."""

    api: Api
    pages: Pages
    deliveries: Deliveries

    def close(self) -> None:
        """Give the database's connections back."""
        self.deliveries.stop()
        self.api.store.close()


def create(
    dsn: str,
    *,
    secret_key: str,
    endpoints: Iterable[Endpoint],
    public_base: str,
    clock: Callable[[], datetime],
    everyone: bool = True,
) -> Sandbox:
    """A provider on this database. `clock` is the platform's; signatures keep real time.

    `everyone` may play provider at its desk: demo mode only.
    """
    store = Store(dsn, clock, endpoints)
    deliveries = Deliveries(store)
    pages = Pages(store, deliveries, public_base, everyone=everyone)
    return Sandbox(Api(store, secret_key, public_base), pages, deliveries)


def from_config(settings: Any, *, clock: Callable[[], datetime]) -> Sandbox:
    """The provider beside a site, by the site's settings: events of both generations, each with its secret."""
    hook, secrets = f"{settings.site_url}/webhooks/stripe", settings.stripe_webhook_secrets
    return create(
        settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1),
        secret_key=settings.stripe_secret_key,
        endpoints=(
            Endpoint("account", hook, secrets[:1]),
            Endpoint("thin", hook, secrets[-1:], thin=True),
        ),
        public_base=f"{settings.site_url}/sandbox",
        clock=clock,
        everyone=settings.demo,
    )
