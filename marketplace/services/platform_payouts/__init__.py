"""Our own money to our bank: `own_funds` only, under a lock, never more (payments.md, Shape).

A payout is its own intent: the row with the id that is the key, committed; then the call; then what
the provider said. The monthly one follows the closing of a month, whose VAT leaves with it; operators
may make one at any time, above a limit two of them. What the provider pays out by itself is seen,
booked, and alarmed by the check.
"""

from .carrying import carry_out_payout, follow
from .deciding import Offered, offered, propose, recent, run_monthly, second
from .vat import note_vat_paid, tax_payments, vat_due, who

__all__ = [
    "Offered", "carry_out_payout", "follow", "note_vat_paid", "offered", "propose", "recent", "run_monthly",
    "second", "tax_payments", "vat_due", "who",
]  # fmt: skip
