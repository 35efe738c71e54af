"""The payment door's one adapter, and the only file that imports `stripe`.

What it asks and how it reads the answers is written once here. Answers are turned into plain
dicts and read strictly: a 2xx of unknown shape raises `Unknown`, never a half-read value.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import stripe

from marketplace.gateways import payments as port
from marketplace.gateways.payments_stripe_events import read_event
from marketplace.gateways.payments_stripe_reading import (
    account_seen,
    payment_of_intent,
    payment_of_session,
    refund_seen,
    reversal_seen,
    transfer_seen,
)

# The wire format this file was written against; a test fails when the package speaks another.
API_VERSION = "2026-10-28.endive"

CONNECT_AND_READ_SECONDS = (3, 20)
RETRIES = 2

# The charge and what the provider kept of it, in one answer.
_INTENT_WITH = ["latest_charge.balance_transaction"]
_SESSION_WITH = ["payment_intent.latest_charge.balance_transaction"]
_ACCOUNT_WITH: Any = ["configuration.recipient", "identity", "requirements"]

# The object stands elsewhere than we thought: fetch it, then decide.
LOOK = frozenset(
    {
        "charge_already_captured",
        "charge_already_refunded",
        "charge_expired_for_capture",
        "charge_disputed",
        "payment_intent_unexpected_state",
        "resource_missing",
    }
)
# Not now; the provider keeps this answer under the key, so a later try needs a new one.
WAIT = {
    "balance_insufficient": "balance_insufficient",
    "insufficient_funds": "balance_insufficient",
    "insufficient_capabilities_for_transfer": "account_restricted",
}

stripe.enable_telemetry = False


class StripePayments:
    """`port.Payments` at Stripe, or at whatever speaks its wire format at `api_base`."""

    def __init__(
        self,
        api_key: str,
        webhook_secrets: Sequence[str],
        api_base: str | None = None,
        live: bool = False,
    ) -> None:
        self._secrets = tuple(webhook_secrets)
        self._live = live
        base = api_base.rstrip("/") if api_base else None
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=CONNECT_AND_READ_SECONDS),
            base_addresses={"api": base, "connect": base, "files": base} if base else None,
        )

    # Accounts.

    def create_account(
        self, *, key: str, reference: str, email: str, name: str, country: str
    ) -> port.AccountSeen:
        if country not in port.ACCOUNT_COUNTRIES:
            raise port.Refused("country_unsupported", country)
        with _asking():
            made = self._client.v2.core.accounts.create(
                {
                    "contact_email": email,
                    "display_name": name,
                    "dashboard": "express",
                    "identity": {"country": country},
                    "configuration": {
                        "recipient": {
                            "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                        }
                    },
                    "defaults": {
                        "responsibilities": {
                            "fees_collector": "application",
                            "losses_collector": "application",
                        }
                    },
                    "metadata": {"reference": reference},
                    "include": _ACCOUNT_WITH,
                },
                {"idempotency_key": key},
            )
            return account_seen(made.to_dict())

    def account(self, account_id: str) -> port.AccountSeen:
        with _asking():
            seen = self._client.v2.core.accounts.retrieve(account_id, {"include": _ACCOUNT_WITH})
            return account_seen(seen.to_dict())

    def onboarding_link(self, *, key: str, account_id: str, return_url: str, refresh_url: str) -> port.Link:
        with _asking():
            link = self._client.v2.core.account_links.create(
                {
                    "account": account_id,
                    "use_case": {
                        "type": "account_onboarding",
                        "account_onboarding": {
                            "return_url": return_url,
                            "refresh_url": refresh_url,
                        },
                    },
                },
                {"idempotency_key": key},
            ).to_dict()
            return port.Link(
                url=link["url"], until=datetime.fromisoformat(link["expires_at"]).astimezone(UTC)
            )

    # A payment, from checkout to capture, release and refund.

    def open_checkout(
        self,
        *,
        key: str,
        reference: str,
        amount_minor: int,
        currency: str,
        description: str,
        locale: str,
        capture: str,
        success_url: str,
        cancel_url: str,
        expires_at: int,
        customer_email: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> port.Checkout:
        tags = {**(metadata or {}), "reference": reference}
        with _asking():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "client_reference_id": reference,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": currency.lower(),
                                "unit_amount": amount_minor,
                                "product_data": {"name": description},
                            },
                        }
                    ],
                    "payment_intent_data": {
                        "capture_method": "manual" if capture == "manual" else "automatic",
                        "description": description,
                        "transfer_group": reference,
                        "metadata": tags,
                    },
                    "metadata": tags,
                    "locale": "fr" if locale == "fr" else "en",
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                    "expires_at": expires_at,
                    **({"customer_email": customer_email} if customer_email else {}),
                },
                {"idempotency_key": key},
            ).to_dict()
            return port.Checkout(
                id=session["id"],
                url=session["url"],
                until=datetime.fromtimestamp(session["expires_at"], UTC),
            )

    def close_checkout(self, *, key: str, checkout_id: str) -> port.PaymentSeen:
        try:
            with _asking():
                session = self._client.v1.checkout.sessions.expire(
                    checkout_id, {"expand": _SESSION_WITH}, {"idempotency_key": key}
                )
                return payment_of_session(session.to_dict())
        except port.Refused as refused:
            if refused.stop or refused.reason == "resource_missing":
                raise
            # Not open any more: closed already is what was asked for, anything else is to be looked at.
            seen = self.payment(checkout_id=checkout_id)
            if seen.state is port.PaymentState.CLOSED:
                return seen
            raise port.Refused("checkout_not_open", refused.detail, look=True) from refused

    def capture(self, *, key: str, intent_id: str, amount_minor: int) -> port.PaymentSeen:
        with _asking():
            intent = self._client.v1.payment_intents.capture(
                intent_id,
                {"amount_to_capture": amount_minor, "expand": _INTENT_WITH},
                {"idempotency_key": key},
            )
            return payment_of_intent(intent.to_dict())

    def release(self, *, key: str, intent_id: str) -> port.PaymentSeen:
        with _asking():
            intent = self._client.v1.payment_intents.cancel(
                intent_id, {"expand": _INTENT_WITH}, {"idempotency_key": key}
            )
            return payment_of_intent(intent.to_dict())

    def refund(self, *, key: str, intent_id: str, amount_minor: int, reference: str) -> port.RefundSeen:
        with _asking():
            made = self._client.v1.refunds.create(
                {
                    "payment_intent": intent_id,
                    "amount": amount_minor,
                    "metadata": {"reference": reference},
                },
                {"idempotency_key": key},
            )
            return refund_seen(made.to_dict())

    # An expert's money.

    def transfer(
        self, *, key: str, amount_minor: int, currency: str, account_id: str, charge_id: str, reference: str
    ) -> port.TransferSeen:
        with _asking():
            made = self._client.v1.transfers.create(
                {
                    "amount": amount_minor,
                    "currency": currency.lower(),
                    "destination": account_id,
                    "source_transaction": charge_id,
                    "transfer_group": reference,
                    "metadata": {"reference": reference},
                },
                {"idempotency_key": key},
            )
            return transfer_seen(made.to_dict())

    def reverse_transfer(self, *, key: str, transfer_id: str, amount_minor: int) -> port.ReversalSeen:
        with _asking():
            made = self._client.v1.transfers.reversals.create(
                transfer_id, {"amount": amount_minor}, {"idempotency_key": key}
            )
            return reversal_seen(made.to_dict())

    # Looking.

    def payment(self, *, intent_id: str | None = None, checkout_id: str | None = None) -> port.PaymentSeen:
        if checkout_id is not None:
            with _asking():
                session = self._client.v1.checkout.sessions.retrieve(checkout_id, {"expand": _SESSION_WITH})
                return payment_of_session(session.to_dict())
        if intent_id is None:
            raise ValueError("a payment is fetched by its intent or its checkout")
        with _asking():
            intent = self._client.v1.payment_intents.retrieve(intent_id, {"expand": _INTENT_WITH})
            return payment_of_intent(intent.to_dict())

    def refund_seen(self, refund_id: str) -> port.RefundSeen:
        with _asking():
            return refund_seen(self._client.v1.refunds.retrieve(refund_id).to_dict())

    def transfer_seen(self, transfer_id: str) -> port.TransferSeen:
        with _asking():
            return transfer_seen(self._client.v1.transfers.retrieve(transfer_id).to_dict())

    def find(self, *, reference: str, intent_id: str | None = None) -> port.Found:
        with _asking():
            transfers = self._client.v1.transfers.list({"transfer_group": reference, "limit": 100})
            found = tuple(transfer_seen(one.to_dict()) for one in transfers.auto_paging_iter())
            if intent_id is None:
                return port.Found(transfers=found)
            refunds = self._client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
            return port.Found(
                transfers=found,
                refunds=tuple(refund_seen(one.to_dict()) for one in refunds.auto_paging_iter()),
            )

    def payout_schedule(self) -> str:
        with _asking():
            settings = self._client.v1.balance_settings.retrieve().to_dict()
            return str(settings["payments"]["payouts"]["schedule"]["interval"])

    def balance(self) -> port.BalanceSeen:
        with _asking():
            seen = self._client.v1.balance.retrieve().to_dict()
            return port.BalanceSeen(
                available=_by_currency(seen["available"]), pending=_by_currency(seen["pending"])
            )

    def parse_event(self, body: bytes, signature: str, *, now: datetime | None = None) -> port.ProviderEvent:
        return read_event(body, signature, self._secrets, live=self._live, now=now or datetime.now(UTC))


def _by_currency(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["currency"].upper(): row["amount"] for row in rows}


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """Turn what the package raises, or an answer that cannot be read, into the door's errors."""
    try:
        yield
    except stripe.StripeError as raised:
        raise our_error(raised) from raised
    except (AttributeError, KeyError, TypeError, ValueError) as raised:
        raise port.Unknown("unreadable_answer", f"{type(raised).__name__}: {raised}") from raised


