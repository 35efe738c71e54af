"""Disputes: reports, the 48 hours between the sides, operators' decisions, one appeal, later refunds.

This room calls bookings and never the other way round; the clock reaches it by an event.
"""

from .another import may_have_another, propose_another
from .deciding import accept_decision, appeal, decide, second
from .evidence import MOST_FILES, evidence_file
from .refunding import refund_later, second_refund
from .repaying import repay, second_repayment
from .reporting import Words, answer, kinds_open, report, report_closes, withdraw_report
from .settling import agree, dispute_due, dispute_moved
from .standing import Split, least_of, open_dispute, quote_and_before, share_for, split_of

__all__ = [
    "MOST_FILES", "Split", "Words", "accept_decision", "agree", "answer", "appeal", "decide", "dispute_due", "dispute_moved",
    "evidence_file", "kinds_open", "least_of", "may_have_another", "open_dispute", "propose_another", "quote_and_before", "refund_later", "repay", "report", "report_closes", "second",
    "second_refund", "second_repayment", "share_for", "split_of", "withdraw_report",
]  # fmt: skip
