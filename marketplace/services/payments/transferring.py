"""The expert's share on its way: what stands in it, what is set off, and the provider's word on it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.events import TransferMade
from ...gateways.payments import TransferSeen
from ...storage.db import Tx
from ...storage.experts import Expert
from ...storage.payments import Payment, Refund
from ...storage.payouts import SetOff, Transfer
from .. import ledger
from .deciding import UNDER_WAY, drive
from .refunding import transfer_of


def in_its_way(session: Session, payment: Payment, expert: Expert) -> str | None:
    """What keeps a share from leaving now ("frozen", "account_restricted", "refund_under_way"), or None."""
    if payment.frozen_by is not None:
        return "frozen"
    if expert.account_id is None or expert.account_status != "active":
        return "account_restricted"
    unposted = sa.select(Refund.id).where(
        Refund.payment_id == payment.id, Refund.after_share, ~Refund.borne_by_us, Refund.state.in_(UNDER_WAY)
    )
    return "refund_under_way" if session.scalar(unposted.limit(1)) else None


def set_off(tx: Tx, transfer: Transfer) -> None:
    """Keep of a transfer what the expert owes, oldest refund first (payments.md: "before a transfer").

    The expert's calendar is locked: their transfers and refunds come one after the other.
    """
    for refund_id, owed in owed_for_refunds(tx.session, transfer.expert_id):
        minor = min(owed, transfer.sent_minor)
        if not minor:
            return
        row = SetOff(
            transfer_id=transfer.id, refund_id=refund_id, amount_minor=minor, currency=transfer.currency,
            made_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()  # Its id is the source of its entries.
        ledger.post(
            tx, source=str(row.id), kind=ledger.SET_OFF, subject=transfer.subject, at=tx.now, why="set_off",
            entries=postings.set_off(minor, transfer.expert_id),
        )  # fmt: skip
        transfer.set_off_minor += minor


def owed_for_refunds(session: Session, expert_id: uuid.UUID) -> Sequence[tuple[uuid.UUID, int]]:
    """(refund, minor units) that an expert still owes, because it could not be brought back; oldest first."""
    made_good = (
        sa.select(SetOff.refund_id, sa.func.sum(SetOff.amount_minor).label("minor"))
        .group_by(SetOff.refund_id)
        .subquery()
    )
    owed = Refund.gap_minor - sa.func.coalesce(made_good.c.minor, 0)
    rows = session.execute(
        sa.select(Refund.id, owed)
        .join(Payment, Payment.id == Refund.payment_id)
        .outerjoin(made_good, made_good.c.refund_id == Refund.id)
        .where(Payment.payee_expert_id == expert_id, Refund.gap_minor > 0, owed > 0)
        .order_by(Refund.decided_at, Refund.id)
    )
    return [(refund_id, int(minor)) for refund_id, minor in rows]


def all_set_off(tx: Tx, payment: Payment, transfer: Transfer) -> None:
    """Nothing is left to send: over, without the provider."""
    transfer.state, transfer.ended_at, transfer.held_up_by = "done", tx.now, None
    tx.announce(TransferMade(transfer.id))
    drive(tx, payment)


def apply_transfer(tx: Tx, payment: Payment, seen: TransferSeen) -> None:
    """The expert's share has left; refunds that waited for the word go on."""
    transfer = transfer_of(tx.session, payment.id)
    if transfer is None or transfer.state == "done":
        return
    if seen.amount_minor != transfer.sent_minor or seen.currency != transfer.currency:
        payment.problem = {"what": "transfer", "minor": seen.amount_minor, "currency": seen.currency}
    transfer.state, transfer.provider_id, transfer.ended_at = "done", seen.id, tx.now
    transfer.held_up_by = None
    ledger.post(
        tx, source=seen.id, kind=ledger.TRANSFER, subject=payment.subject, at=tx.now,
        entries=postings.transferred(transfer.sent_minor, transfer.expert_id), why=transfer.why,
    )  # fmt: skip
    tx.announce(TransferMade(transfer.id))
    drive(tx, payment)


def hold_up_transfer(tx: Tx, payment: Payment, reason: str) -> None:
    """It could not leave now: due again, and the expert's page says what is in the way."""
    transfer = transfer_of(tx.session, payment.id)
    if transfer is None or transfer.state == "done":
        return
    transfer.state, transfer.held_up_by = "due", reason
    drive(tx, payment)
