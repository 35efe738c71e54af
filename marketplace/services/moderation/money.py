"""Bookings with the money of each, and their sums: for the pages of people and of offers. Minor units."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.payments import Payment
from ...storage.payouts import Transfer
from ...storage.people import Person
from ...storage.types import another

A_PAGE = 20
# What is still to happen: said before somebody is suspended or an offer hidden, since it stays as it is.
OPEN = ("held", "awaiting_approval", "requested", "accepted", "confirmed", "delivered", "disputed")
After = tuple[datetime, uuid.UUID] | None
_Lead, _Seller = another(Person), another(Person)


@dataclass(frozen=True)
class MoneyRow:
    """A booking with its money in minor units: taken from the buyer, given back, the expert's share and where that is."""

    id: uuid.UUID
    reference: str
    number: str
    state: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    title: str
    language: str
    expert_name: str
    lead_name: str | None
    company_name: str | None
    lead_id: uuid.UUID | None
    taken: int
    returned: int
    share: int | None
    share_state: str | None


@dataclass(frozen=True)
class Money:
    """The same of all bookings together, and how many are still open."""

    bookings: int
    open: int
    taken: int
    returned: int
    transferred: int
    due: int


def whose_bookings(person_id: uuid.UUID) -> sa.ColumnElement[bool]:
    """The bookings a person leads or gives."""
    own = sa.select(Expert.id).where(Expert.person_id == person_id).scalar_subquery()
    return sa.or_(Booking.lead_id == person_id, Booking.expert_id == own)


def bookings_with_money(
    session: Session, which: sa.ColumnElement[bool], *, after: After = None, most: int = A_PAGE
) -> tuple[list[MoneyRow], After]:
    """Bookings with what was taken, given back and is due of each; newest first, keyset-paged, one statement."""
    taken, returned = (
        sa.select(sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger))
        .where(Payment.subject == Booking.id)
        .scalar_subquery()
        for column in (Payment.captured_minor, Payment.refunded_minor)
    )
    query = (
        sa.select(
            Booking.id, Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at,
            Booking.created_at, OfferVersion.title, OfferVersion.language, _Seller.name, _Lead.name, Company.name,
            Booking.lead_id, taken, returned, Transfer.amount_minor, Transfer.state,
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_Seller, _Seller.id == Expert.person_id)
        .outerjoin(_Lead, _Lead.id == Booking.lead_id)
        .outerjoin(Company, Company.id == Booking.company_id)
        .outerjoin(Transfer, Transfer.subject == Booking.id)
        .where(which, Booking.origin == "made")
        .order_by(Booking.created_at.desc(), Booking.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(Booking.created_at, Booking.id) < after)
    rows = [MoneyRow(*tuple(row)) for row in session.execute(query)]
    return rows[:most], (rows[most - 1].created_at, rows[most - 1].id) if len(rows) > most else None


def money_of(session: Session, which: sa.ColumnElement[bool]) -> Money:
    """The sums over all of them, one statement."""
    payments = (
        sa.select(
            Payment.subject,
            sa.func.sum(Payment.captured_minor).label("taken"),
            sa.func.sum(Payment.refunded_minor).label("returned"),
        )
        .group_by(Payment.subject)
        .subquery()
    )
    total, nothing = sa.func.sum, sa.literal(0)
    row = session.execute(
        sa.select(
            sa.func.count(Booking.id),
            sa.func.count(Booking.id).filter(Booking.state.in_(OPEN)),
            sa.func.coalesce(total(payments.c.taken), nothing),
            sa.func.coalesce(total(payments.c.returned), nothing),
            sa.func.coalesce(total(Transfer.amount_minor).filter(Transfer.state == "done"), nothing),
            sa.func.coalesce(
                total(Transfer.amount_minor).filter(Transfer.state.in_(("due", "intended", "sent"))), nothing
            ),
        )
        .select_from(Booking)
        .outerjoin(payments, payments.c.subject == Booking.id)
        .outerjoin(Transfer, Transfer.subject == Booking.id)
        .where(which, Booking.origin == "made")
    ).one()
    return Money(*(int(each) for each in row))
