"""The payment provider as a Protocol, and what its messages may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from .values import (
    AccountSeen,
    BalanceSeen,
    BankTransfer,
    ChargebackSeen,
    Checkout,
    Found,
    Link,
    MovementSeen,
    PaymentSeen,
    PayoutSeen,
    ProviderEvent,
    RefundSeen,
    ReversalSeen,
    TransferSeen,
)  # fmt: skip


class Payments(Protocol):
    """The payment provider. Changing calls may raise all errors above, the others `Unavailable`,
    `Refused` and `Unknown`; `parse_event` raises `NotTrusted` alone and calls nobody.

    `metadata` are labels that stand with the object at the provider, beside our reference. A `currency`
    that is not `CURRENCY` is `Refused("currency_unsupported")` and nothing is asked."""

    def create_account(self, *, key: str, reference: str, email: str, name: str, country: str) -> AccountSeen:
        """An account for an expert to be paid on. `country` ISO, of the EEA, GB, CH, US or CA."""

    def account(self, account_id: str) -> AccountSeen:
        """The account as it stands."""

    def onboarding_link(self, *, key: str, account_id: str, return_url: str, refresh_url: str) -> Link:
        """The provider's own page for what it asks; made on the click. Coming back proves nothing."""

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
        """The page to pay on. `capture` is "manual" (reserve) or "automatic" (take at once);
        `expires_at` between 30 minutes and 24 hours from now."""

    def close_checkout(self, *, key: str, checkout_id: str) -> PaymentSeen:
        """Nobody can pay there any more; closed already is fine. `Refused(look)` when it was paid."""

    def capture(self, *, key: str, intent_id: str, amount_minor: int) -> PaymentSeen:
        """Take reserved money."""

    def release(self, *, key: str, intent_id: str) -> PaymentSeen:
        """Give reserved money back. `Refused(look)` when it is already taken or released."""

    def refund(
        self,
        *,
        key: str,
        intent_id: str,
        amount_minor: int,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> RefundSeen:
        """Send money back to the buyer; not final when made. `reference` is the refund's, ours.
        `Refused("charge_disputed", look)` while the payer's bank contests it."""

    def transfer(
        self,
        *,
        key: str,
        amount_minor: int,
        currency: str,
        account_id: str,
        charge_id: str | None,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> TransferSeen:
        """Pay an expert out of the charge; without one (a debt given up) out of what is available.
        `reference` is the payment's, ours. `Unavailable("balance_insufficient")` while the money is not there."""

    def reverse_transfer(
        self,
        *,
        key: str,
        transfer_id: str,
        amount_minor: int,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ReversalSeen:
        """Bring paid money back from the expert's account. `reference` is the refund's it is for."""

    def payment(self, *, intent_id: str | None = None, checkout_id: str | None = None) -> PaymentSeen:
        """The payment as it stands, by either id. By checkout, an unfinished one has no `intent_id`."""

    def refund_seen(self, refund_id: str) -> RefundSeen:
        """The refund as it stands."""

    def transfer_seen(self, transfer_id: str) -> TransferSeen:
        """The transfer as it stands."""

    def find(self, *, reference: str, intent_id: str | None = None) -> Found:
        """What exists at the provider for a payment of ours: transfers by its reference, refunds by
        its intent. For calls that were never answered; lists, which are proof of absence."""

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
        """A payment by bank transfer on company terms: an account to send the money to (`country` DE, FR,
        IE or NL). Makes the customer `name` at the provider where `customer_id` does not name one.
        What the customer had sent before may pay it at once: then there is no account to send to."""

    def dashboard_link(self, *, key: str, account_id: str) -> str:
        """The address of an expert's own pages at the provider, for one use, made on the click."""

    def submit_evidence(
        self,
        *,
        key: str,
        chargeback_id: str,
        evidence: Mapping[str, str],
        submit: bool,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ChargebackSeen:
        """Stage evidence for a chargeback, or send it (`submit`): once, and only until `evidence_due`.
        `evidence` by the names of `EVIDENCE_FIELDS`; what does not fit is `Refused("evidence_unfit")`,
        sent already or over is `Refused("chargeback_not_open", look)`. `reference` is the payment's."""

    def chargeback(self, chargeback_id: str) -> ChargebackSeen:
        """The chargeback as it stands."""

    def chargebacks(
        self, *, intent_id: str | None = None, since: datetime | None = None
    ) -> tuple[ChargebackSeen, ...]:
        """Those of one payment, or all that were made since; newest first."""

    def pay_out(
        self,
        *,
        key: str,
        amount_minor: int,
        currency: str,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> PayoutSeen:
        """Send our own money to our bank. `Unavailable("balance_insufficient")` beyond what is available."""

    def payout(self, payout_id: str) -> PayoutSeen:
        """The payout as it stands."""

    def payouts(self, *, since: datetime) -> tuple[PayoutSeen, ...]:
        """Those made since, newest first, the provider's automatic ones too."""

    def movements(self, *, since: datetime, until: datetime | None = None) -> Iterator[MovementSeen]:
        """The provider's own books of our balance from `since` to before `until`, newest first, page by
        page as they are read."""

    def payout_schedule(self) -> str:
        """How the platform's own money leaves for its bank: "manual" is the only safe one."""

    def balance(self, account_id: str | None = None) -> BalanceSeen:
        """What the provider holds for the platform, or on an expert's account."""

    def parse_event(self, body: bytes, signature: str, *, now: datetime | None = None) -> ProviderEvent:
        """Check a posted message and read it. `now` is REAL time (default: the system's); at most
        256 KiB, signed within 300 s, not from the future, by any of the configured secrets."""


# The platform settles in one currency (payments.md, "Currency").
CURRENCY: str = "EUR"

# What evidence may say, and in how many characters; together never more than the provider takes.
EVIDENCE_FIELDS: Mapping[str, int] = {
    "access_activity_log": 20_000,
    "billing_address": 5_000,
    "cancellation_policy_disclosure": 20_000,
    "cancellation_rebuttal": 20_000,
    "customer_email_address": 5_000,
    "customer_name": 5_000,
    "customer_purchase_ip": 5_000,
    "duplicate_charge_explanation": 20_000,
    "duplicate_charge_id": 5_000,
    "product_description": 20_000,
    "refund_policy_disclosure": 20_000,
    "refund_refusal_explanation": 20_000,
    "service_date": 5_000,
    "shipping_address": 5_000,
    "shipping_carrier": 5_000,
    "shipping_date": 5_000,
    "shipping_tracking_number": 5_000,
    "uncategorized_text": 20_000,
}
MOST_EVIDENCE: int = 150_000

MOST_EVENT_BYTES: int = 256 * 1024
SIGNATURE_SECONDS: int = 300

# Where an expert's account may be (decided with the platform's provider): the EEA, GB, CH, US, CA.
ACCOUNT_COUNTRIES: Sequence[str] = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    "GB", "CH", "US", "CA",
)  # fmt: skip
