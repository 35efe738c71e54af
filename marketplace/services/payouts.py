"""Payouts: what is due to experts, when and why, and its transfer (booking-process.md, `transfer_due`)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.errors import ProviderBusy
from ..domain.events import ProviderCallDue
from ..domain.pricing import Quote
from ..gateways.payments import Payments
from ..storage import locks
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.payments import Payment, ProviderCall, Refund
from ..storage.payouts import Transfer
from .payments import carry_out
from .payments.asking import write_call

log = logging.getLogger(__name__)
AT_ONCE = 100


def schedule_transfer(tx: Tx, payment: Payment, *, amount_minor: int, due_at: datetime, why: str) -> None:
    """Put the expert's share of a payment on the calendar, once a payment."""
    if tx.session.scalar(sa.select(Transfer.id).where(Transfer.payment_id == payment.id)):
        return
    tx.session.add(
        Transfer(
            payment_id=payment.id, expert_id=payment.payee_expert_id, subject=payment.subject,
            amount_minor=amount_minor, currency=payment.currency, due_at=due_at, why=why, made_at=tx.now,
        )
    )  # fmt: skip


def run_due_transfers(db: Database, gateway: Payments) -> int:
    """Send every share whose day has come and that nothing stands in the way of; how many left."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(Transfer.id)
            .where(Transfer.state == "due", Transfer.due_at <= db.clock())
            .order_by(Transfer.due_at).limit(AT_ONCE)
        ).all()  # fmt: skip
    return sum(_send(db, gateway, transfer_id) for transfer_id in due)


def _send(db: Database, gateway: Payments, transfer_id: uuid.UUID) -> bool:
    try:
        call_id = _intend(db, transfer_id)
        if call_id is not None:
            carry_out(db, gateway, call_id)
        with db.reading() as session:
            return session.get_one(Transfer, transfer_id).state == "done"
    except ProviderBusy:
        return False
    except Exception:
        log.exception("transfer %s could not be sent", transfer_id)
        return False


def _intend(db: Database, transfer_id: uuid.UUID) -> uuid.UUID | None:
    """Look again just before the call: frozen, restricted, or a refund under way, and it waits."""
    with db.transaction() as tx:
        transfer = tx.session.get_one(Transfer, transfer_id)
        payment = tx.session.get_one(Payment, transfer.payment_id)
        locks.take(
            tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
            payment=payment.id,
        )  # fmt: skip
        tx.session.refresh(transfer)
        tx.session.refresh(payment)
        if transfer.state != "due":
            return None
        expert = tx.session.get_one(Expert, transfer.expert_id)
        transfer.held_up_by = _in_the_way(tx.session, payment, expert)
        if transfer.held_up_by is not None:
            return None
        tries = tx.session.scalar(
            sa.select(sa.func.count()).where(
                ProviderCall.payment_id == payment.id, ProviderCall.kind == "transfer"
            )
        )
        # A refusal stays under its key, so each new try is a call of its own.
        call = write_call(
            tx, payment, "transfer", f"transfer/{transfer.id}/{tries}",
            {
                "amount_minor": transfer.amount_minor, "currency": transfer.currency,
                "account_id": expert.account_id, "charge_id": payment.charge_id, "reference": payment.reference,
            },
        )  # fmt: skip
        if call is None:
            return None
        transfer.state = "intended"
        tx.announce(ProviderCallDue(call.id))
        return call.id


def _in_the_way(session: Session, payment: Payment, expert: Expert) -> str | None:
    if payment.frozen_by is not None:
        return "frozen"
    if expert.account_id is None or expert.account_status != "active":
        return "account_restricted"
    unposted = sa.select(Refund.id).where(
        Refund.payment_id == payment.id, Refund.after_share, Refund.state.in_(("intended", "sent", "pending"))
    )
    return "refund_under_way" if session.scalar(unposted) else None


@dataclass(frozen=True)
class MoneyRow:
    """One session's money, from the expert's side. Amounts in minor units."""

    subject: uuid.UUID
    quote: Quote
    share: int
    state: str  # authorised, held, due, transferred, returned
    due_at: datetime | None
    why: str | None
    held_up_by: str | None
    done_at: datetime | None
    provider_id: str | None


@dataclass(frozen=True)
class ExpertMoney:
    """All of it, with sums by state."""

    rows: Sequence[MoneyRow]

    def sum_of(self, state: str) -> int:
        """Minor units in that state."""
        return sum(row.share for row in self.rows if row.state == state)


def expert_money(session: Session, expert_id: uuid.UUID, most: int = 200) -> ExpertMoney:
    """Where an expert's money is, newest first: two statements, whatever the data."""
    found = session.execute(
        sa.select(Payment, Transfer)
        .outerjoin(Transfer, Transfer.payment_id == Payment.id)
        .where(Payment.payee_expert_id == expert_id, Payment.state.in_(("authorised", "captured")))
        .order_by(Payment.created_at.desc())
        .limit(most)
    ).all()
    return ExpertMoney([_row(payment, transfer) for payment, transfer in found])


def _row(payment: Payment, transfer: Transfer | None) -> MoneyRow:
    quote = Quote.from_dict(payment.quote)
    state = "authorised" if payment.state == "authorised" else "held"
    share = quote.expert_share
    if transfer is not None:
        state, share = ("transferred" if transfer.state == "done" else "due"), transfer.amount_minor
    elif payment.refunded_minor >= payment.captured_minor > 0:
        state, share = "returned", 0
    return MoneyRow(
        subject=payment.subject, quote=quote, share=share, state=state,
        due_at=transfer.due_at if transfer else None, why=transfer.why if transfer else None,
        held_up_by=transfer.held_up_by if transfer else None, done_at=transfer.ended_at if transfer else None,
        provider_id=transfer.provider_id if transfer else None,
    )  # fmt: skip
