"""What refunds take of the quote's lines, and their entries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.pricing import LINES, Quote
from ...storage.db import Tx
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from .. import ledger


def share_left(session: Session, payment: Payment) -> int:
    """The expert's share of what is not decided to go back to the buyer, minor units."""
    taken = sa.select(Refund.lines).where(Refund.payment_id == payment.id, ~Refund.borne_by_us)
    return share_kept(Quote.from_dict(payment.quote), payment, sum_lines(session.scalars(taken)))


def share_kept(quote: Quote, payment: Payment, gone: Mapping[str, int]) -> int:
    """The expert's share where `gone` of the lines goes back, minor units."""
    entries = postings.share_due(quote, payment.subject, payment.payee_expert_id, gone)
    return -dict(entries)[postings.payable(payment.payee_expert_id)]


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


def post_refund(
    tx: Tx, payment: Payment, refund: Refund, *, against: str = postings.PROVIDER_BALANCE
) -> None:
    """The entries of a refund that is done; `against`: the account in the place of provider_balance."""
    quote = Quote.from_dict(payment.quote)
    if refund.kind == "overpaid":
        entries = postings.overpaid_returned(refund.amount_minor, payment.payer_company_id)
    elif refund.borne_by_us:
        entries = postings.refund_borne_by_us(refund.amount_minor)
    elif refund.after_share:
        before = refunded_before(tx.session, refund)
        entries = postings.refund_after_share(quote, refund.lines, payment.payee_expert_id, before)
        _transfer_less(tx, payment, dict(entries)[postings.payable(payment.payee_expert_id)])
    else:
        entries = postings.refund_before_share(refund.lines, payment.subject)
    ledger.post(
        tx, source=refund.provider_id or str(refund.id), kind=ledger.REFUND, subject=payment.subject, at=tx.now,
        entries=postings.against(against, entries), why=refund.why,
    )  # fmt: skip


def _transfer_less(tx: Tx, payment: Payment, minor: int) -> None:
    """What goes back to the buyer is not transferred; nothing left means no transfer."""
    transfer = tx.session.scalar(
        sa.select(Transfer).where(Transfer.payment_id == payment.id, Transfer.state == "due")
    )
    if transfer is None:
        return
    if transfer.amount_minor > minor:
        transfer.amount_minor -= minor
    else:
        transfer.state, transfer.held_up_by, transfer.ended_at = "failed", "refunded", tx.now
