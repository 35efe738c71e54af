"""What pages and letters show of enquiries: a fixed number of statements, whatever the data."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import enquiries as law
from ...domain.availability import Interval
from ...domain.errors import NotFound
from ...domain.policy import Actor
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.enquiries import Enquiry, EnquiryInvitation, EnquiryProposal
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from ..offers import OfferLine, offer_lines

A_PAGE = 20


def slots_of(proposal: EnquiryProposal) -> list[Interval]:
    """What was proposed, as instants."""
    return [
        (datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"]))
        for slot in proposal.slots
    ]


@dataclass(frozen=True)
class ProposalLine:
    """A proposal with the offer it is made of; `offer` is None where that is no longer shown."""

    proposal: EnquiryProposal
    offer: OfferLine | None

    def slots(self, now: datetime) -> list[Interval]:
        """The proposed slots still ahead."""
        return [slot for slot in slots_of(self.proposal) if slot[0] > now]


@dataclass(frozen=True)
class EnquiryPage:
    """An enquiry as its lead sees it: `fitting` are those not invited yet, `invited` the others."""

    enquiry: Enquiry
    company: str
    booking_reference: str | None
    fitting: list[OfferLine]
    invited: list[OfferLine]
    proposals: list[ProposalLine]

    @property
    def room(self) -> int:
        """How many more may be invited."""
        return law.MOST_INVITED - len(self.invited)


def enquiry_page(session: Session, enquiry_id: uuid.UUID) -> EnquiryPage:
    """Four statements. NotFound."""
    enquiry, company, reference = _one(session, enquiry_id)
    invited = set(
        session.scalars(
            sa.select(EnquiryInvitation.expert_id).where(EnquiryInvitation.enquiry_id == enquiry_id)
        )
    )
    proposals = session.scalars(
        sa.select(EnquiryProposal)
        .where(EnquiryProposal.enquiry_id == enquiry_id)
        .order_by(EnquiryProposal.made_at)
    ).all()
    best = [uuid.UUID(one["offer_id"]) for one in enquiry.fitting]
    lines = offer_lines(session, {*best, *(one.offer_id for one in proposals)})
    close = [lines[offer] for offer in best if offer in lines]
    return EnquiryPage(
        enquiry,
        company,
        reference,
        fitting=[line for line in close if line.expert_id not in invited][: law.MOST_INVITED],
        invited=[line for line in close if line.expert_id in invited],
        proposals=[ProposalLine(one, lines.get(one.offer_id)) for one in proposals],
    )


def _one(session: Session, enquiry_id: uuid.UUID) -> tuple[Enquiry, str, str | None]:
    row = session.execute(
        sa.select(Enquiry, Company.name, Booking.reference)
        .join(Company, Company.id == Enquiry.company_id)
        .outerjoin(Booking, Booking.id == Enquiry.booking_id)
        .where(Enquiry.id == enquiry_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]


@dataclass(frozen=True)
class ForExpert:
    """An enquiry as one expert sees it: company and details only once invited."""

    enquiry: Enquiry
    company: str | None
    details: str | None
    proposal: EnquiryProposal | None

    @property
    def slots(self) -> list[Interval]:
        """What they proposed."""
        return slots_of(self.proposal) if self.proposal else []


def enquiry_for_expert(session: Session, actor: Actor, enquiry_id: uuid.UUID) -> ForExpert:
    """Open ones are every admitted expert's; others only theirs who were invited or proposed. NotFound."""
    enquiry, company, _reference = _one(session, enquiry_id)
    if actor.expert_id is None or actor.applying:
        raise NotFound
    invited = session.scalar(
        sa.select(EnquiryInvitation.id).where(
            EnquiryInvitation.enquiry_id == enquiry_id, EnquiryInvitation.expert_id == actor.expert_id
        )
    )
    proposal = session.scalar(
        sa.select(EnquiryProposal).where(
            EnquiryProposal.enquiry_id == enquiry_id, EnquiryProposal.expert_id == actor.expert_id
        )
    )
    if enquiry.state != "open" and not invited and proposal is None:
        raise NotFound
    if not invited:
        return ForExpert(enquiry, None, None, proposal)
    return ForExpert(enquiry, company, enquiry.details, proposal)


