"""Parts that decide something about a payment: each writes the intent, the call comes after the commit.

They are called with the payment's locks held. Called twice they change nothing more: an intent's
token says why it exists, and exists once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.errors import RefundTooLarge
from ...domain.events import ProviderCallDue
from ...domain.pricing import LINES, Quote
from ...storage.db import Tx
from ...storage.payments import Payment, ProviderCall, Refund
from .. import ledger

LIVE = ("created", "open", "authorised")


def live_payment(session: Session, subject: uuid.UUID) -> Payment | None:
    """The subject's one payment under way, if any."""
    return session.scalar(
        sa.select(Payment).where(
            Payment.subject == subject, Payment.state.in_(LIVE), Payment.superseded_at.is_(None)
        )
    )


def captured_payment(session: Session, subject: uuid.UUID) -> Payment | None:
    """The subject's payment that was taken; of several, the one that still has money in it."""
    return session.scalar(
        sa.select(Payment)
        .where(Payment.subject == subject, Payment.captured_minor > 0)
        .order_by((Payment.refunded_minor < Payment.captured_minor).desc(), Payment.captured_at)
        .limit(1)
    )


def write_call(
    tx: Tx, payment: Payment, kind: str, token: str, parameters: Mapping[str, Any]
) -> ProviderCall | None:
    """The intent, once a token; None when it stood already. Whole parameters, never recomputed."""
    if tx.session.scalar(sa.select(ProviderCall.id).where(ProviderCall.token == token)):
        return None
    call = ProviderCall(
        payment_id=payment.id, kind=kind, token=token, parameters=dict(parameters), made_at=tx.now
    )
    tx.session.add(call)
    tx.session.flush()  # Its id is the idempotency key and goes into the announcement.
    return call


def _ask(tx: Tx, payment: Payment, kind: str, token: str, parameters: Mapping[str, Any]) -> None:
    call = write_call(tx, payment, kind, token, parameters)
    if call is not None:
        tx.announce(ProviderCallDue(call.id))


def request_capture(tx: Tx, payment: Payment) -> None:
    """Take the reserved money."""
    _ask(
        tx, payment, "capture", f"capture/{payment.id}",
        {"intent_id": payment.intent_id, "amount_minor": payment.amount_minor},
    )  # fmt: skip


def request_release(tx: Tx, payment: Payment, *, why: str) -> None:
    """Give the reserved money back."""
    _ask(tx, payment, "release", f"release/{payment.id}", {"intent_id": payment.intent_id})


def drop_live_payment(tx: Tx, subject: uuid.UUID, *, why: str) -> None:
    """Whatever is under way for a subject ends: reserved money is released, an open checkout closed."""
    payment = live_payment(tx.session, subject)
    if payment is not None:
        end_payment(tx, payment, why=why)


def end_payment(tx: Tx, payment: Payment, *, why: str) -> None:
    """End one payment that has not been taken."""
    if payment.state == "authorised":
        request_release(tx, payment, why=why)
    elif payment.checkout_id is not None:
        _ask(tx, payment, "close_checkout", f"close/{payment.id}", {"checkout_id": payment.checkout_id})
    else:
        payment.state = "closed"  # Nobody has its address: nobody can pay there.
        payment.ended_at = tx.now


def decide_refund(tx: Tx, payment: Payment, *, lines: Mapping[str, int], token: str, why: str) -> Refund:
    """Send these parts of the quote lines back (minor units), once a token.

    One conditional UPDATE keeps the sum of refunds within what was captured; beyond it RefundTooLarge.
    """
    known = tx.session.scalar(sa.select(Refund).where(Refund.token == token))
    if known is not None:
        return known
    amount = sum(lines.values())
    tx.session.flush()  # The UPDATE below must see what this transaction wrote of the payment.
    reserved = tx.session.execute(
        sa.update(Payment)
        .where(Payment.id == payment.id, Payment.refunded_minor + amount <= Payment.captured_minor)
        .values(refunded_minor=Payment.refunded_minor + amount)
        .execution_options(synchronize_session=False)
    )
    if cast("sa.CursorResult[Any]", reserved).rowcount != 1:
        raise RefundTooLarge(asked=amount, left=payment.captured_minor - payment.refunded_minor)
    tx.session.refresh(payment)
    refund = Refund(
        payment_id=payment.id, token=token, amount_minor=amount, currency=payment.currency, lines=dict(lines),
        after_share=payment.share_posted_at is not None, why=why, decided_at=tx.now,
    )  # fmt: skip
    tx.session.add(refund)
    tx.session.flush()  # Its id is the reference at the provider.
    _ask(
        tx, payment, "refund", f"refund/{refund.id}",
        {"intent_id": payment.intent_id, "amount_minor": amount, "reference": str(refund.id)},
    )  # fmt: skip
    return refund


def refunded_lines(
    session: Session, payment_id: uuid.UUID, *, after_share: bool | None = None
) -> dict[str, int]:
    """What is decided to go back of each line, over refunds that have not failed."""
    query = sa.select(Refund.lines).where(Refund.payment_id == payment_id, Refund.state != "failed")
    if after_share is not None:
        query = query.where(Refund.after_share.is_(after_share))
    totals = dict.fromkeys(LINES, 0)
    for lines in session.scalars(query):
        for name, minor in lines.items():
            totals[name] += minor
    return totals


def post_share_due(tx: Tx, payment: Payment) -> int:
    """Post what the expert keeps of a payment, once; how much that is (minor units).

    What is decided to be refunded stays in held until the refund's own entries.
    """
    quote = Quote.from_dict(payment.quote)
    refunded = refunded_lines(tx.session, payment.id, after_share=False)
    entries = postings.share_due(quote, payment.subject, payment.payee_expert_id, refunded)
    ledger.post(
        tx, source=str(payment.id), kind=ledger.SHARE_DUE, subject=payment.subject, at=tx.now,
        entries=entries, why="share_due",
    )  # fmt: skip
    payment.share_posted_at = payment.share_posted_at or tx.now
    return -sum(minor for account, minor in entries if account == postings.payable(payment.payee_expert_id))
