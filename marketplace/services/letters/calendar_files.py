"""Calendar files: each side's own for a booking, and all of a person's sessions behind their private address."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.bookings import State
from ...domain.errors import NotFound
from ...gateways.invitations import Entry, Guest, Meeting, Method
from ...gateways.letters import Attached
from ...storage.bookings import Booking, BookingMove
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.people import Person
from ...storage.types import another
from ..feeds import calendar_changes, feed_owner
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


def uid_of(stationery: Stationery, booking_id: uuid.UUID) -> str:
    """The one name of a booking in all calendar files, mailed or read."""
    return f"{booking_id}@{stationery.site_host}"


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
        uid=uid_of(stationery, facts.id),
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
    moves = session.scalars(
        sa.select(BookingMove)
        .where(BookingMove.booking_id == booking_id)
        .order_by(BookingMove.at, BookingMove.id)
    ).all()
    return calendar_changes(moves)


# What a feed keeps of the past.
RECENT = timedelta(days=90)
# The zone's rules reach further than any session can be booked ahead.
AHEAD = timedelta(days=400)
_HELD = ("confirmed", "delivered", "completed", "disputed", "resolved", "settled")
_ExpertPerson = another(Person)


def feed_file(session: Session, stationery: Stationery, token: str, *, now: datetime) -> bytes:
    """All sessions of whoever this address belongs to, from both sides: future ones, and 90 days back.

    NotFound for no address of ours. Three statements, whatever there is.
    """
    me, detailed = feed_owner(session, token)
    rows = session.execute(
        sa.select(
            Booking.id, Booking.reference, Booking.number, Booking.starts_at, Booking.ends_at, Booking.meeting_place,
            (Booking.lead_id == me.id).label("leads"), OfferVersion.title, _ExpertPerson.name.label("expert"),
            Company.name.label("company"), Brief.subject,
        )
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_ExpertPerson, _ExpertPerson.id == Expert.person_id)
        .join(Company, Company.id == Booking.company_id)
        .join(Brief, Brief.id == Booking.brief_id)
        .where(sa.or_(Booking.lead_id == me.id, Expert.person_id == me.id))
        .where(Booking.state.in_(_HELD), Booking.ends_at > now - RECENT)
        .order_by(Booking.starts_at, Booking.id)
    ).all()  # fmt: skip
    histories: dict[uuid.UUID, list[BookingMove]] = {row.id: [] for row in rows}
    for move in session.scalars(
        sa.select(BookingMove)
        .where(BookingMove.booking_id.in_(histories))
        .order_by(BookingMove.at, BookingMove.id)
    ):
        histories[move.booking_id].append(move)
    entries = []
    for row in rows:
        changes = calendar_changes(histories[row.id])
        # Called off and then disputed: no calendar holds it.
        if changes and changes[-1].to_state != State.CANCELLED:
            meeting = _feed_meeting(stationery, me, row, detailed)
            entries.append(Entry(meeting, len(changes) - 1, changes[-1].at))
    name = stationery.press.line("email/feed_name.txt", me.language, {"site_name": stationery.site_name})
    return stationery.invitations.feed(
        entries, name=name, zone=me.zone, since=(now - RECENT - timedelta(days=10)).date().replace(day=1),
        until=(now + AHEAD).date().replace(day=1),
    )  # fmt: skip


def _feed_meeting(stationery: Stationery, me: Person, row: Any, detailed: bool) -> Meeting:
    """What the private calendar says of a session: when, and where to read on; the rest only where it is wished."""
    links, press = stationery.links, stationery.press
    page = (links.booking if row.leads else links.expert_booking)(row.reference, me.language)
    facts = {
        "detailed": detailed, "number": row.number, "title": row.title, "subject": row.subject, "page": page,
        "other_name": row.expert if row.leads else row.company,
    }  # fmt: skip
    return Meeting(
        uid=uid_of(stationery, row.id),
        start=row.starts_at,
        end=row.ends_at,
        summary=press.line("email/feed_summary.txt", me.language, facts),
        description=press.plain("email/feed_description.txt", me.language, facts),
        location=row.meeting_place if detailed else "",
        url=page,
    )
