"""What pages show of bookings: a fixed number of statements, whatever the data."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.pricing import Quote
from ...domain.reviews import visible
from ...storage.availability import Calendar
from ...storage.bookings import Booking, BookingMove, Proposal
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from ...storage.people import Person
from ...storage.reviews import Review
from ...storage.types import another

A_PAGE = 20
SIDES = ("lead", "expert")
_ExpertPerson = another(Person)
_LeadPerson = another(Person)


@dataclass(frozen=True)
class BookingRow:
    """A line of a list of bookings."""

    id: uuid.UUID
    reference: str
    number: str
    state: str
    starts_at: datetime
    ends_at: datetime
    deadline: datetime | None
    created_at: datetime
    title: str
    language: str
    expert_name: str
    lead_name: str | None
    company_name: str | None
    capture_failed: bool
    price_minor: int


def held_by(
    session: Session, person_id: uuid.UUID | None, now: datetime
) -> Sequence[sa.Row[str, str, str, datetime]]:
    """The slots a person holds now, the first to run out first: reference, title and its language, starts_at."""
    return session.execute(
        sa.select(Booking.reference, OfferVersion.title, OfferVersion.language, Booking.starts_at)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .where(Booking.lead_id == person_id, Booking.state == "held", Booking.deadline > now)
        .order_by(Booking.deadline, Booking.id)
        .limit(5)
    ).all()


@dataclass(frozen=True)
class Listed:
    """A page of a list; `after` leads to the next one (created_at and id of the last line)."""

    rows: Sequence[BookingRow]
    after: tuple[datetime, uuid.UUID] | None


def list_bookings(
    session: Session,
    *,
    lead_id: uuid.UUID | None = None,
    expert_id: uuid.UUID | None = None,
    states: Sequence[str] = (),
    text: str = "",
    after: tuple[datetime, uuid.UUID] | None = None,
    most: int = A_PAGE,
) -> Listed:
    """Newest first, keyset-paged; for a lead, for an expert, or (neither given) for operators.

    An expert does not see what was never asked of them (a hold). `text` is a number, a name or a
    company, for operators.
    """
    query = (
        sa.select(
            Booking.id, Booking.reference, Booking.number, Booking.state, Booking.starts_at, Booking.ends_at,
            Booking.deadline, Booking.created_at, OfferVersion.title, OfferVersion.language,
            _ExpertPerson.name.label("expert_name"), _LeadPerson.name.label("lead_name"),
            Company.name.label("company_name"), Booking.capture_failed_at.is_not(None).label("capture_failed"),
            Booking.price_minor,
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_ExpertPerson, _ExpertPerson.id == Expert.person_id)
        .outerjoin(_LeadPerson, _LeadPerson.id == Booking.lead_id)
        .outerjoin(Company, Company.id == Booking.company_id)
        .where(Booking.origin == "made")
        .order_by(Booking.created_at.desc(), Booking.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if lead_id is not None:
        query = query.where(Booking.lead_id == lead_id)
    if expert_id is not None:
        query = query.where(Booking.expert_id == expert_id, Booking.committed_at.is_not(None))
    if states:
        query = query.where(Booking.state.in_(states))
    if text:
        like = f"%{_escaped(text)}%"
        query = query.where(
            sa.or_(*(column.ilike(like, escape="\\") for column in (
                Booking.number, _ExpertPerson.name, _LeadPerson.name, Company.name, OfferVersion.title)))
        )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(Booking.created_at, Booking.id) < after)
    rows = [BookingRow(*tuple(row)) for row in session.execute(query)]
    more = len(rows) > most
    rows = rows[:most]
    return Listed(rows, (rows[-1].created_at, rows[-1].id) if more else None)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True)
class BookingPage:
    """Everything a page about one booking may need; what each reader may see is the page's to keep to."""

    booking: Booking
    version: OfferVersion
    offer: Offer
    expert: Expert
    expert_person: Person
    calendar_zone: str
    lead: Person
    company: Company
    brief: Brief
    moves: Sequence[BookingMove]
    actors: dict[uuid.UUID, str]
    quote: Quote | None
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    transfer: Transfer | None
    reviews: dict[str, Review]
    # Other times proposed, oldest first.
    proposals: Sequence[Proposal]

    def reviews_shown(self, now: datetime) -> list[Review]:
        """The reviews both sides may read now (booking-process.md, Reviews); hidden ones are not among them."""
        until = self.booking.reviews_until
        if until is None or not visible(both_in=len(self.reviews) == len(SIDES), until=until, now=now):
            return []
        return [review for review in self.reviews.values() if review.hidden_at is None]


def booking_page(session: Session, booking: Booking) -> BookingPage:
    """All about one made booking, in nine statements."""
    row = session.execute(
        sa.select(OfferVersion, Offer, Expert, _ExpertPerson, Calendar.zone, _LeadPerson, Company, Brief)
        .select_from(Booking)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Offer, Offer.id == Booking.offer_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_ExpertPerson, _ExpertPerson.id == Expert.person_id)
        .join(Calendar, Calendar.expert_id == Expert.id)
        .join(_LeadPerson, _LeadPerson.id == Booking.lead_id)
        .join(Company, Company.id == Booking.company_id)
        .join(Brief, Brief.id == Booking.brief_id)
        .where(Booking.id == booking.id)
    ).one()
    version, offer, expert, expert_person, zone, lead, company, brief = row
    moves = session.scalars(
        sa.select(BookingMove)
        .where(BookingMove.booking_id == booking.id)
        .order_by(BookingMove.at, BookingMove.id)
    ).all()
    people = {move.actor_id for move in moves if move.actor_id}
    # `.all()`: a result has keys(), so dict() alone would take it for a mapping.
    actors = dict(session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(people))).all())
    payments = session.scalars(
        sa.select(Payment).where(Payment.subject == booking.id).order_by(Payment.created_at, Payment.id)
    ).all()
    refunds = session.scalars(
        sa.select(Refund).join(Payment, Payment.id == Refund.payment_id).where(Payment.subject == booking.id)
        .order_by(Refund.decided_at)
    ).all()  # fmt: skip
    transfer = session.scalar(sa.select(Transfer).where(Transfer.subject == booking.id))
    reviews = session.scalars(sa.select(Review).where(Review.booking_id == booking.id)).all()
    proposals = session.scalars(
        sa.select(Proposal).where(Proposal.booking_id == booking.id).order_by(Proposal.made_at, Proposal.id)
    ).all()
    return BookingPage(
        booking=booking, version=version, offer=offer, expert=expert, expert_person=expert_person,
        calendar_zone=zone, lead=lead, company=company, brief=brief, moves=moves, actors=actors,
        quote=Quote.from_dict(booking.quote) if booking.quote else None, payments=payments, refunds=refunds,
        transfer=transfer, reviews={review.side: review for review in reviews}, proposals=proposals,
    )  # fmt: skip
