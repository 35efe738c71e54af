"""One box for everything an operator has in hand: a number, a name, an address, or what the provider calls it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.moderation import Case
from ...storage.offers import Offer, OfferVersion
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from ...storage.people import Person
from .desk import like, list_offers, list_people, part

MOST = 10
_LARGEST = 2**31
# As it is written on the page, in either language.
_CASE = re.compile(r"(?:#|cas\s+|case\s+)?([0-9]{1,10})", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """Something found: what it is, what to call it, and what its page is asked by."""

    kind: str  # booking, person, offer, case, company
    key: str
    words: str
    second: str
    language: str = ""


@dataclass(frozen=True)
class Finds:
    """What was found. `exact` where the text is the very name of one thing: its page can be opened at once."""

    found: list[Found]
    exact: bool


def find(session: Session, text: str) -> Finds:
    """By booking number or reference, case number, id, payment reference, the provider's ids; by name, address, title.

    Six statements, whatever the data.
    """
    text = text.strip()
    if not text:
        return Finds([], False)
    named = [*_bookings(session, text), *_accounts(session, text), *_cases(session, text)]
    if named:
        return Finds(named, len(named) == 1)
    people, _more = list_people(session, text=text, most=MOST)
    offers, _more = list_offers(session, text=text, most=MOST)
    found = [
        *(Found("person", str(one.id), one.name, one.email) for one in people),
        *(
            Found("offer", str(one.id), one.title or "", one.expert_name, one.language or "")
            for one in offers
        ),
        *_companies(session, text),
    ]
    return Finds(found, exact=False)


def _bookings(session: Session, text: str) -> list[Found]:
    """By any name a booking or its money has. Each arm is one look into a unique index."""
    paid = sa.or_(
        *(
            column == text
            for column in (Payment.reference, Payment.checkout_id, Payment.intent_id, Payment.charge_id)
        )
    )
    ids = sa.union(
        sa.select(Booking.id).where(sa.or_(Booking.reference == text, Booking.number == text.upper())),
        sa.select(Payment.subject).where(paid),
        sa.select(Payment.subject)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Refund.provider_id == text),
        sa.select(Transfer.subject).where(Transfer.provider_id == text),
        *([sa.select(Booking.id).where(Booking.id == known)] if (known := _id(text)) else []),
    )
    rows = session.execute(
        sa.select(Booking.reference, Booking.number, OfferVersion.title, OfferVersion.language)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .where(Booking.id.in_(ids), Booking.origin == "made")
        .limit(MOST)
    )
    return [
        Found("booking", reference, number, title, language) for reference, number, title, language in rows
    ]


def _accounts(session: Session, text: str) -> list[Found]:
    """People by their address, the provider’s account or our own id; offers by that."""
    known = _id(text)
    about: list[sa.ColumnElement[bool]] = [Expert.account_id == text, Person.email == text.lower()]
    if known is not None:
        about += [Person.id == known, Expert.id == known, Offer.id == known]
    rows: Any = session.execute(
        sa.select(Person.id, Person.name, Person.email, Offer.id)
        .outerjoin(Expert, Expert.person_id == Person.id)
        # Joined by its own id alone: an expert has many offers, and one line is wanted.
        .outerjoin(Offer, sa.and_(Offer.expert_id == Expert.id, Offer.id == known))
        .where(sa.or_(*about))
        .limit(MOST)
    )
    return [
        Found("offer", str(offer_id), str(offer_id), name)
        if offer_id
        else Found("person", str(person_id), name, email)
        for person_id, name, email, offer_id in rows
    ]


def _cases(session: Session, text: str) -> list[Found]:
    named = _CASE.fullmatch(text)
    number = int(named[1]) if named else 0
    if not 0 < number < _LARGEST:
        return []
    rows = session.execute(sa.select(Case.number, Case.title).where(Case.number == number))
    return [Found("case", str(found), str(found), title) for found, title in rows]


def _companies(session: Session, text: str) -> list[Found]:
    rows = session.execute(
        sa.select(Company.name, Company.domain)
        .where(
            sa.or_(
                like(sa.func.folded(Company.name), text), Company.domain.like(part(text.lower()), escape="\\")
            )
        )
        .order_by(Company.name)
        .limit(MOST)
    )
    return [Found("company", name, name, domain) for name, domain in rows]


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
