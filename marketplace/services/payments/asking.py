"""Parts that decide something about a payment: each writes the intent, the call comes after the commit.

They are called with the payment's locks held. Called twice they change nothing more: an intent's
token says why it exists, and exists once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.errors import RefundTooLarge, ShareUnderway
from ...domain.events import ProviderCallDue
from ...domain.pricing import LINES, Quote
from ...storage.db import Tx
from ...storage.payments import Payment, ProviderCall, Refund
from ...storage.payouts import Transfer
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


def ask_again(tx: Tx, payment: Payment, call: ProviderCall) -> None:
    """The same once more under a new key, where the provider keeps a refusal or nothing under the old one.

    It counts as tried already: what the old key may have done is looked for first.
    """
    again = write_call(tx, payment, call.kind, f"{call.token}/again", call.parameters)
    if again is not None:
        again.tries = 1


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
        _ask(tx, payment, "close_checkout", f"close/{payment.id}", {"checkout_id": payment.checkout_id})
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
    reserved = tx.session.execute(
        sa.update(Payment)
        .where(Payment.id == payment.id, Payment.refunded_minor + amount <= Payment.captured_minor)
        .values(refunded_minor=Payment.refunded_minor + amount)
        .execution_options(synchronize_session=False)
    )
    # From here on the payment's row is locked: what is read of it stays as it is.
    if cast("sa.CursorResult[Any]", reserved).rowcount != 1:
        raise RefundTooLarge(asked=amount, left=payment.captured_minor - payment.refunded_minor)
    tx.session.refresh(payment)
    left = None if borne_by_us else _share_that_left(tx.session, payment)
    refund = Refund(
        payment_id=payment.id, token=token, amount_minor=amount, currency=payment.currency, lines=dict(lines),
        after_share=payment.share_posted_at is not None, why=why, decided_at=tx.now,
        borne_by_us=borne_by_us,
    )  # fmt: skip
    tx.session.add(refund)
    tx.session.flush()  # Its id is the reference at the provider.
    back = _to_bring_back(tx.session, payment, refund, left) if left is not None else 0
    if left is not None and back:
        _ask(
            tx, payment, "reverse_transfer", f"reverse/{refund.id}",
            {"transfer_id": left.provider_id, "amount_minor": back},
        )  # fmt: skip
    else:
        send_refund(tx, payment, refund)
    return refund


def send_refund(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Ask the provider for a decided refund, once."""
    _ask(
        tx, payment, "refund", f"refund/{refund.id}",
        {"intent_id": payment.intent_id, "amount_minor": refund.amount_minor, "reference": str(refund.id)},
    )  # fmt: skip


def refunded_before(session: Session, refund: Refund) -> dict[str, int]:
    """What was decided before this one, whatever became of it: failed ones keep their entries.

    What we bore took nothing of the expert's share.
    """
    return sum_lines(
        session.scalars(
            sa.select(Refund.lines).where(
                Refund.payment_id == refund.payment_id, Refund.id < refund.id, ~Refund.borne_by_us
            )
        )
    )


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


def refunded_lines(
    session: Session, payment_id: uuid.UUID, *, after_share: bool | None = None
) -> dict[str, int]:
    """What is decided to go back of each line. A refund that failed counts: the buyer is owed it still."""
    query = sa.select(Refund.lines).where(Refund.payment_id == payment_id)
    if after_share is not None:
        query = query.where(Refund.after_share.is_(after_share))
    return sum_lines(session.scalars(query))


def sum_lines(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Quote lines added up by name, minor units."""
    totals = dict.fromkeys(LINES, 0)
    for lines in several:
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
