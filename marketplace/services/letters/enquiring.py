"""Letters about enquiries: invited, answered, closed. Those that fit an expert's offers come in the daily mail."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.enquiries import Enquiry, EnquiryInvitation, EnquiryProposal
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.people import Person
from .desk import put
from .facts import Party, party
from .stationery import Stationery


def enquiry_invited(db: Database, stationery: Stationery, *, invitation_id: uuid.UUID) -> None:
    """Tell the expert, unless it is over already."""
    with db.transaction() as tx:
        invitation = tx.session.get_one(EnquiryInvitation, invitation_id)
        enquiry = tx.session.get_one(Enquiry, invitation.enquiry_id)
        if enquiry.state == "open":
            company = tx.session.get_one(Company, enquiry.company_id).name
            _put(
                tx, stationery, enquiry, "enquiry_invited", _expert(tx, invitation.expert_id), company=company
            )


def enquiry_answered(db: Database, stationery: Stationery, *, proposal_id: uuid.UUID) -> None:
    """Tell the lead that an expert proposes a session."""
    with db.transaction() as tx:
        proposal = tx.session.get_one(EnquiryProposal, proposal_id)
        enquiry = tx.session.get_one(Enquiry, proposal.enquiry_id)
        if enquiry.state == "open":
            expert = _expert(tx, proposal.expert_id)
            _put(
                tx, stationery, enquiry, "enquiry_answered", _lead(tx, enquiry), subject=str(proposal.id),
                expert_name=expert.name, price=proposal.price_minor, words=proposal.words,
                offer_title=tx.session.get_one(OfferVersion, proposal.version_id).title,
            )  # fmt: skip


def enquiry_closed(db: Database, stationery: Stationery, *, enquiry_id: uuid.UUID) -> None:
    """Tell those who proposed something, and the lead where the clock closed it."""
    with db.transaction() as tx:
        enquiry = tx.session.get_one(Enquiry, enquiry_id)
        if enquiry.state == "open":
            return
        if enquiry.state == "over":
            _put(tx, stationery, enquiry, "enquiry_over_lead", _lead(tx, enquiry))
        taken = _taken(tx, enquiry)
        for expert_id in tx.session.scalars(
            sa.select(EnquiryProposal.expert_id).where(EnquiryProposal.enquiry_id == enquiry_id)
        ):
            event = "enquiry_taken_expert" if expert_id == taken else "enquiry_closed_expert"
            _put(tx, stationery, enquiry, event, _expert(tx, expert_id))


def _taken(tx: Tx, enquiry: Enquiry) -> uuid.UUID | None:
    """Whose proposal was taken."""
    return tx.session.scalar(sa.select(Booking.expert_id).where(Booking.id == enquiry.booking_id))


def _put(
    tx: Tx, stationery: Stationery, enquiry: Enquiry, event: str, me: Party, *, subject: str = "", **more: Any
) -> None:
    links = stationery.links
    side = "lead" if me.id == enquiry.lead_id else "expert"
    facts = {
        "me": me,
        "e": enquiry,
        "until": enquiry.deadline,
        "url": links.enquiry(str(enquiry.id), me.language, side),
        "home": links.home(me.language),
    }
    put(tx, stationery, event=event, subject=subject or str(enquiry.id), to=me, facts=facts | more)


def _lead(tx: Tx, enquiry: Enquiry) -> Party:
    return party(tx.session.get_one(Person, enquiry.lead_id))


def _expert(tx: Tx, expert_id: uuid.UUID) -> Party:
    expert = tx.session.get_one(Expert, expert_id)
    return party(tx.session.get_one(Person, expert.person_id))
