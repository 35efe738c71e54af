"""What letters say of the refund rule: its steps ahead, and what it left to the expert."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.postings import commission_kept
from ...domain.refunds import refund_steps
from ...storage.payments import Payment, Refund
from .facts import BookingFacts


def steps_ahead(facts: BookingFacts, now: datetime) -> list[tuple[datetime, int, int]]:
    """(until, percent, minor units) of the buyer's refund, from now to the start."""
    if facts.quote is None:
        return []
    return refund_steps(
        facts.quote, policy=facts.policy, who="buyer", now=now, start=facts.starts, best=facts.refund_best
    )


def kept_share(session: Session, facts: BookingFacts) -> int:
    """The expert's share of what a cancelled booking's refund left, minor units.

    By the refunds decided, not by the rule's percentage: those are the amounts that are posted.
    """
    quote = facts.quote
    if quote is None:
        return 0
    refunds = session.scalars(
        sa.select(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.subject == facts.id, Payment.captured_at.is_not(None))
        .where(Refund.token == f"cancel/{facts.id}")
    ).all()
    price = quote.price - sum(int(refund.lines.get("price", 0)) for refund in refunds)
    vat = quote.seller_vat - sum(int(refund.lines.get("seller_vat", 0)) for refund in refunds)
    commission, vat_commission = commission_kept(quote, price)
    return price + vat - commission - vat_commission
