"""What operators see of chargebacks: a fixed number of statements, whatever the data."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import chargebacks as law
from ...domain.errors import NotFound
from ...storage.bookings import Booking
from ...storage.chargebacks import Chargeback
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.payments import Payment, Refund
from ...storage.people import AuditRow, Person
from ...storage.types import another
from .. import ledger
from .answering import digest

A_PAGE = 20
# What tells most first, then what is only looked up.
ORDER = (
    "uncategorized_text", "product_description", "service_date", "customer_name", "customer_email_address",
    "customer_purchase_ip", "billing_address", "access_activity_log", "duplicate_charge_explanation",
    "cancellation_rebuttal", "refund_refusal_explanation", "refund_policy_disclosure",
    "cancellation_policy_disclosure",
)  # fmt: skip
TABS = ("answer", "bank", "over")
# Where the provider names no deadline: after all that have one (the index says the same).
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_Seller = another(Person)
_due = sa.func.coalesce(Chargeback.evidence_due, sa.text("'9999-01-01 00:00:00+00'::timestamptz"))
_OPEN = Chargeback.ended_at.is_(None)
_TO_SEND = Chargeback.state.in_(law.ANSWERABLE) & Chargeback.sent_at.is_(None)
_WHICH = {
    "answer": _OPEN & _TO_SEND,
    "bank": _OPEN & ~_TO_SEND,
    "over": Chargeback.ended_at.is_not(None),
}


@dataclass(frozen=True)
class Listed:
    """A page of the list; rows hold id, state, reason, amount_minor, evidence_due, sent_at, opened_at,
    ended_at, booked_as, and of the booking reference, number, title, language, company, expert."""

    rows: Sequence[Any]
    after: tuple[datetime, uuid.UUID] | None


def list_chargebacks(
    session: Session, *, tab: str, after: tuple[datetime, uuid.UUID] | None = None, most: int = A_PAGE
) -> Listed:
    """By deadline, the nearest first; those that are over, the newest first. Keyset-paged."""
    over = tab == "over"
    key = Chargeback.ended_at if over else _due
    query = (
        sa.select(
            Chargeback.id, Chargeback.state, Chargeback.reason, Chargeback.amount_minor, Chargeback.evidence_due,
            Chargeback.sent_at, Chargeback.submitted_at, Chargeback.opened_at, Chargeback.ended_at,
            Chargeback.booked_as, Chargeback.refused, key.label("key"), Booking.reference, Booking.number,
            OfferVersion.title, OfferVersion.language, Company.name.label("company"), _Seller.name.label("expert"),
        )
        .join(Payment, Payment.id == Chargeback.payment_id)
        .outerjoin(Booking, Booking.id == Payment.subject)
        .outerjoin(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Company, Company.id == Payment.payer_company_id)
        .join(Expert, Expert.id == Payment.payee_expert_id)
        .join(_Seller, _Seller.id == Expert.person_id)
        .where(_WHICH[tab])
        .order_by(key.desc() if over else key, Chargeback.id)
        .limit(most + 1)
    )  # fmt: skip
    if after is not None:
        at, last = after
        further = key < at if over else key > at
        query = query.where(further | ((key == at) & (Chargeback.id > last)))
    rows = session.execute(query).all()
    more, rows = len(rows) > most, rows[:most]
    return Listed(rows, (rows[-1].key, rows[-1].id) if more else None)


def chargeback_counts(session: Session) -> dict[str, int]:
    """How many wait for an answer, and how many for the bank."""
    answer, bank = session.execute(
        sa.select(
            sa.func.count().filter(_WHICH["answer"]), sa.func.count().filter(_WHICH["bank"])
        ).select_from(Chargeback)
    ).one()  # fmt: skip
    return {"answer": answer, "bank": bank}


@dataclass(frozen=True)
class ChargebackPage:
    """One chargeback with its payment, its booking's names, its steps and the entries about it, oldest first."""

    row: Chargeback
    payment: Payment
    booking: Any
    steps: Sequence[tuple[AuditRow, str]]
    groups: Sequence[ledger.Group]

    @property
    def evidence(self) -> list[tuple[str, str]]:
        """The texts that are sent, by field, in the order they are read."""
        return [(name, self.row.evidence[name]) for name in ORDER if name in self.row.evidence]

    @property
    def shown(self) -> str:
        """What the page shows of the evidence, in short: the button sends that and nothing else."""
        return digest(self.row.evidence)

    @property
    def sends_at(self) -> datetime | None:
        """When the clock sends what nobody sent."""
        return law.send_at(self.row.evidence_due)

    def may_send(self, now: datetime) -> bool:
        """Whether the evidence can be sent now."""
        row = self.row
        return row.sent_at is None and law.may_send(
            row.state, submitted=False, evidence_due=row.evidence_due, now=now
        )


def chargeback_page(session: Session, chargeback_id: uuid.UUID) -> ChargebackPage:
    """One chargeback, whole; NotFound."""
    row = session.get(Chargeback, chargeback_id)
    if row is None:
        raise NotFound
    payment = session.get_one(Payment, row.payment_id)
    booking = session.execute(
        sa.select(
            Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at,
            OfferVersion.title, OfferVersion.language, Company.name.label("company"), _Seller.name.label("expert"),
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Company, Company.id == Booking.company_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_Seller, _Seller.id == Expert.person_id)
        .where(Booking.id == payment.subject)
    ).one_or_none()  # fmt: skip
    steps = session.execute(
        sa.select(AuditRow, sa.func.coalesce(Person.name, ""))
        .outerjoin(Person, Person.id == AuditRow.actor_id)
        .where(AuditRow.subject == row.provider_id)
        .order_by(AuditRow.at, AuditRow.id)
    ).all()
    covered = session.scalars(sa.select(Refund.id).where(Refund.set_against == row.provider_id))
    sources = {row.provider_id, *(str(refund_id) for refund_id in covered)}
    groups = [one for one in ledger.entries_of(session, payment.subject) if one.source in sources]
    return ChargebackPage(row, payment, booking, [(step, name) for step, name in steps], groups)


def chargebacks_about(session: Session, booking_id: uuid.UUID) -> Sequence[Chargeback]:
    """Those of a booking's payments, oldest first, for its page."""
    return session.scalars(
        sa.select(Chargeback)
        .join(Payment, Payment.id == Chargeback.payment_id)
        .where(Payment.subject == booking_id)
        .order_by(Chargeback.opened_at, Chargeback.id)
    ).all()
