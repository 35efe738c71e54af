"""Letters about an expert's busy calendars: one when a calendar can no longer be read, one when it can again."""

from __future__ import annotations

import uuid

from ...domain.availability import COUNTS_FOR
from ...storage.availability import BusyCalendar
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import Person
from .desk import put
from .facts import party
from .stationery import Stationery


def calendar_failing(db: Database, stationery: Stationery, *, calendar_id: uuid.UUID) -> None:
    """Since when it cannot be read, and what happens when; nothing where it can be again, or is removed."""
    _tell(db, stationery, "calendar_failing", calendar_id)


def calendar_read_again(db: Database, stationery: Stationery, *, calendar_id: uuid.UUID) -> None:
    """It is read again, and counts as before."""
    _tell(db, stationery, "calendar_read_again", calendar_id)


def _tell(db: Database, stationery: Stationery, event: str, calendar_id: uuid.UUID) -> None:
    with db.transaction() as tx:
        calendar = tx.session.get(BusyCalendar, calendar_id)
        if calendar is None or (calendar.failed_since is None) is (event == "calendar_failing"):
            return
        expert = tx.session.get_one(Expert, calendar.expert_id)
        me = party(tx.session.get_one(Person, expert.person_id))
        facts = {
            "me": me, "name": calendar.name, "shown": calendar.shown, "why": calendar.why,
            "good_at": calendar.good_at, "until": calendar.good_at + COUNTS_FOR,
            "url": stationery.links.busy_calendars(me.language), "home": stationery.links.home(me.language),
        }  # fmt: skip
        # One a spell: of failing, by its first instant; of reading again, by the instant it was good.
        spell = calendar.failed_since or calendar.good_at
        put(tx, stationery, event=event, subject=f"{calendar.id}/{spell.isoformat()}", to=me, facts=facts)
