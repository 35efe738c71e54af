"""VAT of closed months, paid to the tax office from our bank."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.errors import VatPaymentRefused
from ...domain.money import EUR
from ...domain.months import begins, month_after
from ...domain.policy import Actor
from ...domain.words import clean_text
from ...storage.db import Database
from ...storage.ledger import LedgerClosing
from ...storage.people import Person
from ...storage.platform_payouts import PlatformPayout, TaxPayment
from .. import ledger
from ..people import write_audit
from .carrying import ALONE


def vat_due(session: Session) -> tuple[date, int, int] | None:
    """(closed month, VAT on service fees, on commissions) to pay the tax office, minor units; None: nothing is.

    What stood at the month's end, less what was paid since: what was paid earlier is gone from it.
    """
    month = ledger.closed_month(session)
    if month is None:
        return None
    stood: dict[str, int] = {
        account: -int(minor)
        for account, minor in session.execute(
            sa.select(LedgerClosing.account, LedgerClosing.closing_minor).where(
                LedgerClosing.month == month.month,
                LedgerClosing.account.in_((postings.VAT_SERVICE_FEE, postings.VAT_COMMISSION)),
                LedgerClosing.currency == EUR,
            )
        )
    }
    fee, commission = session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(TaxPayment.service_fee_minor), 0),
            sa.func.coalesce(sa.func.sum(TaxPayment.commission_minor), 0),
        ).where(TaxPayment.made_at >= month.ends_at)
    ).one()
    on_fees = stood.get(postings.VAT_SERVICE_FEE, 0) - int(fee)
    on_commissions = stood.get(postings.VAT_COMMISSION, 0) - int(commission)
    return (month.month, on_fees, on_commissions) if on_fees + on_commissions > 0 else None


def note_vat_paid(
    db: Database, actor: Actor, *, month: date, paid_on: date | None, reference: str
) -> TaxPayment:
    """Note that a closed month's VAT was paid to the tax office from our bank: who, when, by which reference.

    VatPaymentRefused (why): `not_closed`, `nothing` (paid already, or none is due), `reference` (missing),
    `day` (missing, before the month's end or in the future).
    """
    with db.transaction() as tx:
        tx.session.execute(ALONE)
        due, said = vat_due(tx.session), clean_text(reference, 200)
        if due is None:
            raise VatPaymentRefused(why="nothing", month=month)
        if due[0] != month:
            raise VatPaymentRefused(why="not_closed", month=month)
        if not said:
            raise VatPaymentRefused(why="reference", month=month)
        if paid_on is None or not begins(month_after(month)).date() <= paid_on <= tx.now.date() + timedelta(
            days=1
        ):
            raise VatPaymentRefused(why="day", month=month)
        assert actor.person_id is not None
        row = TaxPayment(
            month=month, service_fee_minor=due[1], commission_minor=due[2], paid_on=paid_on, reference=said,
            made_by=actor.person_id, made_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()  # Its id is the group's source.
        ledger.post(
            tx, source=str(row.id), kind=ledger.VAT_PAID, subject=None, at=tx.now,
            entries=postings.vat_paid(due[1], due[2]), why=said,
        )  # fmt: skip
        write_audit(tx, actor_id=actor.person_id, act="vat.paid", subject=f"{month:%Y-%m}", reason=said)
        return row


def who(
    session: Session, payouts: Sequence[PlatformPayout], paid: Sequence[TaxPayment]
) -> dict[uuid.UUID, str]:
    """The names of the operators in these rows."""
    ids = {one for row in payouts for one in (row.made_by, row.decided_by) if one} | {
        row.made_by for row in paid
    }
    rows = session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {person_id: name for person_id, name in rows}  # noqa: C416 - rows are no pairs to mypy


def tax_payments(session: Session, most: int = 24) -> Sequence[TaxPayment]:
    """The latest payments of VAT, newest first."""
    return session.scalars(sa.select(TaxPayment).order_by(TaxPayment.made_at.desc()).limit(most)).all()
