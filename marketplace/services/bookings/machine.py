"""The one place that changes a booking's state: with its history row, and only as the table says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.bookings import Move, State, claims_slot, next_state
from ...domain.errors import NotFound
from ...domain.events import BookingMoved
from ...domain.policy import Actor, Parties, may
from ...storage import locks
from ...storage.availability import Claim
from ...storage.bookings import Booking, BookingMove, Proposal
from ...storage.db import Tx


@dataclass(frozen=True)
class Mover:
    """Who makes a move: a kind of the history row, and the person where it is one."""

    kind: str
    person_id: uuid.UUID | None = None


CLOCK = Mover("clock")
PROVIDER = Mover("provider")


def lock_booking(tx: Tx, booking_id: uuid.UUID) -> Booking:
    """The booking with its calendar, company and itself locked, in the house's order. NotFound."""
    keys = tx.session.execute(
        sa.select(Booking.expert_id, Booking.company_id).where(Booking.id == booking_id)
    ).one_or_none()
    if keys is None:
        raise NotFound
    locks.take(tx, calendar=keys.expert_id, company=keys.company_id, booking=booking_id)
    booking = tx.session.get(Booking, booking_id, populate_existing=True)
    if booking is None:
        raise NotFound
    return booking


def lock_for(tx: Tx, actor: Actor, action: str, booking_id: uuid.UUID) -> Booking:
    """As `lock_booking`, for somebody who may do this; to others it does not exist (NotFound)."""
    booking = lock_booking(tx, booking_id)
    if not may(action, actor, parties(booking)):
        raise NotFound
    return booking


def parties(booking: Booking) -> Parties:
    """Who stands on which side of it."""
    return Parties(lead_id=booking.lead_id, company_id=booking.company_id, expert_id=booking.expert_id)


def repeated(tx: Tx, booking: Booking, token: str) -> bool:
    """Whether this very call was answered already; then nothing changes."""
    return (
        tx.session.scalar(
            sa.select(sa.literal(True)).where(
                BookingMove.booking_id == booking.id, BookingMove.token == token
            )
        )
        is not None
    )


def make_move(
    tx: Tx,
    booking: Booking,
    move: Move,
    by: Mover,
    *,
    token: str,
    reason: str = "",
    money: dict[str, Any] | None = None,
    **facts: Any,
) -> BookingMove:
    """Move a locked booking: the table decides where to, or MoveNotOpen. Frees the slot where the new
    state holds none, and closes an open proposal of another time: "every other move closes it". `money`
    says what it did to money: {"what": word, "minor": amount}.
    """
    before = State(booking.state)
    after = next_state(before, move, **facts)
    if before in (State.CONFIRMED, State.DISPUTED):
        close_proposal(tx, booking)
    booking.state = after.value
    if claims_slot(before) and not claims_slot(after):
        free_claim(tx, booking.id)
    return note(tx, booking, move.value, by, token=token, from_state=before.value, reason=reason, money=money)


def note(
    tx: Tx,
    booking: Booking,
    move: str,
    by: Mover,
    *,
    token: str,
    from_state: str | None = None,
    reason: str = "",
    money: dict[str, Any] | None = None,
) -> BookingMove:
    """A history row, and the word to the rooms on the right."""
    row = BookingMove(
        booking_id=booking.id,
        token=token,
        at=tx.now,
        actor_kind=by.kind,
        actor_id=by.person_id,
        move=move,
        from_state=from_state,
        to_state=booking.state,
        reason=reason,
        money=money,
    )
    tx.session.add(row)
    tx.session.flush()  # The row's id goes into the announcement.
    tx.announce(BookingMoved(booking.id, row.id))
    return row


def open_proposal(session: Session, booking_id: uuid.UUID) -> Proposal | None:
    """The booking's one open proposal of another time, if any; its time may be over already."""
    return session.scalar(
        sa.select(Proposal).where(Proposal.booking_id == booking_id, Proposal.state == "open")
    )


def close_proposal(tx: Tx, booking: Booking, state: str = "closed") -> Proposal | None:
    """End the booking's open proposal, if any, and free the time it claims; `state` says how it ended."""
    proposal = open_proposal(tx.session, booking.id)
    if proposal is not None:
        proposal.state, proposal.ended_at = state, tx.now
        free_one(tx, proposal.claim_id)
        tx.session.flush()  # The next proposal may follow in this transaction.
    return proposal


def free_one(tx: Tx, claim_id: uuid.UUID) -> None:
    """One claim's time is free again."""
    tx.session.execute(
        sa.update(Claim).where(Claim.id == claim_id, Claim.live).values(live=False, freed_at=tx.now)
    )


def free_claim(tx: Tx, booking_id: uuid.UUID, *, but: uuid.UUID | None = None) -> None:
    """The booking's time is free again; `but`: save that of one claim."""
    freed = sa.update(Claim).where(Claim.booking_id == booking_id, Claim.live)
    if but is not None:
        freed = freed.where(Claim.id != but)
    tx.session.execute(freed.values(live=False, freed_at=tx.now))
