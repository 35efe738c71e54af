"""Bookings: each move of booking-process.md that this house makes, one verb a function.

Use-cases take the database, the actor, then names. All take their locks at once (calendar,
company, booking, payment), ask the domain, write record and history row together, and announce.
"""

from .answering import accept, decline, stop, withdraw
from .approving import approve, ask_approval, commit_on_terms, refuse
from .clockwork import due_bookings, run_clock
from .ending import cancel, confirm, refund_if_cancelled
from .holding import extend, hold, let_go
from .on_terms import write_off_invoice
from .paying import open_payment, pay_again
from .repicking import pick_another_slot
from .rescheduling import answer_proposal, propose, withdraw_proposal
from .rescuing import pick_same_brief

__all__ = [
    "accept", "answer_proposal", "approve", "ask_approval", "cancel", "commit_on_terms", "confirm", "decline",
    "due_bookings", "extend", "hold", "let_go", "open_payment", "pay_again", "pick_another_slot",
    "pick_same_brief", "propose", "refund_if_cancelled", "refuse", "run_clock", "stop", "withdraw",
    "withdraw_proposal", "write_off_invoice",
]  # fmt: skip
