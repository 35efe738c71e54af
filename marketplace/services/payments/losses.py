"""What a lost chargeback took and we bore, where a share that is decided later covers part of it.

"What stands in dispute_losses does not count in a decided share" (payments.md): the share is asked of the
whole, and what the cap on refunds has no room for is what the bank gave the buyer already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from ...domain import postings
from ...domain.chargebacks import taken_by_losses
from ...storage.chargebacks import Chargeback
from ...storage.db import Tx
from ...storage.payments import Payment, Refund
from .. import ledger
from .refunding import left_to_refund


def split_by_losses(
    tx: Tx, payment: Payment, lines: Mapping[str, int]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """(what is to be sent, what a lost chargeback has taken already) of a refund, line by line."""
    lost = sum(row.loss_minor - row.covered_minor for row in _losses(tx, payment))
    if not lost:
        return lines, {}
    tx.session.flush()
    tx.session.refresh(payment)
    return taken_by_losses(lines, room=left_to_refund(payment), lost=lost)


def make_room(tx: Tx, payment: Payment, minor: int) -> str:
    """Of our losses, `minor` is a refund from now on and no longer counts beside it; whose chargeback it was."""
    first = ""
    for row in _losses(tx, payment):
        part = min(minor, row.loss_minor - row.covered_minor)
        row.covered_minor += part
        minor -= part
        first = first or row.provider_id
        payment.lost_minor -= part
    tx.session.flush()
    return first


def post_refunded_loss(tx: Tx, payment: Payment, refund: Refund) -> None:
    """What was our loss is contested money again, which the refund's own entries then take."""
    ledger.post(
        tx, source=str(refund.id), kind=ledger.LOSS_REFUNDED, subject=payment.subject, at=tx.now, why=refund.why,
        entries=postings.undone(postings.chargeback_lost(refund.amount_minor)),
    )  # fmt: skip


def _losses(tx: Tx, payment: Payment) -> Sequence[Chargeback]:
    return tx.session.scalars(
        sa.select(Chargeback)
        .where(Chargeback.payment_id == payment.id, Chargeback.loss_minor > Chargeback.covered_minor)
        .order_by(Chargeback.booked_at, Chargeback.id)
    ).all()
