"""A buyer's payment: checkout or bank transfer, capture, release, refund."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from marketplace.gateways.payments import (
    BankTransfer,
    Checkout,
    PaymentSeen,
    PaymentState,
    RefundSeen,
    Refused,
)

from .asked import Asked, labels
from .errors import asking, in_our_currency
from .reading import bank_transfer, payment_of_intent, payment_of_session, refund_seen

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, PaymentIntentCreateParams, RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

# The charge and what the provider kept of it, in one answer.
INTENT_WITH = ["latest_charge.balance_transaction"]
SESSION_WITH = ["payment_intent.latest_charge.balance_transaction"]
# A bank transfer leads nobody away, but where the dashboard's methods are on Stripe wants to know
# where one would come back to; the parameter that says "never" came after the published description.
_NOBODY_COMES_BACK = "https://stripe.com/"


class Buying(Asked):
    """`Payments`, as far as it is about a buyer's money."""

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
    ) -> Checkout:
        asked: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": reference,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": in_our_currency(currency),
                        "unit_amount": amount_minor,
                        "product_data": {"name": description},
                    },
                }
            ],
            "payment_intent_data": {
                "capture_method": "manual" if capture == "manual" else "automatic",
                "description": description,
                "transfer_group": reference,
                "metadata": labels(reference, metadata),
            },
            "metadata": labels(reference, metadata),
            "locale": "fr" if locale == "fr" else "en",
            "success_url": success_url,
            "cancel_url": cancel_url,
            "expires_at": expires_at,
        }
        if customer_email:
            asked["customer_email"] = customer_email
        with asking():
            session = self._client.v1.checkout.sessions.create(asked, {"idempotency_key": key}).to_dict()
            return Checkout(
                id=session["id"],
                url=session["url"],
                until=datetime.fromtimestamp(session["expires_at"], UTC),
            )

    def close_checkout(self, *, key: str, checkout_id: str) -> PaymentSeen:
        try:
            with asking():
                session = self._client.v1.checkout.sessions.expire(
                    checkout_id, {"expand": SESSION_WITH}, {"idempotency_key": key}
                )
                return self._of_session(session.to_dict())
        except Refused as refused:
            if refused.stop or refused.reason == "resource_missing":
                raise
            # Not open any more: closed already is what was asked for, anything else is to be looked at.
            seen = self.payment(checkout_id=checkout_id)
            if seen.state is PaymentState.CLOSED:
                return seen
            raise Refused("checkout_not_open", refused.detail, look=True) from refused

    def open_bank_transfer(
        self,
        *,
        key: str,
        reference: str,
        amount_minor: int,
        currency: str,
        country: str,
        name: str,
        email: str,
        description: str,
        customer_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BankTransfer:
        wire_currency = in_our_currency(currency)
        if customer_id is None:
            customer_id = self._customer(f"{key}/customer", reference, name, email)
        asked: PaymentIntentCreateParams = {
            "amount": amount_minor,
            "currency": wire_currency,
            "customer": customer_id,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True},
            "return_url": _NOBODY_COMES_BACK,
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": {
                "customer_balance": {
                    "funding_type": "bank_transfer",
                    "bank_transfer": {
                        "type": "eu_bank_transfer",
                        "eu_bank_transfer": {"country": country},
                    },
                }
            },
            "description": description,
            "transfer_group": reference,
            "metadata": labels(reference, metadata),
        }
        with asking():
            intent = self._client.v1.payment_intents.create(asked, {"idempotency_key": f"{key}/intent"})
            return bank_transfer(intent.to_dict(), customer_id)

    def _customer(self, key: str, reference: str, name: str, email: str) -> str:
        asked: CustomerCreateParams = {
            "name": name,
            "email": email,
            "metadata": labels(reference, None),
        }
        with asking():
            made = self._client.v1.customers.create(asked, {"idempotency_key": key})
            return str(made.to_dict()["id"])

    def capture(self, *, key: str, intent_id: str, amount_minor: int) -> PaymentSeen:
        with asking():
            intent = self._client.v1.payment_intents.capture(
                intent_id,
                {"amount_to_capture": amount_minor, "expand": INTENT_WITH},
                {"idempotency_key": key},
            )
            return self._of_intent(intent.to_dict())

    def release(self, *, key: str, intent_id: str) -> PaymentSeen:
        with asking():
            intent = self._client.v1.payment_intents.cancel(
                intent_id, {"expand": INTENT_WITH}, {"idempotency_key": key}
            )
            return self._of_intent(intent.to_dict())

    def refund(
        self,
        *,
        key: str,
        intent_id: str,
        amount_minor: int,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> RefundSeen:
        asked: RefundCreateParams = {
            "payment_intent": intent_id,
            "amount": amount_minor,
            "metadata": labels(reference, metadata),
        }
        with asking():
            return refund_seen(self._client.v1.refunds.create(asked, {"idempotency_key": key}).to_dict())

    def refund_seen(self, refund_id: str) -> RefundSeen:
        with asking():
            return refund_seen(self._client.v1.refunds.retrieve(refund_id).to_dict())

    def payment(self, *, intent_id: str | None = None, checkout_id: str | None = None) -> PaymentSeen:
        if checkout_id is not None:
            with asking():
                session = self._client.v1.checkout.sessions.retrieve(checkout_id, {"expand": SESSION_WITH})
                return self._of_session(session.to_dict())
        if intent_id is None:
            raise ValueError("a payment is fetched by its intent or its checkout")
        with asking():
            return self._of_intent(self._intent(intent_id))

    def _of_session(self, session: dict[str, Any]) -> PaymentSeen:
        intent = session.get("payment_intent")
        if intent:
            session["payment_intent"] = self._whole(
                self._intent(intent) if isinstance(intent, str) else intent
            )
        return payment_of_session(session)

    def _of_intent(self, intent: dict[str, Any]) -> PaymentSeen:
        return payment_of_intent(self._whole(intent))

    def _intent(self, intent_id: str) -> dict[str, Any]:
        return self._client.v1.payment_intents.retrieve(intent_id, {"expand": INTENT_WITH}).to_dict()

    def _whole(self, intent: dict[str, Any]) -> dict[str, Any]:
        """With what was asked to be expanded, fetched where it was not: refunds and fees stand there."""
        charge = intent.get("latest_charge")
        if isinstance(charge, str):
            charge = self._client.v1.charges.retrieve(charge, {"expand": ["balance_transaction"]}).to_dict()
        booked = charge.get("balance_transaction") if charge else None
        if charge and isinstance(booked, str):
            charge["balance_transaction"] = self._client.v1.balance_transactions.retrieve(booked).to_dict()
        return {**intent, "latest_charge": charge}
