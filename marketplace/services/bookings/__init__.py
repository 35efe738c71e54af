"""Bookings: each move of booking-process.md that this house makes, one verb a function.

Use-cases take the database, the actor, then names. All take their locks at once (calendar,
company, booking, payment), ask the domain, write record and history row together, and announce.
"""

from .answering import accept, decline, stop, withdraw
from .clockwork import due_bookings, run_clock
from .ending import cancel, confirm, refund_if_cancelled
from .holding import extend, hold, let_go, pick_same_brief
from .paying import open_payment, pay_again

__all__ = [
    "accept", "cancel", "confirm", "decline", "due_bookings", "extend", "hold", "let_go", "open_payment",
    "pay_again", "pick_same_brief", "refund_if_cancelled", "run_clock", "stop", "withdraw",
]  # fmt: skip
