"""Joining the queue of a full calendar, leaving it, and what a person's own page shows of their places."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import queues as law
from ...domain.availability import Interval
from ...domain.bookings import State
from ...domain.errors import NotFound, QueueRefused
from ...domain.policy import Actor, Parties, may
from ...storage import locks
from ...storage.bookings import Booking, Proposal
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from ...storage.queues import QueuePlace
from ..bookings.holding import free_of
from ..bookings.rescheduling import other_slots, why_not
from ..bookings.wanted import lead_of, refuse_own, wanted_offer

MOST_SHOWN = 50


def join(
    db: Database,
    actor: Actor,
    *,
    offer_id: uuid.UUID,
    first: date,
    last: date,
    zone: str,
    format: str,
    token: str,
) -> QueuePlace:
    """Wait for a slot of an offer that begins between two days, both included, as `zone` counts them.

    Only where none is free; with a later booking of this offer, where none is free before it. `token` is the
    form's own. Raises NotFound, NotBookable, OwnOffer, QueueRefused (why: order, past, far, many_places,
    twice, free with the nearest slots and the reference of the later booking they are another time for), and
    what refuses another time for that one.
    """
    law.check_years(first, last, db.clock())
    place = ZoneInfo(zone)
    begins_at = datetime.combine(first, time(0), place)
    ends_at = datetime.combine(last + timedelta(days=1), time(0), place)
    with db.transaction() as tx:
        wanted = wanted_offer(tx.session, offer_id)
        person, company = lead_of(tx.session, actor)
        refuse_own(wanted, person, company)
        locks.take(tx, calendar=wanted.expert.id, company=company.id)
        key = f"{person.id}/{token}"
        already = tx.session.scalar(sa.select(QueuePlace).where(QueuePlace.token == key))
        if already is not None:
            return already
        law.check_dates(begins_at, ends_at, tx.now)
        ends_at = _refuse_free(tx, person.id, offer_id, begins_at, ends_at)
        _refuse_others(tx, person.id, offer_id)
        made = QueuePlace(
            lead_id=person.id, company_id=company.id, expert_id=wanted.expert.id, offer_id=offer_id, token=key,
            begins_at=begins_at, ends_at=ends_at, zone=zone, joined_at=tx.now, state="waiting",
            format=format if format in ("remote", "on_site") else "remote",
        )  # fmt: skip
        tx.session.add(made)
        tx.session.flush()
        return made


def _refuse_free(
    tx: Tx, person_id: uuid.UUID, offer_id: uuid.UUID, begins_at: datetime, ends_at: datetime
) -> datetime:
    """Where a slot is free already nobody waits. The end of the place: never past a later booking."""
    booked = later_booking(tx.session, person_id, offer_id, begins_at)
    if booked is None:
        now = tx.now
        wanted = wanted_offer(tx.session, offer_id)
        free = free_of(tx.session, wanted, window=(now, now + timedelta(days=61)), now=now).slots
        nearest = law.fitting(free, begins_at, ends_at) or free
    else:
        refusal = why_not(tx.session, booked, now=tx.now)
        # While another time is proposed already, one may wait for a better one.
        if refusal is not None and refusal.facts.get("why") != "open":
            raise refusal
        ends_at = min(ends_at, booked.starts_at)
        nearest = law.fitting(
            other_slots(tx.session, booked, side="lead", now=tx.now).slots, begins_at, ends_at
        )
    if nearest:
        instead = {} if booked is None else {"booking": booked.reference}
        raise QueueRefused(why="free", nearest=nearest[:3], **instead)
    return ends_at


def _refuse_others(tx: Tx, person_id: uuid.UUID, offer_id: uuid.UUID) -> None:
    # Behind the person's own row: two forms of theirs at different offers are counted one after the other.
    tx.session.execute(sa.select(Person.id).where(Person.id == person_id).with_for_update())
    mine = sa.select(QueuePlace.offer_id).where(
        QueuePlace.lead_id == person_id, QueuePlace.state.in_(law.OPEN_PLACES)
    )
    open_of_person = tx.session.scalars(mine).all()
    if offer_id in open_of_person:
        raise QueueRefused(why="twice")
    law.refuse_too_many_places(len(open_of_person))


def later_booking(
    session: Session, person_id: uuid.UUID, offer_id: uuid.UUID, after: datetime
) -> Booking | None:
    """The person's next confirmed booking of this offer that begins after an instant."""
    return session.scalar(
        sa.select(Booking)
        .where(Booking.lead_id == person_id, Booking.offer_id == offer_id, Booking.starts_at > after,
               Booking.state == State.CONFIRMED.value)
        .order_by(Booking.starts_at)
        .limit(1)
    )  # fmt: skip