@dataclass(frozen=True)
class EnquiryRow:
    """A line of a list: for a lead with the number of proposals, for an expert with what they did."""

    enquiry: Enquiry
    proposals: int
    invited: bool


@dataclass(frozen=True)
class ListedEnquiries:
    """A page of a list; `after` leads to the next one."""

    rows: Sequence[EnquiryRow]
    after: tuple[datetime, uuid.UUID] | None


def list_enquiries(
    session: Session, lead_id: uuid.UUID, after: tuple[datetime, uuid.UUID] | None = None
) -> ListedEnquiries:
    """A lead's own, newest first."""
    made = (
        sa.select(sa.func.count())
        .where(EnquiryProposal.enquiry_id == Enquiry.id)
        .correlate(Enquiry)
        .scalar_subquery()
    )
    query = sa.select(Enquiry, made, sa.false()).where(Enquiry.lead_id == lead_id)
    return _listed(session, query, after)


def open_enquiries(
    session: Session, expert_id: uuid.UUID, after: tuple[datetime, uuid.UUID] | None = None
) -> ListedEnquiries:
    """For an expert: what is open, and whatever they were invited to or proposed for, newest first."""
    mine = (
        sa.select(sa.func.count())
        .where(EnquiryProposal.enquiry_id == Enquiry.id, EnquiryProposal.expert_id == expert_id)
        .correlate(Enquiry)
        .scalar_subquery()
    )
    invited = (
        sa.exists()
        .where(EnquiryInvitation.enquiry_id == Enquiry.id, EnquiryInvitation.expert_id == expert_id)
        .correlate(Enquiry)
    )
    query = sa.select(Enquiry, mine, invited).where(sa.or_(Enquiry.state == "open", mine > 0, invited))
    return _listed(session, query, after)


def _listed(
    session: Session, query: sa.Select[Any], after: tuple[datetime, uuid.UUID] | None
) -> ListedEnquiries:
    if after is not None:
        query = query.where(sa.tuple_(Enquiry.published_at, Enquiry.id) < after)
    query = query.order_by(Enquiry.published_at.desc(), Enquiry.id.desc()).limit(A_PAGE + 1)
    rows = [EnquiryRow(*row) for row in session.execute(query)]
    last = rows[A_PAGE - 1].enquiry if len(rows) > A_PAGE else None
    return ListedEnquiries(rows[:A_PAGE], (last.published_at, last.id) if last else None)


def invitations_waiting(session: Session, expert_id: uuid.UUID) -> list[Enquiry]:
    """Open enquiries this expert is invited to and has not answered, the next to end first."""
    answered = sa.exists().where(
        EnquiryProposal.enquiry_id == Enquiry.id, EnquiryProposal.expert_id == expert_id
    )
    return list(
        session.scalars(
            sa.select(Enquiry)
            .join(EnquiryInvitation, EnquiryInvitation.enquiry_id == Enquiry.id)
            .where(EnquiryInvitation.expert_id == expert_id, Enquiry.state == "open", ~answered)
            .order_by(Enquiry.deadline)
            .limit(10)
        )
    )


def own_lines(session: Session, expert_id: uuid.UUID) -> list[OfferLine]:
    """The expert's live offers, to answer with; two statements."""
    ids = session.scalars(
        sa.select(Offer.id)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .where(Offer.expert_id == expert_id, Offer.status == "live")
        .order_by(Offer.id)
    ).all()
    lines = offer_lines(session, ids)
    return [lines[offer] for offer in ids if offer in lines]


def fitting_now(session: Session, now: datetime, since: datetime) -> dict[uuid.UUID, list[Enquiry]]:
    """Open enquiries published after `since`, by the experts they fit who may be told: admitted, not suspended."""
    found = session.scalars(
        sa.select(Enquiry)
        .where(Enquiry.state == "open", Enquiry.deadline > now, Enquiry.published_at > since)
        .order_by(Enquiry.published_at)
        .limit(500)
    ).all()
    by_expert: dict[uuid.UUID, list[Enquiry]] = {}
    for enquiry in found:
        for one in enquiry.fitting:
            by_expert.setdefault(uuid.UUID(one["expert_id"]), []).append(enquiry)
    allowed = session.scalars(
        sa.select(Expert.id)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.id.in_(by_expert), Expert.status == "admitted", Person.suspended_at.is_(None))
    )
    return {expert: by_expert[expert] for expert in allowed}
