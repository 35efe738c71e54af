"""What letters say of a booking, read at the moment of writing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ...domain.pricing import Quote
from ...storage.bookings import Booking
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from .stationery import Stationery

# The proposed course of a session, minutes each (look.md, Time bar).
KINDS = ("case", "story", "work", "break", "plan")
COURSES = {180: (30, 30, 60, 15, 45), 210: (30, 45, 75, 15, 45), 240: (30, 45, 90, 15, 60)}


@dataclass(frozen=True)
class Party:
    """Somebody a letter goes to, or is about."""

    id: uuid.UUID
    name: str
    email: str
    language: str
    zone: str

    @property
    def first(self) -> str:
        """The name they are called by."""
        return self.name.split(" ", 1)[0]


@dataclass(frozen=True)
class BookingFacts:
    """A made booking. Amounts in minor units, instants aware UTC."""

    id: uuid.UUID
    reference: str
    number: str
    title: str
    offer_slug: str
    starts: datetime
    ends: datetime
    remote: bool
    instant: bool
    place: str
    state: str
    deadline: datetime | None
    reviews_until: datetime | None
    share_due_at: datetime | None
    lead: Party
    expert: Party
    company: str
    subject: str
    purchase_order: str
    quote: Quote | None
    policy: str
    refund_best: int
    free_until: datetime | None

    @property
    def minutes(self) -> int:
        """The session's length."""
        return int((self.ends - self.starts).total_seconds()) // 60

    @property
    def course(self) -> list[tuple[str, int]]:
        """The session's parts with their minutes; none for a length without a proposed course."""
        return list(zip(KINDS, COURSES.get(self.minutes, ()), strict=False))

    @property
    def total(self) -> int:
        """What the buyer pays, all VAT in it."""
        return self._priced.total

    @property
    def expert_share(self) -> int:
        """What the expert is paid when all goes well."""
        return self._priced.expert_share

    @property
    def place_is_link(self) -> bool:
        """Whether one meets on a page. Only https: a letter makes no other address clickable."""
        return self.place.startswith("https://")

    @property
    def _priced(self) -> Quote:
        if self.quote is None:
            raise ValueError("a booking without a quote has no amounts to write")
        return self.quote


def party(person: Person) -> Party:
    """The person as letters see them."""
    return Party(person.id, person.name, person.email, person.language, person.zone)


def booking_facts(session: Session, booking_id: uuid.UUID) -> BookingFacts | None:
    """The booking's facts; None for an imported one, which has nobody to write to."""
    booking = session.get(Booking, booking_id)
    if booking is None or booking.lead_id is None or booking.company_id is None:
        return None
    version = session.get_one(OfferVersion, booking.version_id)
    expert = session.get_one(Expert, booking.expert_id)
    brief = session.get(Brief, booking.brief_id) if booking.brief_id else None
    return BookingFacts(
        id=booking.id,
        reference=booking.reference,
        number=booking.number,
        title=version.title,
        offer_slug=session.get_one(Offer, booking.offer_id).slug,
        starts=booking.starts_at,
        ends=booking.ends_at,
        remote=booking.format == "remote",
        instant=booking.answered_ahead,
        place=booking.meeting_place,
        state=booking.state,
        deadline=booking.deadline,
        reviews_until=booking.reviews_until,
        share_due_at=booking.share_due_at,
        lead=party(session.get_one(Person, booking.lead_id)),
        expert=party(session.get_one(Person, expert.person_id)),
        company=session.get_one(Company, booking.company_id).name,
        subject=brief.subject if brief else "",
        purchase_order=brief.purchase_order if brief else "",
        quote=Quote.from_dict(booking.quote) if booking.quote else None,
        policy=booking.policy,
        refund_best=booking.refund_best,
        free_until=booking.free_until,
    )


def for_side(stationery: Stationery, facts: BookingFacts, side: str) -> Mapping[str, Any]:
    """What every letter about a booking names, seen from "lead" or "expert".

    The expert reads the company's name, and the lead's own only where a template asks for it, which
    those before `confirmed` do not (booking-process.md, "What an expert sees").
    """
    me, other = (facts.lead, facts.expert) if side == "lead" else (facts.expert, facts.lead)
    links = stationery.links
    address = links.booking if side == "lead" else links.expert_booking
    return {
        "b": facts,
        "me": me,
        "side": side,
        "other_name": other.name if side == "lead" else facts.company,
        "other_first": other.first if side == "lead" else facts.company,
        "other_zone": other.zone,
        "same_day": _day(facts.starts, me.zone) == _day(facts.starts, other.zone)
        and _day(facts.ends, me.zone) == _day(facts.ends, other.zone),
        "page": address(facts.reference, me.language),
        "url": address(facts.reference, me.language),
    }


def _day(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).date().isoformat()
