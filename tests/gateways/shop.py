"""A platform at the door of the provider: the adapter, and the clicks of buyers, experts and banks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from marketplace.gateways import payments as port
from sandbox import balance, bank, chargebacks, payouts, refunds
from tests.clock import FakeClock
from tests.provider import Provider

AMOUNT = 158_400
FEE = AMOUNT * 15 // 1000 + 25
REFERENCE = "ref-1"


def key() -> str:
    return str(uuid.uuid4())


class Shop:
    """What stands before a call of the door can be made."""

    def __init__(self, at: Provider, clock: FakeClock) -> None:
        self.at, self.clock = at, clock
        self.door: port.Payments = at.gateway

    def checkout(self, *, with_key: str | None = None, **more: Any) -> port.Checkout:
        asked: dict[str, Any] = {
            "reference": REFERENCE, "amount_minor": AMOUNT, "currency": "EUR", "description": "A session",
            "locale": "fr", "capture": "manual", "success_url": "https://site.test/back",
            "cancel_url": "https://site.test/away", "customer_email": "a@b.example", "metadata": {"payment": "p-1"},
            "expires_at": int((self.clock.now + timedelta(minutes=33)).timestamp()),
        } | more  # fmt: skip
        return self.door.open_checkout(key=with_key or key(), **asked)

    def paid(self, action: str = "succeed", **more: Any) -> port.PaymentSeen:
        """What the buyer has done on the page, as it stands then."""
        opened = self.checkout(**more)
        self.at.click(opened.url, action)
        return self.door.payment(checkout_id=opened.id)

    def taken(self, **more: Any) -> tuple[str, str]:
        """Intent and charge of money taken at once, settled."""
        seen = self.paid(capture="automatic", **more)
        assert seen.intent_id
        assert seen.charge_id
        self.settle()
        return seen.intent_id, seen.charge_id

    def account(self, action: str = "complete") -> str:
        made = self.door.create_account(
            key=key(), reference="e01", email="e@x.example", name="Maëlle", country="FR"
        )
        link = self.door.onboarding_link(
            key=key(), account_id=made.id, return_url="https://site.test/r", refresh_url="https://site.test/n"
        )
        self.at.click(link.url, action)
        return made.id

    def refund(
        self, intent_id: str, amount_minor: int = 100, reference: str = "r-1", **more: Any
    ) -> port.RefundSeen:
        return self.door.refund(
            key=key(), intent_id=intent_id, amount_minor=amount_minor, reference=reference, **more
        )

    def transfer(self, charge_id: str, amount_minor: int = 1_000, **more: Any) -> port.TransferSeen:
        asked: dict[str, Any] = {
            "amount_minor": amount_minor, "currency": "EUR", "charge_id": charge_id, "reference": REFERENCE,
        } | more  # fmt: skip
        asked.setdefault("account_id", self.account())
        return self.door.transfer(key=key(), **asked)

    def bank_transfer(self, with_key: str | None = None, **more: Any) -> port.BankTransfer:
        asked: dict[str, Any] = {
            "reference": REFERENCE, "amount_minor": AMOUNT, "currency": "EUR", "country": "DE", "name": "Buyer SA",
            "email": "accounts@buyer.example", "description": "A session", "metadata": {"booking": "B-7"},
        } | more  # fmt: skip
        return self.door.open_bank_transfer(key=with_key or key(), **asked)

    def pay_out(self, amount_minor: int = 5_000, **more: Any) -> port.PayoutSeen:
        asked: dict[str, Any] = {"amount_minor": amount_minor, "currency": "EUR", "reference": "po-1"} | more
        return self.door.pay_out(key=key(), **asked)

    def contested(self, charge_id: str, kind: str = "chargeback", **more: Any) -> str:
        """The buyer's bank disputes it."""
        return str(self.does(chargebacks.open_dispute, "charge", charge_id, kind, **more)["id"])

    def decided(self, chargeback_id: str, **how: Any) -> None:
        self.does(chargebacks.decide, "dispute", chargeback_id, **how)

    def refund_fails(self, refund_id: str, why: str = "expired_or_canceled_card") -> None:
        self.does(refunds.fail, "refund", refund_id, why)

    def payout_fails(self, payout_id: str) -> None:
        self.does(payouts.fail, "payout", payout_id)

    def arrives(self, to: port.BankTransfer, minor: int = AMOUNT) -> None:
        """Money on the company's account at the provider."""
        with self.at.sandbox.api.store.transaction() as books:
            bank.arrives(books, to.customer_id, minor, to.payment_reference or None)

    def settle(self) -> None:
        """What is pending is available."""
        with self.at.sandbox.api.store.transaction() as books:
            balance.settle_now(books)

    def does(self, act: Callable[..., Any], kind: str, object_id: str, *values: Any, **named: Any) -> Any:
        """Something the provider does with one of its objects."""
        with self.at.sandbox.api.store.transaction() as books:
            return act(books, books.must(kind, object_id), *values, **named)
