"""Refunds that failed, paid another way: an operator notes the bank payment, a second one above the limit.

payments.md, Ledger: "refund failed otherwise / paid another way: … buyer:owed → platform_bank".
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.errors import NotFound, RepaymentRefused, SameOperator
from ...domain.events import RefundSettled
from ...domain.policy import Actor
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.payments import Payment, Refund, Repayment
from ...storage.people import Person
from .. import ledger
from ..bookings.machine import lock_for
from ..people import write_audit
from .standing import refuse_own

REFERENCE = 200


def repay(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, refund_id: uuid.UUID, reference: str, second_above: int
) -> Repayment:  # fmt: skip
    """Note that a refund that failed was paid by a bank transfer of ours, whose `reference` the statement shows.

    Above `second_above` (minor units) it only waits for a second operator. Raises NotFound, OwnCase,
    RepaymentRefused (no reference; paid or proposed already).
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.repay", booking_id)
        refuse_own(tx.session, booking, actor)
        refund = _failed(tx.session, booking, refund_id)
        said = clean_text(reference, REFERENCE)
        if not said:
            raise RepaymentRefused(why="reference")
        known = _standing(tx.session, refund_id)
        if known is not None:
            raise RepaymentRefused(why="paid" if known.decided_at else "waiting")
        assert actor.person_id is not None
        row = Repayment(
            refund_id=refund.id, amount_minor=refund.amount_minor, currency=refund.currency, reference=said,
            proposed_by=actor.person_id, proposed_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()  # Its id is the source of its entries.
        if refund.amount_minor > second_above:
            write_audit(
                tx, actor_id=actor.person_id, act="repayment.proposed", subject=booking.number, reason=said
            )
        else:
            _carry(tx, booking, refund, row, actor)
        return row


def second_repayment(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, repayment_id: uuid.UUID, yes: bool
) -> Repayment:
    """A second operator's yes or no. Raises NotFound, OwnCase, SameOperator, RepaymentRefused (over already)."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.repay", booking_id)
        row = tx.session.get(Repayment, repayment_id)
        if row is None:
            raise NotFound
        refund = _failed(tx.session, booking, row.refund_id)
        if row.decided_at is not None or row.dropped_at is not None:
            raise RepaymentRefused(why="paid" if row.decided_at else "gone")
        if not yes:
            row.dropped_at = tx.now
            write_audit(tx, actor_id=actor.person_id, act="repayment.dropped", subject=booking.number)
            return row
        refuse_own(tx.session, booking, actor)
        if actor.person_id == row.proposed_by:
            raise SameOperator
        _carry(tx, booking, refund, row, actor)
        return row


def _failed(session: Session, booking: Booking, refund_id: uuid.UUID) -> Refund:
    """A failed refund of this booking, nothing else's."""
    refund = session.scalar(
        sa.select(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.id == refund_id, Payment.subject == booking.id, Refund.state == "failed")
    )
    if refund is None:
        raise NotFound
    return refund


def _standing(session: Session, refund_id: uuid.UUID) -> Repayment | None:
    return session.scalar(
        sa.select(Repayment).where(Repayment.refund_id == refund_id, Repayment.dropped_at.is_(None))
    )


def _carry(tx: Tx, booking: Booking, refund: Refund, row: Repayment, actor: Actor) -> None:
    payment = tx.session.get_one(Payment, refund.payment_id)
    row.decided_by, row.decided_at = actor.person_id, tx.now
    ledger.post(
        tx, source=str(row.id), kind=ledger.PAID_ANOTHER_WAY, subject=booking.id, at=tx.now, why="repaid",
        entries=postings.paid_another_way(row.amount_minor, payment.payer_company_id),
    )  # fmt: skip
    write_audit(
        tx, actor_id=actor.person_id, act="repayment.made", subject=booking.number, reason=row.reference
    )
    tx.session.flush()
    tx.announce(RefundSettled(refund.id))


@dataclass(frozen=True)
class OwedRefund:
    """A refund that failed, and what became of it since."""

    refund: Refund
    company: str
    repayment: Repayment | None
    proposed_by: str | None


def owed_refunds(session: Session, booking_id: uuid.UUID) -> Sequence[OwedRefund]:
    """The booking's refunds that failed, oldest first: one statement."""
    rows = session.execute(
        sa.select(Refund, Company.name, Repayment, Person.name)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Company, Company.id == Payment.payer_company_id)
        .outerjoin(Repayment, (Repayment.refund_id == Refund.id) & Repayment.dropped_at.is_(None))
        .outerjoin(Person, Person.id == Repayment.proposed_by)
        .where(Payment.subject == booking_id, Refund.state == "failed")
        .order_by(Refund.decided_at, Refund.id)
    )
    return [OwedRefund(refund, company, repayment, name) for refund, company, repayment, name in rows]
