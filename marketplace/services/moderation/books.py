"""What the ledger's opaque names mean to an operator: booking numbers, experts, companies."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import Person
from .. import ledger


@dataclass(frozen=True)
class Named:
    """Who or what an id in an account's name is; `reference` is a booking's, for its page."""

    name: str
    reference: str | None = None


# Of an export, at once: enough to be quick, little enough to stand in memory.
PIECE = 2000


def every_line(db: Database, month: date) -> Iterator[tuple[ledger.Line, Mapping[str, Named]]]:
    """All entries of a month with the names of their piece, oldest first, each piece by a session of its own."""
    after = None
    while True:
        with db.reading() as session:
            lines = ledger.lines_after(session, month, after, PIECE)
            names = names_of(session, [one.account for one in lines], [one.subject for one in lines])
        yield from ((one, names) for one in lines)
        if len(lines) < PIECE:
            return
        after = (lines[-1].at, lines[-1].entry_id)


def names_of(
    session: Session, accounts: Iterable[str], subjects: Iterable[uuid.UUID | None] = ()
) -> Mapping[str, Named]:
    """By id as it stands in account names: three statements, whatever the number of accounts."""
    ids: dict[str, set[uuid.UUID]] = {
        "held": {one for one in subjects if one},
        "expert": set(),
        "buyer": set(),
    }
    for account in accounts:
        kind, _colon, rest = account.partition(":")
        if kind in ids:
            ids[kind].add(uuid.UUID(rest.partition(":")[0]))
    found: dict[str, Named] = {}
    bookings = sa.select(Booking.id, Booking.number, Booking.reference).where(Booking.id.in_(ids["held"]))
    for booking_id, number, reference in session.execute(bookings) if ids["held"] else ():
        found[str(booking_id)] = Named(number, reference)
    experts = sa.select(Expert.id, Person.name).join(Person, Person.id == Expert.person_id)
    for expert_id, name in (
        session.execute(experts.where(Expert.id.in_(ids["expert"]))) if ids["expert"] else ()
    ):
        found[str(expert_id)] = Named(name)
    companies = sa.select(Company.id, Company.name).where(Company.id.in_(ids["buyer"]))
    for company_id, name in session.execute(companies) if ids["buyer"] else ():
        found[str(company_id)] = Named(name)
    return found
