"""The journal: who did what when, to what, and why. Rows are only ever added (a trigger refuses all else)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.people import AuditRow, Person
from ...storage.reviews import Review
from ...storage.types import another
from .money import After

A_PAGE = 50
_NAMED = re.compile(r"(?:(\w+):)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_Seller = another(Person)


@dataclass(frozen=True)
class About:
    """What a line is about: a person, an offer, a booking …, what to call it, and what its page is asked by."""

    kind: str
    words: str
    key: str


@dataclass(frozen=True)
class Line:
    """A line of the journal. No actor: the house itself, the server's shell, or nobody known."""

    id: uuid.UUID
    at: datetime
    actor_id: uuid.UUID | None
    actor: str | None
    act: str
    about: About
    reason: str
    address: str


def read_journal(
    session: Session,
    *,
    person_id: uuid.UUID | None = None,
    act: str = "",
    after: After = None,
    most: int = A_PAGE,
) -> tuple[list[Line], After]:
    """Newest first, keyset-paged; of one act, and by or about one person with what is theirs. Seven statements."""
    query = (
        sa.select(AuditRow, Person.name)
        .outerjoin(Person, Person.id == AuditRow.actor_id)
        .order_by(AuditRow.at.desc(), AuditRow.id.desc())
        .limit(most + 1)
    )
    if person_id is not None:
        theirs = sa.union_all(
            sa.select(sa.literal(str(person_id)).label("subject")),
            sa.select(sa.cast(Expert.id, sa.Text)).where(Expert.person_id == person_id),
            sa.select(sa.literal("expert:") + sa.cast(Expert.id, sa.Text)).where(
                Expert.person_id == person_id
            ),
            sa.select(sa.literal("offer:") + sa.cast(Offer.id, sa.Text))
            .join(Expert, Expert.id == Offer.expert_id)
            .where(Expert.person_id == person_id),
            sa.select(sa.literal("review:") + sa.cast(Review.id, sa.Text)).where(
                Review.author_id == person_id
            ),
        )
        query = query.where(sa.or_(AuditRow.actor_id == person_id, AuditRow.subject.in_(theirs)))
    if act:
        query = query.where(AuditRow.act == act)
    if after is not None:
        query = query.where(sa.tuple_(AuditRow.at, AuditRow.id) < after)
    rows = session.execute(query).all()
    more, rows = len(rows) > most, rows[:most]
    known = _names(session, {row.subject for row, _name in rows})
    lines = [
        Line(row.id, row.at, row.actor_id, name, row.act, known.get(row.subject) or About("", row.subject, ""),
             row.reason, row.address)
        for row, name in rows
    ]  # fmt: skip
    return lines, (lines[-1].at, lines[-1].id) if more else None


def person_of(session: Session, text: str) -> uuid.UUID | None:
    """Whom the journal's filter means: an address, or an id."""
    if text.count("-") == 4:
        try:
            return uuid.UUID(text)
        except ValueError:
            return None
    return session.scalar(sa.select(Person.id).where(Person.email == text.strip().lower()))


def _names(session: Session, subjects: Iterable[str]) -> dict[str, About]:
    """The things lines are about, by what the trail calls them: five statements for all of them."""
    found: dict[str, About] = {}
    ids: dict[uuid.UUID, list[str]] = {}
    numbers: list[str] = []
    for subject in subjects:
        match = _NAMED.fullmatch(subject)
        if match:
            ids.setdefault(uuid.UUID(match.group(2)), []).append(subject)
        elif subject.startswith("case:"):
            number = subject.removeprefix("case:")
            found[subject] = About("case", number, number)
        elif subject.startswith("synonyms:"):
            first = subject.removeprefix("synonyms:")
            found[subject] = About("synonyms", first, first)
        else:
            numbers.append(subject)
    for kind, query in _queries(list(ids)):
        for known, words, key in session.execute(query):
            for subject in ids[known]:
                found.setdefault(subject, About(kind, words or "", str(key)))
    booked = sa.select(Booking.number, Booking.reference).where(Booking.number.in_(numbers))
    found.update(
        (number, About("booking", number, reference)) for number, reference in session.execute(booked)
    )
    return found


def _queries(ids: Sequence[uuid.UUID]) -> list[tuple[str, Any]]:
    title = (
        sa.select(OfferVersion.title)
        .where(OfferVersion.offer_id == Offer.id)
        .order_by(OfferVersion.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return [
        ("person", sa.select(Person.id, Person.name, Person.id).where(Person.id.in_(ids))),
        (
            "person",
            sa.select(Expert.id, _Seller.name, _Seller.id)
            .join(_Seller, _Seller.id == Expert.person_id)
            .where(Expert.id.in_(ids)),
        ),
        (
            "offer",
            sa.select(Offer.id, sa.func.coalesce(title, OfferDraft.content["title"].as_string()), Offer.id)
            .outerjoin(OfferDraft, OfferDraft.offer_id == Offer.id)
            .where(Offer.id.in_(ids)),
        ),
        ("review", sa.select(Review.id, Review.author_name, Review.offer_id).where(Review.id.in_(ids))),
        ("company", sa.select(Company.id, Company.name, Company.id).where(Company.id.in_(ids))),
    ]