def our_error(raised: stripe.StripeError) -> port.PaymentError:
    """The door's error for one of the package's (the table of docs/payments.md)."""
    code, detail = _code(raised), raised.user_message or ""
    if raised.http_status == 409 or isinstance(raised, stripe.RateLimitError):
        return port.Unavailable(code or "busy", detail)
    if isinstance(raised, stripe.CardError):
        reason = _word(raised, "decline_code") or code or "declined"
        if "authentication_required" in (reason, code):
            return port.NeedsAction("authentication_required", detail)
        return port.Declined(reason, detail)
    if isinstance(raised, stripe.IdempotencyError):
        return port.Refused("key_used_otherwise", detail, stop=True)
    if isinstance(raised, (stripe.AuthenticationError, stripe.PermissionError)):
        return port.Refused("not_allowed", detail, stop=True)
    if code in WAIT:
        return port.Unavailable(WAIT[code], detail, new_key=True)
    if isinstance(raised, (stripe.APIConnectionError, stripe.APIError)) or (raised.http_status or 500) >= 500:
        return port.Unknown(code or "no_answer", detail)
    return port.Refused(code or "invalid_request", detail, look=code in LOOK)


def _code(raised: stripe.StripeError) -> str | None:
    # `raised.code` is None on some classes; the answer's own body has it.
    return _word(raised, "code") or raised.code


def _word(raised: stripe.StripeError, name: str) -> str | None:
    body = raised.json_body
    error = body.get("error") if isinstance(body, dict) else None
    word = error.get(name) if isinstance(error, dict) else None
    return word if isinstance(word, str) else None
