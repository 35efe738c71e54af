"""Keeping `free_days` right: made anew when anything that moves them changes, and once a day for time alone.

A search reads them; what it shows is checked again against the slots themselves, so a row that is a
minute old never promises a slot that is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ..domain.availability import Interval
from ..domain.filters import LENGTHS
from ..storage.availability import Calendar
from ..storage.bookings import Booking
from ..storage.db import Database
from ..storage.experts import Expert
from ..storage.free_days import FreeDay, FreeDaysMade
from ..storage.offers import Offer
from .availability import rules_of, slots_among, taken_of

# The least notice any offer may have (booking-process.md, **N**).
LEAST_NOTICE = timedelta(hours=4)
ONE_MORE = timedelta(days=1)
A_PASS = 200


def renew(db: Database, expert_id: uuid.UUID) -> None:
    """Work out an expert's free days anew, for the lengths of a session; the same the second time.

    Taken under the calendar's row, so that of two at once the later reading stands.
    """
    with db.transaction() as tx:
        calendar = tx.session.scalar(
            sa.select(Calendar).where(Calendar.expert_id == expert_id).with_for_update()
        )
        tx.session.execute(sa.delete(FreeDay).where(FreeDay.expert_id == expert_id))
        if calendar is None:
            return
        rows = _worked_out(tx.session, calendar, tx.now)
        if rows:
            tx.session.execute(insert(FreeDay), rows)
        made = insert(FreeDaysMade).values(expert_id=expert_id, made_at=tx.now)
        tx.session.execute(
            made.on_conflict_do_update(index_elements=[FreeDaysMade.expert_id], set_={"made_at": tx.now})
        )


def renew_of_booking(db: Database, booking_id: uuid.UUID) -> None:
    """A booking moved, and with it perhaps a claim."""
    with db.reading() as session:
        expert_id = session.scalar(sa.select(Booking.expert_id).where(Booking.id == booking_id))
    if expert_id is not None:
        renew(db, expert_id)


def renew_of_offer(db: Database, offer_id: uuid.UUID) -> None:
    """An offer went live: its expert may be looked for by day from now on."""
    with db.reading() as session:
        expert_id = session.scalar(sa.select(Offer.expert_id).where(Offer.id == offer_id))
    if expert_id is not None:
        renew(db, expert_id)


def renew_due(db: Database, most: int = A_PASS) -> int:
    """Those never made, and those a day old: the horizon has moved on. How many were made."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(Expert.id)
            .join(Calendar, Calendar.expert_id == Expert.id)
            .outerjoin(FreeDaysMade, FreeDaysMade.expert_id == Expert.id)
            .where(
                sa.exists().where(Offer.expert_id == Expert.id, Offer.status == "live"),
                sa.or_(FreeDaysMade.made_at.is_(None), FreeDaysMade.made_at <= db.clock() - ONE_MORE),
            )
            .order_by(FreeDaysMade.made_at.nulls_first(), Expert.id)
            .limit(most)
        ).all()
    for expert_id in due:
        renew(db, expert_id)
    return len(due)


def _worked_out(session: Session, calendar: Calendar, now: datetime) -> list[dict[str, object]]:
    rules = rules_of(calendar, notice_hours=4, instant=True)
    taken = taken_of(session, calendar.expert_id, now)
    window = (now, now + timedelta(days=calendar.horizon_days + 1))
    found: list[dict[str, object]] = []
    for minutes in LENGTHS:
        slots = slots_among(rules, taken, minutes=minutes, window=window, now=now)
        for day, (first, last) in ends_by_day(slots).items():
            found.append(
                {
                    "expert_id": calendar.expert_id, "minutes": minutes, "day": day, "first_start": first,
                    "last_start": last, "valid_until": last - LEAST_NOTICE,
                }
            )  # fmt: skip
    return found


def ends_by_day(slots: Iterable[Interval]) -> dict[date, tuple[datetime, datetime]]:
    """The first and last start of each UTC day that has one. Slots come in order."""
    found: dict[date, tuple[datetime, datetime]] = {}
    for start, _end in slots:
        day = start.astimezone(UTC).date()
        found[day] = (found.get(day, (start, start))[0], start)
    return found
