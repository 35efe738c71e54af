"""Parts that decide something about a payment: each writes the intent, the call comes after the commit.

They are called with the payment's locks held. Called twice they change nothing more: an intent's
token says why it exists, and exists once.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.pricing import Quote
from ...storage.db import Tx
from ...storage.payments import Payment
from .. import ledger
from .intents import ask
from .refunding import taken_of_the_share

LIVE = ("created", "open", "authorised")


def live_payment(session: Session, subject: uuid.UUID) -> Payment | None:
    """The subject's one payment under way, if any."""
    return session.scalar(
        sa.select(Payment).where(
            Payment.subject == subject, Payment.state.in_(LIVE), Payment.superseded_at.is_(None)
        )
    )


def standing_payment(session: Session, subject: uuid.UUID) -> Payment | None:
    """The subject's payment that was taken, or on company terms is owed; of several, the one with money in it."""
    return session.scalar(
        sa.select(Payment)
        .where(Payment.subject == subject, (Payment.captured_minor > 0) | Payment.invoiced_at.is_not(None))
        .order_by((Payment.refunded_minor < Payment.captured_minor).desc(), Payment.captured_at)
        .limit(1)
    )


def request_capture(tx: Tx, payment: Payment) -> None:
    """Take the reserved money."""
    ask(
        tx, payment, "capture", f"capture/{payment.id}",
        {"intent_id": payment.intent_id, "amount_minor": payment.amount_minor},
    )  # fmt: skip


def request_release(tx: Tx, payment: Payment, *, why: str) -> None:
    """Give the reserved money back."""
    ask(tx, payment, "release", f"release/{payment.id}", {"intent_id": payment.intent_id})


def drop_live_payment(tx: Tx, subject: uuid.UUID, *, why: str) -> None:
    """Whatever is under way for a subject ends: reserved money is released, an open checkout closed."""
    payment = live_payment(tx.session, subject)
    if payment is not None:
        end_payment(tx, payment, why=why)


def supersede_live_payment(tx: Tx, subject: uuid.UUID, *, why: str) -> None:
    """Another will take its place: what is under way ends, and money that comes by it is awaited no more."""
    payment = live_payment(tx.session, subject)
    if payment is not None:
        payment.superseded_at = tx.now
        end_payment(tx, payment, why=why)
        tx.session.flush()  # The index of live payments must let go of it first.


def end_payment(tx: Tx, payment: Payment, *, why: str) -> None:
    """End one payment that has not been taken."""
    if payment.state == "authorised":
        request_release(tx, payment, why=why)
    elif payment.checkout_id is not None:
        ask(tx, payment, "close_checkout", f"close/{payment.id}", {"checkout_id": payment.checkout_id})
    else:
        payment.state = "closed"  # Nobody has its address: nobody can pay there.
        payment.ended_at = tx.now


def post_share_due(tx: Tx, payment: Payment) -> int:
    """Post what the expert keeps of a payment, once; how much that is (minor units).

    What is decided to be refunded stays in held until the refund's own entries.
    """
    quote = Quote.from_dict(payment.quote)
    refunded = taken_of_the_share(tx.session, payment.id, after_share=False)
    entries = postings.share_due(quote, payment.subject, payment.payee_expert_id, refunded)
    ledger.post(
        tx, source=str(payment.id), kind=ledger.SHARE_DUE, subject=payment.subject, at=tx.now,
        entries=entries, why="share_due",
    )  # fmt: skip
    payment.share_posted_at = payment.share_posted_at or tx.now
    return -sum(minor for account, minor in entries if account == postings.payable(payment.payee_expert_id))
