"""Approval by the company: asked for by the lead, given or refused by the approver; and commitment on terms."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.errors import (
    ApprovalAnswered,
    ApprovalNotAsked,
    MoveNotOpen,
    NoApprover,
    NoTerms,
    ReasonMissing,
    TooLate,
)
from ...domain.policy import Actor
from ...domain.pricing import PlatformTax, Quote, fees_at, quote
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.people import Person
from ..approvals import approver_for, asks_for
from ..payments import drop_live_payment
from ..people import accept_documents
from .holding import refuse_overdue
from .machine import Mover, lock_for, make_move, repeated
from .on_terms import accepted_on_terms
from .paying import (
    BUYER_DOCUMENTS,
    approval_due,
    buyer_tax,
    frozen_quote,
    meeting_place,
    refuse_unapproved,
    refuse_unready,
    seller_tax,
)
from .wanted import Wanted, lead_of

LONGEST_REASON = 1000


def ask_approval(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, accepted: Sequence[str], platform: PlatformTax, token: str,
    address: str = "",
) -> Booking:  # fmt: skip
    """Ask the company's approver, under the conditions of opening payment; the quote is frozen with it.

    Raises MoveNotOpen, TooLate, BriefIncomplete, BillingMissing, TermsNotAccepted, ApprovalNotAsked where no
    rule asks, NoApprover, and NoTimeToApprove where under 4 h (instant: 1 h) would be left.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.pay", booking_id)
        if repeated(tx, booking, token):
            return booking
        frozen = _made_ready(tx, booking, Move.ASK_APPROVAL, accepted, platform, address)
        if not approval_due(tx.session, booking, frozen.total):
            raise ApprovalNotAsked
        if approver_for(tx.session, _set(booking.company_id), _set(booking.lead_id)) is None:
            raise NoApprover
        until = deadlines.ask_approval_until(
            tx.now, booking.starts_at, booking.notice_hours, booking.answered_ahead
        )
        make_move(tx, booking, Move.ASK_APPROVAL, Mover("lead", actor.person_id), token=token)
        booking.quote, booking.deadline = frozen.as_dict(), until
        booking.approved_at = booking.approved_minor = None
        booking.on_terms = tx.session.get_one(Company, booking.company_id).terms_since is not None
        drop_live_payment(tx, booking.id, why="ask_approval")
        return booking


def approve(db: Database, actor: Actor, *, booking_id: uuid.UUID, token: str) -> Booking:
    """The approver's yes: the lead may pay until the deadline; on company terms the request goes out.

    NotFound for the lead themself. Raises ApprovalAnswered, MoveNotOpen, TooLate.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.approve", booking_id)
        if repeated(tx, booking, token):
            return booking
        _refuse_answered(booking)
        _refuse_late(tx, booking)
        make_move(
            tx, booking, Move.APPROVE, Mover("approver", actor.person_id), token=token, terms=booking.on_terms
        )
        booking.approved_at = tx.now
        booking.approved_minor = Quote.from_dict(booking.quote or {}).total
        if booking.on_terms:
            _committed(tx, booking, token)
        else:
            booking.deadline = deadlines.pay_after_approval_until(
                tx.now, booking.starts_at, booking.notice_hours
            )
        return booking


def refuse(db: Database, actor: Actor, *, booking_id: uuid.UUID, reason: str, token: str) -> Booking:
    """The approver's no, with a reason the lead reads; the slot is free. ApprovalAnswered, MoveNotOpen, TooLate,
    ReasonMissing."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.approve", booking_id)
        if repeated(tx, booking, token):
            return booking
        _refuse_answered(booking)
        _refuse_late(tx, booking)
        why = clean_text(reason, LONGEST_REASON)
        if not why and booking.state == State.AWAITING_APPROVAL.value:
            raise ReasonMissing
        make_move(tx, booking, Move.REFUSE, Mover("approver", actor.person_id), token=token, reason=why)
        booking.deadline, booking.ended_at = None, tx.now
        return booking


def commit_on_terms(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, accepted: Sequence[str], platform: PlatformTax, token: str,
    address: str = "",
) -> Booking:  # fmt: skip
    """Send the request on the company's terms, without a card, under the conditions of opening payment.

    Raises what those raise, ApprovalNeeded, and NoTerms where none were granted. No screen leads here before
    terms are granted (issue 7).
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.pay", booking_id)
        if repeated(tx, booking, token):
            return booking
        frozen = _made_ready(tx, booking, Move.COMMIT, accepted, platform, address)
        if tx.session.get_one(Company, booking.company_id).terms_since is None:
            raise NoTerms
        refuse_unapproved(tx.session, booking, frozen.total)
        make_move(tx, booking, Move.COMMIT, Mover("lead", actor.person_id), token=token, terms=True)
        booking.quote, booking.on_terms = frozen.as_dict(), True
        drop_live_payment(tx, booking.id, why="commit")
        _committed(tx, booking, token)
        return booking


def _made_ready(
    tx: Tx, booking: Booking, move: Move, accepted: Sequence[str], platform: PlatformTax, address: str
) -> Quote:
    """The conditions of "open payment": brief, charter, billing; the quote as of now."""
    if booking.state != State.HELD.value:
        raise MoveNotOpen(booking.state, move.value)
    refuse_overdue(tx, booking)
    refuse_unready(tx, booking, accepted)
    accept_documents(
        tx, person_id=_set(booking.lead_id), documents=BUYER_DOCUMENTS, booking_id=booking.id, address=address
    )
    return frozen_quote(tx, booking, platform)


def _committed(tx: Tx, booking: Booking, token: str) -> None:
    """A request on terms: no authorisation bounds the answer; where the yes stands already, it is given."""
    booking.committed_at = tx.now
    booking.deadline = deadlines.answer_until(tx.now, booking.starts_at)
    if booking.answered_ahead:
        expert = tx.session.get_one(Expert, booking.expert_id)
        booking.meeting_place = booking.meeting_place or meeting_place(expert, booking.format)
        make_move(
            tx, booking, Move.ACCEPT_AT_ONCE, Mover("expert", expert.person_id), token=f"{token}/accepted", terms=True,
            reason="agreed_before" if booking.agreed_at else "standing_acceptance",
        )  # fmt: skip
        accepted_on_terms(tx, booking)


def _refuse_answered(booking: Booking) -> None:
    """Once answered, by whomever of the approvers, it is the lead's to go on with or to let go."""
    if booking.state == State.REFUSED.value:
        raise ApprovalAnswered(answer="refused")
    if booking.state != State.AWAITING_APPROVAL.value and booking.approved_at is not None:
        raise ApprovalAnswered(answer="approved")


