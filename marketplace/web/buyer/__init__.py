"""The buyer's rooms: pick a slot, write the brief, pay, and see the booking through."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("buyer", __name__, url_prefix=PREFIX)

# fmt: off
from . import after, approvals, booking, brief, company, dispute, enquiries, pay, questions, queues, receipts, reschedule, slots  # noqa: E402, F401, I001  (they hang their views on the blueprint)
