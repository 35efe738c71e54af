"""The ledger room: posting groups of entries, reading them, and checking that the books hold.

Double entry, append-only, per currency (design: payments.md, Ledger). An entry's amount is signed,
in minor units: positive is debit, negative is credit; a group's sum is zero. What is posted when
is decided in `domain/postings.py`; this room only writes it down once and finds what does not fit.
"""

from ...domain.own_funds import Owed, OwnFunds
from .checking import Finding, amount, check
from .covering import own_funds
from .posting import (
    CAPTURED,
    INVOICE_PAID,
    INVOICED,
    NOT_REVERSED,
    PAID_ANOTHER_WAY,
    PAYOUT_FAILED,
    PLATFORM_PAYOUT,
    PROVIDER_FEE,
    REDECIDED,
    REFUND,
    REFUND_FAILED,
    REVERSAL,
    SET_OFF,
    SHARE_DUE,
    TOP_UP,
    TRANSFER,
    VAT_PAID,
    WRITTEN_OFF,
    Entries,
    LedgerConflict,
    is_posted,
    post,
)
from .reading import Group, balance, balances, entries_of
from .reconciling import differences, read_movements
from .watching import findings_of, last_check, short, stopped, watch, wrong_schedule

__all__ = [
    "CAPTURED",
    "INVOICED",
    "INVOICE_PAID",
    "NOT_REVERSED",
    "PAID_ANOTHER_WAY",
    "PAYOUT_FAILED",
    "PLATFORM_PAYOUT",
    "PROVIDER_FEE",
    "REDECIDED",
    "REFUND",
    "REFUND_FAILED",
    "REVERSAL",
    "SET_OFF",
    "SHARE_DUE",
    "TOP_UP",
    "TRANSFER",
    "VAT_PAID",
    "WRITTEN_OFF",
    "Entries",
    "Finding",
    "Group",
    "LedgerConflict",
    "Owed",
    "OwnFunds",
    "amount",
    "balance",
    "balances",
    "check",
    "differences",
    "entries_of",
    "findings_of",
    "is_posted",
    "last_check",
    "own_funds",
    "post",
    "read_movements",
    "short",
    "stopped",
    "watch",
    "wrong_schedule",
]
