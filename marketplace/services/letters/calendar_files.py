"""Invitations: each side's own calendar file for a booking."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.bookings import Move, State
from ...domain.errors import NotFound
from ...gateways.invitations import Guest, Meeting, Method
from ...gateways.letters import Attached
from ...storage.bookings import BookingMove
from .facts import BookingFacts, booking_facts, for_side
from .stationery import Stationery


def invitation_for(
    session: Session, stationery: Stationery, booking_id: uuid.UUID, side: str, *, now: datetime
) -> bytes:
    """The file as it stands now, for "lead" or "expert": an invitation, or its withdrawal.

    Raises NotFound where none was ever sent.
    """
    facts = booking_facts(session, booking_id)
    if facts is None:
        raise NotFound
    changes = _changes(session, booking_id)
    if not changes:
        raise NotFound
    method: Method = "CANCEL" if changes[-1].to_state == State.CANCELLED else "REQUEST"
    return write(stationery, facts, side, method, len(changes) - 1, stamped=now)


def attachment(
    session: Session, stationery: Stationery, facts: BookingFacts, side: str, move: BookingMove
) -> Attached | None:
    """What goes with the letters about `move`; None where it changed no calendar."""
    changes = _changes(session, facts.id)
    place = next((at for at, row in enumerate(changes) if row.id == move.id), None)
    if place is None:
        return None
    method: Method = "CANCEL" if move.to_state == State.CANCELLED else "REQUEST"
    return Attached(
        method=method,
        content=write(stationery, facts, side, method, place, stamped=move.at),
        filename=f"{facts.number}.ics",
    )


def write(
    stationery: Stationery,
    facts: BookingFacts,
    side: str,
    method: Method,
    sequence: int,
    *,
    stamped: datetime,
) -> bytes:
    """The file itself. Only what an open calendar may show: no brief, no attendees."""
    context = dict(for_side(stationery, facts, side))
    me = context["me"]
    line, plain = stationery.press.line, stationery.press.plain
    meeting = Meeting(
        uid=f"{facts.id}@{stationery.site_host}",
        start=facts.starts,
        end=facts.ends,
        summary=line("email/invitation_summary.txt", me.language, context),
        description=plain("email/invitation_description.txt", me.language, context),
        location=facts.place,
        url=context["page"],
    )
    guest = Guest(me.name, me.email, me.zone)
    return stationery.invitations(meeting, guest, method, sequence, stamped=stamped)


def _changes(session: Session, booking_id: uuid.UUID) -> Sequence[BookingMove]:
    """The moves that changed both calendars, oldest first; a file's SEQUENCE is its place among them."""
    moves = session.scalars(
        sa.select(BookingMove)
        .where(BookingMove.booking_id == booking_id)
        .order_by(BookingMove.at, BookingMove.id)
    ).all()
    return [move for move in moves if _changes_calendars(move)]


def _changes_calendars(move: BookingMove) -> bool:
    confirmed = State.CONFIRMED.value
    if move.move == Move.RESCHEDULE:
        return True
    if move.to_state == confirmed:
        return move.from_state != confirmed
    return move.to_state == State.CANCELLED and move.from_state == confirmed
