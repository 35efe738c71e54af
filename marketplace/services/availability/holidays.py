"""Public holidays an expert keeps: worked out once, kept as days away, renewed each year."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from ...domain.errors import HolidaysUnknown, NotFound
from ...domain.events import CalendarChanged
from ...domain.policy import Actor
from ...gateways.calendars import PublicHolidays
from ...storage import locks
from ...storage.availability import Calendar
from ...storage.db import Database, Tx
from ..people.trail import write_audit

YEARS = 2


def keep_holidays(db: Database, known: PublicHolidays, actor: Actor, *, country: str, region: str) -> None:
    """Be away on the public holidays of a country or region; "" for none. NotFound, HolidaysUnknown."""
    if actor.expert_id is None:
        raise NotFound
    year = db.clock().year
    if country and not known.days(country, region if country else "", year, year, "en"):
        raise HolidaysUnknown
    with db.transaction() as tx:
        locks.take(tx, calendar=actor.expert_id)
        calendar = tx.session.get(Calendar, actor.expert_id, populate_existing=True)
        if calendar is None:
            raise NotFound
        calendar.holidays_of, calendar.holidays_region = country, region if country else ""
        _work_out(tx, known, calendar)
        write_audit(tx, actor_id=actor.person_id, act="hours.changed", subject=f"expert:{actor.expert_id}",
                    reason="holidays")  # fmt: skip


def renew_holidays(db: Database, known: PublicHolidays, most: int = 100) -> int:
    """Work out the next years' days where a new year has come; how many calendars that were."""
    with db.reading() as session:
        due: list[uuid.UUID] = list(
            session.scalars(
                sa.select(Calendar.expert_id)
                .where(Calendar.holidays_of != "", Calendar.holidays_until < db.clock().year + YEARS)
                .limit(most)
            )
        )
    for expert_id in due:
        with db.transaction() as tx:
            locks.take(tx, calendar=expert_id)
            _work_out(tx, known, tx.session.get_one(Calendar, expert_id, populate_existing=True))
    return len(due)


def _work_out(tx: Tx, known: PublicHolidays, calendar: Calendar) -> None:
    first, last = tx.now.year, tx.now.year + YEARS
    days = (
        known.days(calendar.holidays_of, calendar.holidays_region, first, last, "en")
        if calendar.holidays_of
        else {}
    )
    calendar.holidays = [day.isoformat() for day in days]
    calendar.holidays_until = last
    tx.announce(CalendarChanged(calendar.expert_id))