def _refuse_late(tx: Tx, booking: Booking) -> None:
    if (
        booking.state == State.AWAITING_APPROVAL.value
        and booking.deadline is not None
        and booking.deadline <= tx.now
    ):
        raise TooLate(booking.deadline)


def _set(value: uuid.UUID | None) -> uuid.UUID:
    assert value is not None  # Only imported bookings have none, and they never move.
    return value


def drop_if_dearer(tx: Tx, booking: Booking, total: int) -> bool:
    """Another slot was picked: a total with VAT (minor units) above the one approved drops the approval (part).

    True where it was dropped: the deadline is then at most 35 min from now (`repicked_until`).
    """
    if booking.approved_minor is None or total <= booking.approved_minor:
        return False
    booking.approved_at = booking.approved_minor = None
    return True


def shown_to(
    session: Session, actor: Actor, wanted: Wanted, platform: PlatformTax, now: datetime
) -> datetime | None:
    """From which start on slots of an offer are shown to a member of a company whose rule asks an approver.

    None where nobody is asked: all are shown. Others would leave the approver no time (booking-process.md).
    """
    if not any("lead" in roles for roles in actor.companies.values()):
        return None
    company = lead_of(session, actor)[1]
    rates, seller, buyer = (
        fees_at(now, platform.fees),
        seller_tax(wanted.expert, wanted.person),
        buyer_tax(company),
    )
    if not buyer.country:
        # Not billed anywhere yet: taxed as at the expert's, which is never less.
        buyer = replace(buyer, country=seller.country)
    total = quote(
        wanted.version.price_minor, service_fee_bp=rates.service_bp, commission_bp=rates.commission_bp,
        seller=seller, buyer=buyer, platform=platform,
    ).total  # fmt: skip
    if not asks_for(session, company.id, total):
        return None
    notice = deadlines.effective_notice(wanted.version.notice_hours, wanted.instant)
    return deadlines.earliest_start(now, notice, wanted.instant) + deadlines.least_time(wanted.instant)


@dataclass(frozen=True)
class ToApprove:
    """A line of an approver's list."""

    reference: str
    title: str
    language: str
    expert_name: str
    lead_name: str
    company_name: str
    total: int
    starts_at: datetime
    ends_at: datetime
    deadline: datetime


def to_approve(session: Session, actor: Actor, now: datetime, most: int = 100) -> list[ToApprove]:
    """What waits for the actor's approval, the next to run out first; one statement."""
    expert_person, lead = aliased(Person), aliased(Person)
    rows = session.execute(
        sa.select(
            Booking.reference, OfferVersion.title, OfferVersion.language, expert_person.name.label("expert_name"),
            lead.name.label("lead_name"), Company.name.label("company_name"), Booking.quote, Booking.starts_at,
            Booking.ends_at, Booking.deadline,
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(expert_person, expert_person.id == Expert.person_id)
        .join(lead, lead.id == Booking.lead_id)
        .join(Company, Company.id == Booking.company_id)
        .where(_awaits(actor, now))
        .order_by(Booking.deadline, Booking.id)
        .limit(most)
    )  # fmt: skip
    return [
        ToApprove(
            row.reference, row.title, row.language, row.expert_name, row.lead_name, row.company_name,
            Quote.from_dict(row.quote).total, row.starts_at, row.ends_at, row.deadline,
        )
        for row in rows
    ]  # fmt: skip


def count_to_approve(session: Session, actor: Actor, now: datetime) -> int:
    """How many wait for the actor's approval."""
    return session.scalar(sa.select(sa.func.count()).select_from(Booking).where(_awaits(actor, now))) or 0


def _awaits(actor: Actor, now: datetime) -> sa.ColumnElement[bool]:
    mine = [company for company, roles in actor.companies.items() if "approver" in roles]
    return sa.and_(
        Booking.state == State.AWAITING_APPROVAL.value,
        Booking.company_id.in_(mine),
        Booking.lead_id != actor.person_id,
        Booking.deadline > now,
    )
