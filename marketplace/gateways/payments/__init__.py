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

from .errors import (
    REFUSED_BECAUSE,
    Declined,
    NeedsAction,
    NotTrusted,
    PaymentError,
    Refused,
    Unavailable,
    Unknown,
)
from .port import (
    ACCOUNT_COUNTRIES,
    CURRENCY,
    EVIDENCE_FIELDS,
    MOST_EVENT_BYTES,
    MOST_EVIDENCE,
    SIGNATURE_SECONDS,
    Payments,
)
from .values import (
    AccountSeen,
    BalanceSeen,
    BankTransfer,
    ChargebackSeen,
    ChargebackState,
    Checkout,
    Found,
    Link,
    MovementSeen,
    PaymentSeen,
    PaymentState,
    PayoutSeen,
    ProviderEvent,
    RefundSeen,
    ReversalSeen,
    TransferSeen,
)

__all__ = [
    "ACCOUNT_COUNTRIES",
    "CURRENCY",
    "EVIDENCE_FIELDS",
    "MOST_EVENT_BYTES",
    "MOST_EVIDENCE",
    "REFUSED_BECAUSE",
    "SIGNATURE_SECONDS",
    "AccountSeen",
    "BalanceSeen",
    "BankTransfer",
    "ChargebackSeen",
    "ChargebackState",
    "Checkout",
    "Declined",
    "Found",
    "Link",
    "MovementSeen",
    "NeedsAction",
    "NotTrusted",
    "PaymentError",
    "PaymentSeen",
    "PaymentState",
    "Payments",
    "PayoutSeen",
    "ProviderEvent",
    "RefundSeen",
    "Refused",
    "ReversalSeen",
    "TransferSeen",
    "Unavailable",
    "Unknown",
]
