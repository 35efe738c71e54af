"""Reminders of a session: to both sides, each unless its person wants none, once for each start."""

from __future__ import annotations

import logging
from datetime import datetime

from ...domain.reminders import AHEAD
from ...storage.db import Database, Tx
from ..feeds import Due, due_reminders, reminder_token, take_reminder, wanted_reminders
from .desk import put_about
from .facts import BookingFacts, booking_facts
from .stationery import Stationery

log = logging.getLogger(__name__)


def remind(db: Database, stationery: Stationery) -> None:
    """Write the reminders whose instant has come. One that cannot be written never keeps others back."""
    with db.reading() as session:
        due = due_reminders(session, db.clock())
    for one in due:
        try:
            with db.transaction() as tx:
                _remind(tx, stationery, one)
        except Exception:
            log.exception("no reminder could be written for booking %s", one.booking_id)


def _remind(tx: Tx, stationery: Stationery, due: Due) -> None:
    facts = booking_facts(tx.session, due.booking_id) if take_reminder(tx, due) else None
    if facts is None:
        return
    for side, me in (("lead", facts.lead), ("expert", facts.expert)):
        if due.kind not in wanted_reminders(tx.session, me.id):
            continue
        address = stationery.links.reminders(reminder_token(tx, me.id), due.kind, me.language)
        put_about(
            tx, stationery, facts, side, "reminder", subject=f"{facts.id}/{due.kind}/{facts.starts.isoformat()}",
            unsubscribe=address, kind=due.kind, address=address, left=_how_long(facts, tx.now),
        )  # fmt: skip


def _how_long(facts: BookingFacts, now: datetime) -> dict[str, int]:
    """What is left until the start, in the largest unit that says it well: a late letter says how late it is."""
    left = facts.starts - now
    if left > AHEAD["day"] * 1.5:
        return {"days": round(left / AHEAD["day"]), "hours": 0, "minutes": 0}
    minutes = max(1, round(left.total_seconds() / 60))
    if minutes >= 55:
        return {"days": 0, "hours": round(minutes / 60), "minutes": 0}
    return {"days": 0, "hours": 0, "minutes": minutes}
