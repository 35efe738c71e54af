"""What the payment provider says, in our words. Amounts in minor units, instants in UTC."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
    `disputed`: the payer's bank contests it, or did; `chargebacks` says how that stands. By bank
    transfer, an open one may have `arrived_minor` of its amount already.
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
    disputed: bool = False
    arrived_minor: int = 0


@dataclass(frozen=True)
class RefundSeen:
    """`state`: pending, needs_action, done, failed, cancelled. `failure` is why, where it failed:
    `charge_for_pending_refund_disputed` when the payer's bank contested the payment meanwhile."""

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
    reference: str | None = None


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
    refund, transfer, account, chargeback, payout, other. `intent_id` is the payment it is about where the event says,
    `charge_id` the charge, for what names no payment; `reference` ours from its metadata or transfer
    group. `account` is set for an event of an expert's own account (its own payouts, say).
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
    charge_id: str | None = None


@dataclass(frozen=True)
class Found:
    """What carries a reference of ours at the provider."""

    refunds: tuple[RefundSeen, ...] = ()
    transfers: tuple[TransferSeen, ...] = ()


class ChargebackState(enum.StrEnum):
    """How a dispute at the payer's bank stands.

    `INQUIRY`: the bank only asks, no money moved; `INQUIRY_CLOSED`: it asks no more. `OPEN`: evidence
    is awaited; `REVIEW`: evidence was sent; `WON`, `LOST`: decided; `PREVENTED`: settled before it
    became one.
    """

    INQUIRY = "inquiry"
    INQUIRY_CLOSED = "inquiry_closed"
    OPEN = "open"
    REVIEW = "review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


@dataclass(frozen=True)
class ChargebackSeen:
    """A dispute at the payer's bank. Amounts in minor units.

    `taken_minor` is what it has taken from our balance and not given back (0 for an inquiry, and once
    won); `fee_minor` what the provider asks for it, less what it returned; `withdrawn_minor` and
    `withdrawn_fee_minor` are both before anything came back. `evidence_due` may be missing.
    `submitted`: evidence was sent; it can be sent once.
    """

    id: str
    state: ChargebackState
    amount_minor: int
    currency: str
    reason: str
    intent_id: str | None = None
    charge_id: str | None = None
    evidence_due: datetime | None = None
    submitted: bool = False
    taken_minor: int = 0
    fee_minor: int = 0
    withdrawn_minor: int = 0
    withdrawn_fee_minor: int = 0
    reference: str | None = None


@dataclass(frozen=True)
class BankTransfer:
    """Where a company sends its money, and what it writes with it, so that the provider knows whose it is.

    Empty words where what it had sent before has paid it at once.
    """

    intent_id: str
    customer_id: str
    iban: str
    bic: str
    holder: str
    country: str
    payment_reference: str
    instructions_url: str | None = None


@dataclass(frozen=True)
class PayoutSeen:
    """Our own money on its way to our bank. `state`: pending, under_way, done, failed, cancelled."""

    id: str
    state: str
    amount_minor: int
    currency: str
    arrives: datetime | None = None
    automatic: bool = False
    reference: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class MovementSeen:
    """One line of the provider's own books for our balance: what reconciling compares with ours.

    `kind`: charge, refund, refund_failed, transfer, reversal, chargeback, payout, payout_failed,
    top_up, fee, other. `source` is the object that moved it, or its own id. `amount_minor` is signed (what came in is
    positive), `fee_minor` what was kept of it; the balance changed by the difference.
    """

    id: str
    kind: str
    source: str
    amount_minor: int
    fee_minor: int
    currency: str
    created: datetime
    available: datetime
