"""The payment door, in our words (docs/architecture.md, "gateways").

Every changing call takes `key` (our idempotency key: the id of the stored intent) and otherwise
plain values, so that the stored parameters are passed again exactly as they were:
`gateway.capture(key=str(call.id), **call.parameters)`. Amounts are minor units of `currency`
(an upper-case code, "EUR"); instants are aware UTC, but `expires_at`, a whole Unix second,
because it is stored as JSON and must never be recomputed.

What a call may raise, and what to do then:

| error | meaning | then |
|---|---|---|
| `Declined` | the bank or card said no | tell the payer; a new try needs a new key |
| `NeedsAction` | the bank asks the payer for more | the payer must come back |
| `Unavailable` | not carried out, nothing changed | again, later, with the same key |
| `Refused` | not carried out, and never will be as asked | never again; `look` says to fetch first |
| `Unknown` | no answer: it may have been carried out | look (`payment`, `find`) before repeating |
| `NotTrusted` | a message that is not the provider's, or not for us | answer 400, keep nothing |
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class PaymentError(Exception):
    """Base of what this door raises. `reason` is a short word of the provider's, or ours."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class Declined(PaymentError):
    """The bank said no. `reason` is its word (`insufficient_funds`, `generic_decline`, …)."""


class NeedsAction(PaymentError):
    """The bank asks the payer to confirm (strong authentication)."""


class Unavailable(PaymentError):
    """Not carried out, nothing changed: again later with the same key.

    `reason` `balance_insufficient`: the money is not there yet (new key after it: the refusal is kept).
    `new_key` says whether repeating needs a new key because the provider keeps the answer.
    """

    def __init__(self, reason: str, detail: str = "", *, new_key: bool = False) -> None:
        super().__init__(reason, detail)
        self.new_key = new_key


class Refused(PaymentError):
    """Never again as asked. `look`: the object stands elsewhere than we thought, so fetch it.

    `stop`: our access itself is refused, or a defect of ours (a key used for something else):
    raise an alarm and carry nothing out until somebody has looked.
    """

    def __init__(self, reason: str, detail: str = "", *, look: bool = False, stop: bool = False) -> None:
        super().__init__(reason, detail)
        self.look = look
        self.stop = stop


class Unknown(PaymentError):
    """No answer, or one that says nothing: it may have happened. Look before repeating."""


class NotTrusted(PaymentError):
    """A posted event that is not to be believed: too large, unsigned, altered, too old, from the
    future, of the other mode, or unreadable. `reason`: too_large, no_signature, bad_signature,
    too_old, from_the_future, bad_encoding, bad_json, bad_shape, wrong_mode."""


class PaymentState(enum.StrEnum):
    """Where the provider says the payment stands. `CREATED`: no way to pay was opened yet;
    `CLOSED`: ended before any money was reserved (checkout expired or closed);
    `RELEASED`: the reserved money was given back, by us or because it ran out."""

    CREATED = "created"
    OPEN = "open"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    RELEASED = "released"
    CLOSED = "closed"


@dataclass(frozen=True)
class Checkout:
    """The provider's own page where the buyer pays, until `until`."""

    id: str
    url: str
    until: datetime


