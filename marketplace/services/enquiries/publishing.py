"""Publishing an enquiry, inviting experts to it, taking it back; and the clock that ends it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import enquiries as law
from ...domain.contacts import mask_contacts
from ...domain.errors import EnquiryIncomplete, EnquiryOver, NotFound
from ...domain.events import EnquiryClosed, EnquiryInvited
from ...domain.policy import Actor, Parties, may
from ...domain.words import clean_line, clean_text
from ...gateways.embeddings import Encoders
from ...storage import locks
from ...storage.db import Database, Tx
from ...storage.enquiries import Enquiry, EnquiryInvitation
from ...storage.experts import Expert
from ...storage.people import Person
from ..bookings.wanted import lead_of
from ..search import Meant, find, meant_by

log = logging.getLogger(__name__)
# Hits looked at, so that twenty experts come out of them.
LOOKED_AT = 60


def publish(
    db: Database, encoders: Encoders, actor: Actor, *, title: str, summary: str, details: str, token: str
) -> Enquiry:
    """Publish a problem for 30 days; contact details are masked. `token` is the form's own.

    Raises NotFound for whoever leads no project, EnquiryIncomplete, TooManyEnquiries, and what
    cleaning a text refuses.
    """
    told = {
        "title": mask_contacts(clean_line(title, law.LONGEST_TITLE)),
        "summary": mask_contacts(clean_text(summary, law.LONGEST_SUMMARY)),
        "details": mask_contacts(clean_text(details, law.LONGEST_DETAILS)),
    }
    for name in ("title", "summary"):
        if not told[name]:
            raise EnquiryIncomplete(missing=name)
    words = "\n".join(told.values())
    with db.reading() as session:
        domain = lead_of(session, actor)[1].domain
    # Between the two readings: an encoder may be a server elsewhere.
    meant = meant_by(db, encoders, words)
    with db.reading() as session:
        fitting = fitting_experts(session, words, meant, domain, db.clock())
    with db.transaction() as tx:
        person, company = lead_of(tx.session, actor)
        locks.take(tx, company=company.id)
        key = f"{person.id}/{token}"
        already = tx.session.scalar(sa.select(Enquiry).where(Enquiry.token == key))
        if already is not None:
            return already
        open_ones = tx.session.scalar(
            sa.select(sa.func.count()).where(Enquiry.lead_id == person.id, Enquiry.state == "open",
                                             Enquiry.deadline > tx.now)
        )  # fmt: skip
        law.refuse_too_many_enquiries(open_ones or 0)
        enquiry = Enquiry(
            lead_id=person.id, company_id=company.id, token=key, language=person.language, **told,
            fitting=fitting, published_at=tx.now, deadline=law.open_until(tx.now),
        )  # fmt: skip
        tx.session.add(enquiry)
        return enquiry


def fitting_experts(
    session: Session, words: str, meant: Meant | None, domain: str, now: datetime
) -> list[dict[str, str]]:
    """Experts whose offers come closest to these words, each by their best one; none of that mail domain."""
    hits = find(session, words, meant=meant, now=now, limit=LOOKED_AT).hits
    colleagues = set(
        session.scalars(
            sa.select(Expert.id)
            .join(Person, Person.id == Expert.person_id)
            .where(Expert.id.in_({hit.line.expert_id for hit in hits}))
            .where(sa.func.split_part(Person.email, "@", 2) == domain)
        )
    )
    best: dict[uuid.UUID, uuid.UUID] = {}
    for hit in hits:
        if hit.line.expert_id not in colleagues:
            best.setdefault(hit.line.expert_id, hit.offer_id)
    found = [{"expert_id": str(expert), "offer_id": str(offer)} for expert, offer in best.items()]
    return found[: law.MOST_FITTING]


def invite(db: Database, actor: Actor, *, enquiry_id: uuid.UUID, experts: Sequence[uuid.UUID]) -> None:
    """Invite experts among those who fit: they read the details. Eight in all; twice is once.

    Raises NotFound (also for an expert who was not proposed), EnquiryOver, TooManyInvited.
    """
    with db.transaction() as tx:
        enquiry = open_enquiry(tx, actor, enquiry_id)
        if not {str(one) for one in experts} <= {str(one["expert_id"]) for one in enquiry.fitting}:
            raise NotFound
        invited = set(
            tx.session.scalars(
                sa.select(EnquiryInvitation.expert_id).where(EnquiryInvitation.enquiry_id == enquiry.id)
            )
        )
        more = [one for one in dict.fromkeys(experts) if one not in invited]
        law.refuse_too_many_invited(len(invited), len(more))
        for expert_id in more:
            row = EnquiryInvitation(enquiry_id=enquiry.id, expert_id=expert_id, invited_at=tx.now)
            tx.session.add(row)
            tx.session.flush()  # Its id goes into the announcement.
            tx.announce(EnquiryInvited(row.id))


def withdraw(db: Database, actor: Actor, *, enquiry_id: uuid.UUID) -> None:
    """Take it back; who proposed something is told. Raises NotFound, EnquiryOver."""
    with db.transaction() as tx:
        close_enquiry(tx, open_enquiry(tx, actor, enquiry_id), "withdrawn")


def open_enquiry(tx: Tx, actor: Actor, enquiry_id: uuid.UUID) -> Enquiry:
    """The lead's own enquiry, locked, while it is open. NotFound, EnquiryOver."""
    enquiry = tx.session.get(Enquiry, enquiry_id, with_for_update=True, populate_existing=True)
    if enquiry is None or not may("enquiry.manage", actor, parties_of(enquiry)):
        raise NotFound
    refuse_over(tx, enquiry)
    return enquiry


def refuse_over(tx: Tx, enquiry: Enquiry) -> None:
    """EnquiryOver for one that is closed, or whose 30 days passed though the clock has not come by yet."""
    if enquiry.state != "open":
        raise EnquiryOver(state=enquiry.state)
    if enquiry.deadline is not None and enquiry.deadline <= tx.now:
        raise EnquiryOver(state="over")


def close_enquiry(tx: Tx, enquiry: Enquiry, state: str, booking_id: uuid.UUID | None = None) -> None:
    """It is taken, withdrawn or over."""
    enquiry.state, enquiry.deadline, enquiry.closed_at = state, None, tx.now
    enquiry.booking_id = booking_id
    tx.session.flush()  # The reactions read it.
    tx.announce(EnquiryClosed(enquiry.id))


def parties_of(enquiry: Enquiry) -> Parties:
    """Who it belongs to; no expert stands on its side yet."""
    return Parties(enquiry.lead_id, enquiry.company_id, None)


def run_clock(db: Database) -> int:
    """Enquiries whose 30 days are over are closed; how many."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(Enquiry.id).where(Enquiry.deadline <= db.clock()).order_by(Enquiry.deadline).limit(200)
        ).all()
    return sum(_run_out(db, enquiry_id) for enquiry_id in due)


def _run_out(db: Database, enquiry_id: uuid.UUID) -> bool:
    try:
        with db.transaction() as tx:
            enquiry = tx.session.get(Enquiry, enquiry_id, with_for_update=True)
            if enquiry is None or enquiry.deadline is None or enquiry.deadline > tx.now:
                return False
            close_enquiry(tx, enquiry, "over")
            return True
    except Exception:
        log.exception("the clock could not close enquiry %s", enquiry_id)
        return False
