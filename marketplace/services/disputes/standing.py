"""What the moves of a dispute share: the open dispute, its shares, and what a share does to money."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import deadlines, postings
from ...domain.bookings import Move
from ...domain.errors import MoveNotOpen, OwnCase
from ...domain.policy import Actor
from ...domain.pricing import LINES, Quote
from ...domain.refunds import least_share, proposed_share, refund_to
from ...storage.bookings import Booking
from ...storage.disputes import Dispute, DisputeDecision, DisputeStatement
from ...storage.experts import Expert
from ...storage.payments import Payment
from ..bookings.machine import Mover
from ..payments import standing_payment
from ..payments.refunding import refunded_lines

OTHER = {"lead": "expert", "expert": "lead"}


def open_dispute(session: Session, booking_id: uuid.UUID) -> Dispute | None:
    """The booking's dispute that is not closed, if any."""
    return session.scalar(
        sa.select(Dispute).where(Dispute.booking_id == booking_id, Dispute.closed_at.is_(None))
    )


def need_dispute(session: Session, booking: Booking, move: Move, *states: str) -> Dispute:
    """The open dispute of a booking in one of these states; else MoveNotOpen."""
    found = open_dispute(session, booking.id)
    if found is None or booking.state not in states:
        raise MoveNotOpen(booking.state, move.value)
    return found


def statements(session: Session, dispute_id: uuid.UUID) -> Sequence[DisputeStatement]:
    """What was said, oldest first."""
    return session.scalars(
        sa.select(DisputeStatement)
        .where(DisputeStatement.dispute_id == dispute_id)
        .order_by(DisputeStatement.said_at, DisputeStatement.id)
    ).all()


def decisions(session: Session, dispute_id: uuid.UUID) -> Sequence[DisputeDecision]:
    """What operators proposed and decided, oldest first, without what was dropped."""
    return session.scalars(
        sa.select(DisputeDecision)
        .where(DisputeDecision.dispute_id == dispute_id, DisputeDecision.dropped_at.is_(None))
        .order_by(DisputeDecision.proposed_at, DisputeDecision.id)
    ).all()


def last_share(said: Sequence[DisputeStatement], side: str) -> int | None:
    """The share a side asked last, in percent."""
    return next((one.share for one in reversed(said) if one.side == side and one.share is not None), None)


def last_decided(made: Sequence[DisputeDecision]) -> DisputeDecision | None:
    """The last decision that stands."""
    return next((one for one in reversed(made) if one.decided_at is not None), None)


def dispute_end(booking: Booking, dispute: Dispute) -> datetime:
    """When the clock ends it whatever stands: day 80 after the capture."""
    return deadlines.dispute_ends_at(booking.captured_at, booking.ends_at, dispute.reported_at)


def quote_and_before(session: Session, booking: Booking) -> tuple[Quote, dict[str, int], Payment | None]:
    """The frozen quote, and what was refunded of its lines before (minor units)."""
    payment = standing_payment(session, booking.id)
    before = refunded_lines(session, payment.id) if payment else dict.fromkeys(LINES, 0)
    return Quote.from_dict((payment.quote if payment else booking.quote) or {}), before, payment


def least_of(session: Session, booking: Booking) -> int:
    """The smallest share in percent that can still be asked or decided."""
    quote, before, _payment = quote_and_before(session, booking)
    return least_share(quote, before)


def share_for(
    session: Session, booking: Booking, kind: str, *, buyers_fault: bool = False, held: int = 0
) -> int:
    """The share a report of this kind starts from, never under what was already refunded."""
    minutes = int((booking.ends_at - booking.starts_at).total_seconds()) // 60
    start = proposed_share(kind, policy=booking.policy, buyers_fault=buyers_fault, minutes=minutes, held=held)
    return max(start, least_of(session, booking))


@dataclass(frozen=True)
class Split:
    """What a share in percent means. Minor units: back to the buyer in all, of that still to go, to the expert, to us."""

    percent: int
    back: int
    still: int
    expert: int
    platform: int


def split_of(quote: Quote, expert_id: uuid.UUID, before: dict[str, int], percent: int) -> Split:
    """The money effects of a share, shown before anybody agrees or decides."""
    refund = refund_to(quote, percent, before)
    gone = {name: before.get(name, 0) + refund.lines.get(name, 0) for name in LINES}
    entries = dict(postings.share_due(quote, expert_id, expert_id, gone))
    share, back = -entries[postings.payable(expert_id)], sum(gone.values())
    return Split(percent, back, refund.total, share, quote.total - back - share)


def mover(side: str, actor: Actor) -> Mover:
    """The history row's who."""
    return Mover(side, actor.person_id)


def refuse_own(session: Session, booking: Booking, actor: Actor) -> None:
    """An operator decides on no booking of theirs. Raises OwnCase."""
    expert = session.get_one(Expert, booking.expert_id)
    if actor.person_id in (booking.lead_id, expert.person_id):
        raise OwnCase
