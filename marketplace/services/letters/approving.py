"""Letters about approvals: the invitation to approve, and the word to the approver that something waits."""

from __future__ import annotations

import hashlib
import secrets
import uuid

import sqlalchemy as sa

from ...domain.bookings import Move
from ...storage.approvals import ApproverInvitation
from ...storage.bookings import Booking, BookingMove
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.people import Person
from ..approvals import approver_for, give_invitation_token
from .desk import put
from .facts import BookingFacts, Party, for_side, party
from .stationery import Stationery


def approver_invited(db: Database, stationery: Stationery, *, invitation_id: uuid.UUID) -> None:
    """Mail the link that makes somebody a company's approver. The token is in this letter and nowhere else."""
    with db.transaction() as tx:
        invitation = tx.session.get(ApproverInvitation, invitation_id, with_for_update=True)
        if invitation is None or invitation.token_hash or invitation.revoked_at or invitation.accepted_at:
            return
        inviter = tx.session.get_one(Person, invitation.invited_by)
        company = tx.session.get_one(Company, invitation.company_id)
        me = Party(invitation.id, "", invitation.email, inviter.language, inviter.zone)
        token = secrets.token_urlsafe(32)
        give_invitation_token(invitation, token)
        facts = {
            "me": me,
            "inviter": inviter.name,
            "company": company.name,
            "until": invitation.until,
            "url": stationery.links.approver_invitation(token, me.language),
            "home": stationery.links.home(me.language),
        }
        subject = hashlib.sha256(token.encode()).hexdigest()[:32]
        put(tx, stationery, event="approver_invited", subject=subject, to=me, facts=facts, known=False)


def approved_unpaid(tx: Tx, stationery: Stationery, facts: BookingFacts, move: BookingMove) -> bool:
    """Tell whoever approved a hold that it ran out unpaid; whether it had been approved (part of the letters
    about moves)."""
    booking = tx.session.get_one(Booking, facts.id)
    approver_id = tx.session.scalar(
        sa.select(BookingMove.actor_id)
        .where(BookingMove.booking_id == facts.id, BookingMove.move == Move.APPROVE.value)
        .order_by(BookingMove.at.desc(), BookingMove.id.desc())
        .limit(1)
    )
    if booking.approved_at is None:
        return False
    if approver_id is not None:  # None: the approval came over from a booking that this one rescues.
        me = party(tx.session.get_one(Person, approver_id))
        page = stationery.links.approval(facts.reference, me.language)
        context = dict(for_side(stationery, facts, "lead")) | {"me": me, "url": page, "page": page}
        context["when_line"] = stationery.press.line("email/when_line.txt", me.language, context)
        put(tx, stationery, event="approved_unpaid_approver", subject=str(move.id), to=me, facts=context)
    return True


def approval_asked(tx: Tx, stationery: Stationery, facts: BookingFacts, move: BookingMove) -> None:
    """Tell the approver, while it waits (part of the letters about moves)."""
    booking = tx.session.get_one(Booking, facts.id)
    if facts.state != "awaiting_approval" or booking.company_id is None or booking.lead_id is None:
        return
    approver = approver_for(tx.session, booking.company_id, booking.lead_id)
    if approver is None:
        return
    me = party(approver)
    context = dict(for_side(stationery, facts, "lead")) | {
        "me": me,
        "until": facts.deadline,
        "url": stationery.links.approval(facts.reference, me.language),
        "page": stationery.links.approval(facts.reference, me.language),
    }
    context["when_line"] = stationery.press.line("email/when_line.txt", me.language, context)
    put(tx, stationery, event="approval_asked", subject=str(move.id), to=me, facts=context)
