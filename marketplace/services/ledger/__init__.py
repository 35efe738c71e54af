"""The ledger room: posting groups of entries, reading them, and checking that the books hold.

Double entry, append-only, per currency (design: payments.md, Ledger). An entry's amount is signed,
in minor units: positive is debit, negative is credit; a group's sum is zero. What is posted when
is decided in `domain/postings.py`; this room only writes it down once and finds what does not fit.
"""

from .checking import Finding, check
from .posting import (
    CAPTURED,
    NOT_REVERSED,
    PROVIDER_FEE,
    REFUND,
    REFUND_FAILED,
    REVERSAL,
    SHARE_DUE,
    TRANSFER,
    Entries,
    LedgerConflict,
    is_posted,
    post,
)
from .reading import Group, balance, balances, entries_of

__all__ = [
    "CAPTURED",
    "NOT_REVERSED",
    "PROVIDER_FEE",
    "REFUND",
    "REFUND_FAILED",
    "REVERSAL",
    "SHARE_DUE",
    "TRANSFER",
    "Entries",
    "Finding",
    "Group",
    "LedgerConflict",
    "balance",
    "balances",
    "check",
    "entries_of",
    "is_posted",
    "post",
]