def leave(db: Database, actor: Actor, *, place_id: uuid.UUID) -> QueuePlace:
    """Give a place up. What was given already stays: a hold is let go on its own page. NotFound, QueueRefused."""
    with db.transaction() as tx:
        place = tx.session.get(QueuePlace, place_id, with_for_update=True)
        if place is None or not may("place.leave", actor, parties_of(place)):
            raise NotFound
        if place.state == "left":
            return place
        if place.state != "waiting":
            raise QueueRefused(why="over")
        place.state, place.closed_at = "left", tx.now
        return place


def parties_of(place: QueuePlace) -> Parties:
    """Who stands on which side of it."""
    return Parties(place.lead_id, place.company_id, None)


@dataclass(frozen=True)
class Place:
    """A place with what it waits for, and what it was given."""

    place: QueuePlace
    title: str
    language: str
    slug: str
    expert_name: str
    # Of the hold, or of the booking another time is proposed for.
    reference: str | None
    slot: Interval | None
    until: datetime | None

    @property
    def last_instant(self) -> datetime:
        """Within the last day, which is included."""
        return self.place.ends_at - timedelta(seconds=1)

    @property
    def days(self) -> tuple[date, date]:
        """First and last day, both included, as they were meant."""
        zone = ZoneInfo(self.place.zone)
        return self.place.begins_at.astimezone(zone).date(), self.last_instant.astimezone(zone).date()


def places_of(session: Session, person_id: uuid.UUID) -> list[Place]:
    """A person's places, the open ones first, then the newest; one statement."""
    return _read(
        session,
        _places()
        .where(QueuePlace.lead_id == person_id)
        .order_by(QueuePlace.closed_at.is_not(None), QueuePlace.joined_at.desc(), QueuePlace.id.desc())
        .limit(MOST_SHOWN),
    )


def place_page(session: Session, place_id: uuid.UUID) -> Place:
    """One statement. NotFound."""
    found = _read(session, _places().where(QueuePlace.id == place_id))
    if not found:
        raise NotFound
    return found[0]


def _places() -> sa.Select[QueuePlace, OfferVersion, str, str, Booking | None, Proposal | None]:
    return (
        sa.select(QueuePlace, OfferVersion, Offer.slug, Person.name, Booking, Proposal)
        .join(Offer, Offer.id == QueuePlace.offer_id)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == QueuePlace.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .outerjoin(Proposal, Proposal.id == QueuePlace.proposal_id)
        .outerjoin(
            Booking, Booking.id == sa.func.coalesce(QueuePlace.booking_id, Proposal.booking_id)
        )
    )  # fmt: skip


def _read(
    session: Session, query: sa.Select[QueuePlace, OfferVersion, str, str, Booking | None, Proposal | None]
) -> list[Place]:
    found = []
    for place, version, slug, name, booking, proposal in session.execute(query):
        slot = until = None
        if proposal is not None:
            slot, until = (proposal.starts_at, proposal.ends_at), proposal.until
        elif booking is not None:
            slot, until = (booking.starts_at, booking.ends_at), booking.deadline
        reference = booking.reference if booking is not None else None
        found.append(Place(place, version.title, version.language, slug, name, reference, slot, until))
    return found


@dataclass(frozen=True)
class Standing:
    """What the slots page says to this person of the queue: their open place here, and a later booking."""

    place: QueuePlace | None
    booked: Booking | None


def standing_of(session: Session, person_id: uuid.UUID, offer_id: uuid.UUID, now: datetime) -> Standing:
    """Two statements."""
    place = session.scalar(
        sa.select(QueuePlace).where(QueuePlace.lead_id == person_id, QueuePlace.offer_id == offer_id,
                                    QueuePlace.state.in_(law.OPEN_PLACES))
    )  # fmt: skip
    return Standing(place, later_booking(session, person_id, offer_id, now))
