"""An expert's answer to an enquiry, which is a yes; and the lead's taking it, which is a hold."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ...domain import enquiries as law
from ...domain.contacts import mask_contacts
from ...domain.errors import (
    EnquiryOver,
    NotFound,
    OwnOffer,
    ProposalMade,
    ProposalOver,
    SlotNotOffered,
    TermsNotAccepted,
)
from ...domain.events import EnquiryAnswered
from ...domain.policy import Actor, may
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.db import Database
from ...storage.enquiries import Enquiry, EnquiryProposal
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ..bookings.answering import EXPERT_DOCUMENTS, checked_place
from ..bookings.holding import Agreed, free_of, hold_in
from ..bookings.wanted import wanted_offer
from ..people import accept_documents
from .publishing import close_enquiry, open_enquiry, parties_of, refuse_over


def propose(
    db: Database,
    actor: Actor,
    *,
    enquiry_id: uuid.UUID,
    offer_id: uuid.UUID,
    price_minor: int,
    starts: Sequence[datetime],
    place: str,
    words: str,
    accepted: Sequence[str],
) -> EnquiryProposal:
    """Answer an open enquiry, once: an own offer, a price without VAT, two or three free starts. It is a yes.

    Raises NotFound, NotBookable, OwnOffer, EnquiryOver, ProposalMade, ProposalIncomplete, PriceRefused,
    SlotNotOffered, MeetingPlaceMissing, TermsNotAccepted.
    """
    with db.transaction() as tx:
        enquiry = tx.session.get(Enquiry, enquiry_id, with_for_update=True)
        wanted = wanted_offer(tx.session, offer_id)
        if enquiry is None or wanted.expert.id != actor.expert_id:
            raise NotFound
        refuse_over(tx, enquiry)
        if wanted.person.email.rpartition("@")[2] == tx.session.get_one(Company, enquiry.company_id).domain:
            raise OwnOffer
        if tx.session.scalar(
            sa.select(EnquiryProposal.id).where(
                EnquiryProposal.enquiry_id == enquiry.id, EnquiryProposal.expert_id == wanted.expert.id
            )
        ):
            raise ProposalMade
        unaccepted = tuple(name for name in EXPERT_DOCUMENTS if name not in accepted)
        if unaccepted:
            raise TermsNotAccepted(missing=unaccepted)
        format = "remote" if wanted.version.format == "both" else wanted.version.format
        length = timedelta(minutes=wanted.version.minutes)
        window = (tx.now, tx.now + timedelta(days=61))
        free = {start for start, _end in free_of(tx.session, wanted, window=window, now=tx.now).slots}
        chosen = law.proposed_starts(starts)
        if not free.issuperset(chosen):
            raise SlotNotOffered(nearest=(), slot=(chosen[0], chosen[0] + length))
        proposal = EnquiryProposal(
            enquiry_id=enquiry.id, expert_id=wanted.expert.id, offer_id=offer_id, version_id=wanted.version.id,
            price_minor=law.check_price(price_minor), format=format, place=checked_place(format, place),
            slots=[{"start": one.isoformat(), "end": (one + length).isoformat()} for one in chosen],
            words=mask_contacts(clean_text(words, law.LONGEST_WORDS)), made_at=tx.now,
        )  # fmt: skip
        tx.session.add(proposal)
        tx.session.flush()  # Its id goes into the announcement.
        tx.announce(EnquiryAnswered(proposal.id))
        return proposal


def take(
    db: Database, actor: Actor, *, enquiry_id: uuid.UUID, proposal_id: uuid.UUID, start: datetime, token: str
) -> Booking:
    """Hold one of a proposal's slots; the expert's yes is on the booking. The enquiry closes with it.

    The brief begins with what the enquiry says. Raises NotFound, EnquiryOver, ProposalOver, NotBookable,
    SlotNotOffered and SlotTaken with the nearest three.
    """
    with db.transaction() as tx:
        enquiry = tx.session.get(Enquiry, enquiry_id)
        proposal = tx.session.get(EnquiryProposal, proposal_id)
        if enquiry is None or not may("enquiry.manage", actor, parties_of(enquiry)):
            raise NotFound
        if proposal is None or proposal.enquiry_id != enquiry.id:
            raise NotFound
        if start not in [datetime.fromisoformat(slot["start"]) for slot in proposal.slots]:
            raise NotFound
        live = tx.session.scalar(
            sa.select(OfferVersion.id).where(OfferVersion.offer_id == proposal.offer_id, OfferVersion.live)
        )
        if live != proposal.version_id:
            raise ProposalOver
        booking = hold_in(
            tx, actor, offer=proposal.offer_id, start=start, format=proposal.format,
            token=f"enquiry/{proposal.id}/{token}",
            agreed=Agreed(proposal.made_at, proposal.price_minor, proposal.place),
        )  # fmt: skip
        try:
            # Behind the company's lock: of two at once the second finds it closed.
            enquiry = open_enquiry(tx, actor, enquiry_id)
        except EnquiryOver:
            if booking.id == tx.session.scalar(sa.select(Enquiry.booking_id).where(Enquiry.id == enquiry_id)):
                return booking
            raise
        brief = tx.session.get_one(Brief, booking.brief_id)
        brief.subject = enquiry.title
        brief.context = "\n\n".join(part for part in (enquiry.summary, enquiry.details) if part)
        expert = tx.session.get_one(Expert, proposal.expert_id)
        accept_documents(
            tx,
            person_id=expert.person_id,
            documents=EXPERT_DOCUMENTS,
            booking_id=booking.id,
            at=proposal.made_at,
        )
        close_enquiry(tx, enquiry, "taken", booking.id)
        return booking
