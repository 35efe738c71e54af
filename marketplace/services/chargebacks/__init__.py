"""Chargebacks as operators answer them: the evidence built from the booking, staged, sent once.

What the provider says of a chargeback, and what it does to the books, is the room of payments'.
"""

from .answering import digest, run_clock, save_statement, say_otherwise, send, stage
from .reading import (
    TABS,
    ChargebackPage,
    chargeback_counts,
    chargeback_page,
    chargebacks_about,
    list_chargebacks,
)

__all__ = [
    "TABS", "ChargebackPage", "chargeback_counts", "chargeback_page", "chargebacks_about", "digest", "list_chargebacks", "run_clock",
    "save_statement", "say_otherwise", "send", "stage",
]  # fmt: skip
