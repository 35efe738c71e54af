"""Payments: one try to be paid, by its own machine; intent, call, outcome (payments.md).

This room knows no booking: a payment holds an opaque subject, an amount, a payer and a payee.
What it announces, the rooms to the right react to.
"""

from ...gateways.payments import Payments as PaymentsDoor
from .applying import apply_event, receive_event, refresh
from .asking import (
    drop_live_payment,
    live_payment,
    post_share_due,
    request_capture,
    request_release,
    standing_payment,
    supersede_live_payment,
)
from .carrying import carry_out
from .deciding import decide_refund, drive
from .opening import CheckoutTexts, checkout_url, open_payment, platform_ready
from .outcomes import set_waiting_against
from .refused import account_known, refuse_event, refused_events
from .sweep import sweep
from .terms import Payer, invoice, open_minor, unpaid, write_off

__all__ = [
    "CheckoutTexts", "Payer", "PaymentsDoor", "account_known", "apply_event", "carry_out", "checkout_url",
    "decide_refund", "drive", "drop_live_payment", "invoice", "live_payment", "open_minor", "open_payment", "platform_ready", "post_share_due",
    "receive_event", "refresh", "refuse_event", "refused_events", "request_capture", "request_release", "set_waiting_against", "standing_payment", "supersede_live_payment", "sweep", "unpaid", "write_off",
]  # fmt: skip
