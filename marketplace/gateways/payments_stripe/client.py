"""`Payments` at Stripe, put together from its topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import stripe

from marketplace.gateways.payments import ProviderEvent

from .accounts import Accounts
from .breaker import BreakingClient
from .buying import Buying
from .chargebacks import Chargebacks
from .events import read_event
from .own import Own
from .paying import Paying

# The wire format this was written against; a test fails when the package speaks another.
API_VERSION = "2026-10-28.endive"

CONNECT_AND_READ_SECONDS = (3, 20)
RETRIES = 2

stripe.enable_telemetry = False


class StripePayments(Accounts, Buying, Paying, Chargebacks, Own):
    """`Payments` at Stripe, or at whatever speaks its wire format at `api_base`."""

    def __init__(
        self,
        api_key: str,
        webhook_secrets: Sequence[str],
        api_base: str | None = None,
        live: bool = False,
        account_id: str | None = None,
    ) -> None:
        """`account_id`: the platform's own, for events that name it; most name none."""
        self._secrets = tuple(webhook_secrets)
        self._live, self._own = live, account_id
        base = api_base.rstrip("/") if api_base else None
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=BreakingClient(CONNECT_AND_READ_SECONDS),
            base_addresses={"api": base, "connect": base, "files": base} if base else None,
        )

    def parse_event(self, body: bytes, signature: str, *, now: datetime | None = None) -> ProviderEvent:
        now = now or datetime.now(UTC)
        return read_event(body, signature, self._secrets, live=self._live, own=self._own, now=now)
