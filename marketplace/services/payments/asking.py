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
from ...domain.errors import RefundTooLarge, ShareUnderway
from ...domain.pricing import Quote
from ...storage.db import Tx
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from .. import ledger
from . import terms
from .intents import ask
from .refunding import refunded_before, refunded_lines

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


def captured_payment(session: Session, subject: uuid.UUID) -> Payment | None:
    """The subject's payment that was taken; of several, the one that still has money in it."""
    return session.scalar(
        sa.select(Payment)
        .where(Payment.subject == subject, Payment.captured_minor > 0)
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


def decide_refund(
    tx: Tx, payment: Payment, *, lines: Mapping[str, int], token: str, why: str, borne_by_us: bool = False
) -> Refund:
    """Send these parts of the quote lines back (minor units), once a token.

    One conditional UPDATE keeps the sum of refunds within what was captured; beyond it, or beyond
    what is left of one line, RefundTooLarge. ShareUnderway while the expert's share is leaving; once it
    has left, their part of the refund is brought back first, and the refund is sent after that. `borne_by_us`: that share stands as it is, and so
    may have left.
    """
    known = tx.session.scalar(sa.select(Refund).where(Refund.token == token))
    if known is not None:
        return known
    _within_each_line(tx.session, payment, lines)
    amount = sum(lines.values())
    tx.session.flush()  # The UPDATE below must see what this transaction wrote of the payment.
    owed = terms.unpaid(payment)
    if not owed:  # Else each line is the bound, and nothing has come that could go back.
        _reserve(tx, payment, amount)
    tx.session.refresh(payment)
    left = None if borne_by_us else _share_that_left(tx.session, payment)
    refund = Refund(
        payment_id=payment.id, kind="credit_note" if owed else "refund", token=token, amount_minor=amount, currency=payment.currency, lines=dict(lines),
        after_share=payment.share_posted_at is not None, why=why, decided_at=tx.now,
        borne_by_us=borne_by_us,
    )  # fmt: skip
    tx.session.add(refund)
    tx.session.flush()  # Its id is the reference at the provider.
    back = _to_bring_back(tx.session, payment, refund, left) if left is not None else 0
    if left is not None and back:
        ask(
            tx, payment, "reverse_transfer", f"reverse/{refund.id}",
            {"transfer_id": left.provider_id, "amount_minor": back},
        )  # fmt: skip
    else:
        send_refund(tx, payment, refund)
    return refund


def _reserve(tx: Tx, payment: Payment, minor: int) -> None:
    """From here on the payment's row is locked: what is read of it stays as it is."""
    reserved = tx.session.execute(
        sa.update(Payment)
        .where(Payment.id == payment.id, Payment.refunded_minor + minor <= Payment.captured_minor)
        .values(refunded_minor=Payment.refunded_minor + minor)
        .execution_options(synchronize_session=False)
    )
    if cast("sa.CursorResult[Any]", reserved).rowcount != 1:
        raise RefundTooLarge(asked=minor, left=payment.captured_minor - payment.refunded_minor)


def send_refund(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Ask the provider for a decided refund, once; a credit note is only booked."""
    if refund.kind == "credit_note":
        terms.credit(tx, payment, refund)
        return
    ask(
        tx, payment, "refund", f"refund/{refund.id}",
        {"intent_id": payment.intent_id, "amount_minor": refund.amount_minor, "reference": str(refund.id)},
    )  # fmt: skip


def _to_bring_back(session: Session, payment: Payment, refund: Refund, left: Transfer) -> int:
    """The expert's part of a refund, as far as it is still with them (minor units)."""
    entries = postings.refund_after_share(
        Quote.from_dict(payment.quote),
        refund.lines,
        payment.payee_expert_id,
        refunded_before(session, refund),
    )
    theirs = dict(entries)[postings.payable(payment.payee_expert_id)]
    return max(0, min(theirs, left.amount_minor - left.reversed_minor))


def _within_each_line(session: Session, payment: Payment, lines: Mapping[str, int]) -> None:
    whole, gone = Quote.from_dict(payment.quote).lines, refunded_lines(session, payment.id)
    for name, minor in lines.items():
        if not 0 <= minor <= whole[name] - gone[name]:
            raise RefundTooLarge(asked=minor, left=whole[name] - gone[name])


def _share_that_left(session: Session, payment: Payment) -> Transfer | None:
    """The transfer that has left for the expert; ShareUnderway while the provider's word on it is awaited."""
    found = session.scalar(
        sa.select(Transfer).where(
            Transfer.payment_id == payment.id, Transfer.state.in_(("intended", "sent", "done"))
        )
    )
    if found is not None and found.state != "done":
        raise ShareUnderway
    return found


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
