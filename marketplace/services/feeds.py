"""Private calendar addresses, and reminders: who wants which, and which are due.

The file behind an address and the letters themselves are written in services/letters.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ..domain.bookings import Move, State
from ..domain.errors import NotFound
from ..domain.ids import new_reference
from ..domain.policy import Actor
from ..domain.reminders import AHEAD, KINDS, reminder_due
from ..storage import locks
from ..storage.bookings import Booking, BookingMove
from ..storage.db import Database, Tx
from ..storage.feeds import CalendarFeed, Reminder, ReminderMail
from ..storage.people import Person
from .people import write_audit


def make_feed(db: Database, actor: Actor, *, detailed: bool) -> str:
    """A new private address: its token, told this once. One that was there before is worth nothing any more."""
    person_id, token = _me(actor), secrets.token_urlsafe(32)
    with db.transaction() as tx:
        values = {"token_hash": _hashed(token), "detailed": detailed, "made_at": tx.now}
        made = insert(CalendarFeed).values(person_id=person_id, **values)
        tx.session.execute(made.on_conflict_do_update(index_elements=["person_id"], set_=values))
        write_audit(tx, actor_id=person_id, act="calendar.made", subject=str(person_id))
    return token


def detail_feed(db: Database, actor: Actor, *, detailed: bool) -> None:
    """Whether the file behind the address names titles, subjects and people. NotFound without an address."""
    with db.transaction() as tx:
        feed = tx.session.get(CalendarFeed, _me(actor), with_for_update=True)
        if feed is None:
            raise NotFound
        feed.detailed = detailed


def revoke_feed(db: Database, actor: Actor) -> None:
    """The address leads nowhere from here on; twice is once."""
    with db.transaction() as tx:
        gone = tx.session.execute(
            sa.delete(CalendarFeed)
            .where(CalendarFeed.person_id == _me(actor))
            .returning(CalendarFeed.person_id)
        ).scalar_one_or_none()
        if gone is not None:
            write_audit(tx, actor_id=gone, act="calendar.revoked", subject=str(gone))


def own_feed(session: Session, person_id: uuid.UUID) -> CalendarFeed | None:
    """A person's address, without the token: that is known to nobody but them."""
    return session.get(CalendarFeed, person_id)


def feed_owner(session: Session, token: str) -> tuple[Person, bool]:
    """Whose address this is, and whether it names titles and people. NotFound; also for the suspended."""
    row = session.execute(
        sa.select(Person, CalendarFeed.detailed)
        .join(CalendarFeed, CalendarFeed.person_id == Person.id)
        .where(CalendarFeed.token_hash == _hashed(token), Person.suspended_at.is_(None))
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def calendar_changes(moves: Sequence[BookingMove]) -> list[BookingMove]:
    """Of one booking's history, oldest first, the moves that changed both calendars.

    An event's SEQUENCE is the place of its last change among them, in mails and feeds alike.
    """
    return [move for move in moves if _changes_calendars(move)]


def _changes_calendars(move: BookingMove) -> bool:
    before, after = move.from_state, move.to_state
    if after == State.CONFIRMED:
        if move.move in (Move.RESCHEDULE, Move.SECOND_SESSION):
            return True
        return before in (State.ACCEPTED, State.REQUESTED)
    return after == State.CANCELLED and before == State.CONFIRMED


# --- Reminders ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A booking at whose start a reminder's instant has come."""

    booking_id: uuid.UUID
    kind: str
    starts_at: datetime


def wanted_reminders(session: Session, person_id: uuid.UUID) -> tuple[str, ...]:
    """The kinds a person gets; all of them until they say otherwise."""
    off = session.scalar(sa.select(ReminderMail.off).where(ReminderMail.person_id == person_id)) or ()
    return tuple(kind for kind in KINDS if kind not in off)


def choose_reminders(db: Database, actor: Actor, *, kinds: Collection[str]) -> None:
    """Get these kinds of reminder, and no other; unknown names are none."""
    with db.transaction() as tx:
        _mail_of(tx, _me(actor)).off = [kind for kind in KINDS if kind not in kinds]


def reminder_token(tx: Tx, person_id: uuid.UUID) -> str:
    """The token by which a person's mails end reminders, drawn with the first one."""
    return _mail_of(tx, person_id).token


def muted_reminders(session: Session, token: str) -> tuple[str, ...]:
    """The kinds that are off for the owner of a mail's token. NotFound for no token of ours."""
    off = session.scalar(sa.select(ReminderMail.off).where(ReminderMail.token == token))
    if off is None:
        raise NotFound
    return tuple(off)


def mute_reminders(db: Database, token: str, kinds: Collection[str]) -> None:
    """No more reminders of these kinds, by a mail's token, signed in or not; twice is once. Raises NotFound."""
    with db.transaction() as tx:
        row = tx.session.scalar(sa.select(ReminderMail).where(ReminderMail.token == token).with_for_update())
        if row is None:
            raise NotFound
        row.off = [kind for kind in KINDS if kind in kinds or kind in row.off]


def due_reminders(session: Session, now: datetime, most: int = 200) -> list[Due]:
    """Sessions whose last reminder's instant has come and was not dealt with, the nearest first. One statement."""
    kind = sa.case(
        *(
            (Booking.starts_at <= now + ahead, name)
            for name, ahead in reversed(AHEAD.items())
            if name != "week"
        ),
        else_="week",
    )
    dealt_with = sa.exists().where(
        Reminder.booking_id == Booking.id, Reminder.kind == kind, Reminder.starts_at == Booking.starts_at
    )
    rows = session.execute(
        sa.select(Booking.id, kind, Booking.starts_at)
        .where(Booking.state == State.CONFIRMED.value, Booking.starts_at > now)
        .where(Booking.starts_at <= now + AHEAD["week"], ~dealt_with)
        .order_by(Booking.starts_at, Booking.id)
        .limit(most)
    )
    return [Due(*row) for row in rows]


def take_reminder(tx: Tx, due: Due) -> bool:
    """Whether to send it, and never again for this start: asked anew under the booking's lock."""
    locks.take(tx, booking=due.booking_id)
    booking = tx.session.get(Booking, due.booking_id, populate_existing=True)
    if booking is None or booking.state != State.CONFIRMED or booking.starts_at != due.starts_at:
        return False
    row = insert(Reminder).values(
        booking_id=booking.id, kind=due.kind, starts_at=booking.starts_at, at=tx.now
    )
    new = tx.session.execute(row.on_conflict_do_nothing().returning(Reminder.kind)).scalar_one_or_none()
    if new is None:
        return False
    moves = tx.session.scalars(
        sa.select(BookingMove)
        .where(BookingMove.booking_id == booking.id)
        .order_by(BookingMove.at, BookingMove.id)
    ).all()
    changes = calendar_changes(moves)
    return bool(changes) and reminder_due(tx.now, booking.starts_at, changes[-1].at) == due.kind


def _mail_of(tx: Tx, person_id: uuid.UUID) -> ReminderMail:
    made = insert(ReminderMail).values(person_id=person_id, token=new_reference(), off=[])
    tx.session.execute(made.on_conflict_do_nothing(index_elements=["person_id"]))
    return tx.session.get_one(ReminderMail, person_id, with_for_update=True)


def _hashed(token: str) -> bytes:
    # 256 random bits: a plain hash cannot be guessed back.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _me(actor: Actor) -> uuid.UUID:
    if actor.person_id is None:
        raise NotFound
    return actor.person_id