@dataclass(frozen=True)
class PaymentSeen:
    """A payment as the provider has it now. Amounts in minor units.

    `provider_fee_minor` is None until the provider has booked it. `failure` is the reason of the
    last refused try while `state` is open; `capture_before` the instant the reserved money ends.
    """

    state: PaymentState
    amount_minor: int
    currency: str
    intent_id: str | None = None
    checkout_id: str | None = None
    charge_id: str | None = None
    capture_before: datetime | None = None
    captured_minor: int = 0
    refunded_minor: int = 0
    provider_fee_minor: int | None = None
    failure: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class RefundSeen:
    """`state`: pending, needs_action, done, failed, cancelled. `failure` where it failed."""

    id: str
    state: str
    amount_minor: int
    currency: str
    intent_id: str | None = None
    reference: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class TransferSeen:
    """Money moved to an expert's account; `reversed_minor` of it came back."""

    id: str
    amount_minor: int
    reversed_minor: int
    currency: str
    account_id: str
    charge_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class ReversalSeen:
    """Money brought back from an expert's account."""

    id: str
    transfer_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class AccountSeen:
    """An expert's account. Payable once `transfers_status` is "active" (else pending, restricted,
    unsupported). `asked`: what the provider still asks, in its own field words."""

    id: str
    transfers_status: str
    asked: tuple[str, ...] = ()
    country: str | None = None
    reference: str | None = None

    @property
    def payable(self) -> bool:
        """Whether money can be transferred to it."""
        return self.transfers_status == "active"


@dataclass(frozen=True)
class Link:
    """An address for one use, until `until`."""

    url: str
    until: datetime


@dataclass(frozen=True)
class BalanceSeen:
    """What the provider holds for us, by currency, minor units."""

    available: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderEvent:
    """Something happened at the provider: a hint to fetch `object_id`, never the truth itself.

    `kind` is the provider's event type; `object_kind` one of ours: checkout, payment, charge,
    refund, transfer, account, other. `intent_id` is the payment it is about where the event says,
    `reference` ours from its metadata or transfer group. `account` is set for a connected
    account's event.
    """

    id: str
    kind: str
    object_kind: str
    object_id: str
    live: bool
    created: datetime
    account: str | None = None
    intent_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Found:
    """What carries a reference of ours at the provider."""

    refunds: tuple[RefundSeen, ...] = ()
    transfers: tuple[TransferSeen, ...] = ()


class Payments(Protocol):
    """The payment provider. Changing calls may raise all errors above, the others `Unavailable`,
    `Refused` and `Unknown`; `parse_event` raises `NotTrusted` alone and calls nobody."""

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

    def refund(self, *, key: str, intent_id: str, amount_minor: int, reference: str) -> RefundSeen:
        """Send money back to the buyer; not final when made. `reference` is the refund's, ours."""

    def transfer(
        self, *, key: str, amount_minor: int, currency: str, account_id: str, charge_id: str, reference: str
    ) -> TransferSeen:
        """Pay an expert out of the charge. `reference` is the payment's, ours.
        `Unavailable("balance_insufficient")` while the money is not there."""

    def reverse_transfer(self, *, key: str, transfer_id: str, amount_minor: int) -> ReversalSeen:
        """Bring paid money back from the expert's account."""

    def payment(self, *, intent_id: str | None = None, checkout_id: str | None = None) -> PaymentSeen:
        """The payment as it stands, by either id. By checkout, an unfinished one has no `intent_id`."""

    def refund_seen(self, refund_id: str) -> RefundSeen:
        """The refund as it stands."""

    def transfer_seen(self, transfer_id: str) -> TransferSeen:
        """The transfer as it stands."""

    def find(self, *, reference: str, intent_id: str | None = None) -> Found:
        """What exists at the provider for a payment of ours: transfers by its reference, refunds by
        its intent. For calls that were never answered; lists, which are proof of absence."""

    def payout_schedule(self) -> str:
        """How the platform's own money leaves for its bank: "manual" is the only safe one."""

    def balance(self) -> BalanceSeen:
        """What the provider holds for the platform."""

    def parse_event(self, body: bytes, signature: str, *, now: datetime | None = None) -> ProviderEvent:
        """Check a posted message and read it. `now` is REAL time (default: the system's); at most
        256 KiB, signed within 300 s, not from the future, by any of the configured secrets."""


MOST_EVENT_BYTES: int = 256 * 1024
SIGNATURE_SECONDS: int = 300

# Where an expert's account may be (decided with the platform's provider): the EEA, GB, CH, US, CA.
ACCOUNT_COUNTRIES: Sequence[str] = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    "GB", "CH", "US", "CA",
)  # fmt: skip
