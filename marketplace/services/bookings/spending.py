"""What a buyer's side paid: each payment with its refunds, and all together. Minor units."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.policy import Actor
from ...storage.bookings import Booking
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.payments import Payment, Refund, Repayment
from ...storage.people import Person

A_PAGE = 20
# What is of interest to who pays: reserved on the card, taken, or reserved once and given free.
SHOWN = ("authorised", "captured", "released")
After = tuple[datetime, uuid.UUID] | None


@dataclass(frozen=True)
class RefundRow:
    """One refund on its way. `paid_on`: it failed, and was paid from our bank then."""

    amount: int
    state: str
    waits_for: str | None
    decided_at: datetime
    ended_at: datetime | None
    provider_id: str | None
    paid_on: datetime | None


@dataclass(frozen=True)
class PaymentRow:
    """One payment with the session it is for."""

    id: uuid.UUID
    created_at: datetime
    state: str
    amount: int
    captured: int
    refunded: int
    authorised_at: datetime | None
    captured_at: datetime | None
    ended_at: datetime | None
    intent_id: str | None
    reference: str
    number: str
    title: str
    language: str
    starts_at: datetime
    expert_name: str
    lead_id: uuid.UUID | None
    refunds: Sequence[RefundRow] = field(default=())


@dataclass(frozen=True)
class Spending:
    """A page of payments, newest first; `after` leads to the next one."""

    rows: Sequence[PaymentRow]
    after: After


@dataclass(frozen=True)
class Sums:
    """Reserved on cards, taken, and of that asked back, sent back and owed because it did not arrive."""

    reserved: int
    taken: int
    asked: int
    sent: int
    failed: int


def spending(session: Session, actor: Actor, after: After = None, most: int = A_PAGE) -> Spending:
    """The payments of sessions somebody leads, and of the companies they administer: two statements."""
    query = (
        sa.select(
            Payment.id, Payment.created_at, Payment.state, Payment.amount_minor, Payment.captured_minor,
            Payment.refunded_minor, Payment.authorised_at, Payment.captured_at, Payment.ended_at, Payment.intent_id,
            Booking.reference, Booking.number, OfferVersion.title, OfferVersion.language, Booking.starts_at,
            Person.name, Booking.lead_id,
        )
        .join(Booking, Booking.id == Payment.subject)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .where(_theirs(actor), Payment.state.in_(SHOWN))
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(Payment.created_at, Payment.id) < after)
    found = session.execute(query).all()
    more, found = len(found) > most, found[:most]
    refunds = _refunds(session, [row.id for row in found])
    rows = [PaymentRow(*[*row, refunds.get(row.id, ())]) for row in found]
    return Spending(rows, (rows[-1].created_at, rows[-1].id) if more else None)


def sums(session: Session, actor: Actor) -> Sums:
    """All of theirs together, one statement."""
    refunds = (
        sa.select(
            Refund.payment_id,
            *(
                sa.func.sum(Refund.amount_minor).filter(Refund.state.in_(states)).label(name)
                for name, states in (
                    ("asked", ("intended", "sent", "pending")), ("sent", ("done",)), ("failed", ("failed",)),
                )
            ),
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Booking, Booking.id == Payment.subject)
        .where(_theirs(actor))
        .group_by(Refund.payment_id)
        .subquery()
    )  # fmt: skip
    total = sa.func.sum
    row = session.execute(
        sa.select(
            total(Payment.amount_minor).filter(Payment.state == "authorised"), total(Payment.captured_minor),
            total(refunds.c.asked), total(refunds.c.sent), total(refunds.c.failed),
        )
        .select_from(Payment)
        .join(Booking, Booking.id == Payment.subject)
        .outerjoin(refunds, refunds.c.payment_id == Payment.id)
        .where(_theirs(actor))
    ).one()  # fmt: skip
    return Sums(*(int(minor or 0) for minor in row))


def _theirs(actor: Actor) -> sa.ColumnElement[bool]:
    """As the policy's buyer's side says: the lead of a booking, an administrator of its company."""
    companies: Collection[uuid.UUID] = [key for key, roles in actor.companies.items() if "admin" in roles]
    own = Booking.lead_id == actor.person_id
    return sa.or_(own, Booking.company_id.in_(companies)) if companies else own


def _refunds(session: Session, payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[RefundRow]]:
    found: dict[uuid.UUID, list[RefundRow]] = defaultdict(list)
    for row in session.execute(
        sa.select(
            Refund.payment_id, Refund.amount_minor, Refund.state, Refund.waits_for, Refund.decided_at,
            Refund.ended_at, Refund.provider_id, Repayment.decided_at,
        )
        .outerjoin(Repayment, (Repayment.refund_id == Refund.id) & Repayment.dropped_at.is_(None))
        .where(Refund.payment_id.in_(payment_ids), Refund.state != "redecided", Refund.kind == "refund")
        .order_by(Refund.decided_at, Refund.id)
    ):  # fmt: skip
        found[row[0]].append(RefundRow(*tuple[Any, ...](row)[1:]))
    return found
