"""The letter to operators when a check of the books stops money: once a stop, not once a check."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from ...storage.db import Database
from ...storage.ledger import LedgerCheck
from ...storage.people import Person
from .. import ledger
from .desk import put
from .facts import party
from .stationery import Stationery


def books_alarm(db: Database, stationery: Stationery, *, check_id: uuid.UUID) -> None:
    """Tell every operator what a check found that stops transfers, payouts or new payments."""
    with db.transaction() as tx:
        run = tx.session.get(LedgerCheck, check_id)
        if run is None:
            return
        operators = tx.session.scalars(
            sa.select(Person).where(Person.operator, Person.suspended_at.is_(None)).order_by(Person.id)
        )
        for person in operators:
            me = party(person)
            facts = {
                "me": me, "at": run.at, "stopped": run.stopped, "defects": run.defects,
                "shortfall": run.shortfall_minor, "automatic": ledger.wrong_schedule(run),
                "url": stationery.links.ledger(me.language), "home": stationery.links.home(me.language),
            }  # fmt: skip
            put(tx, stationery, event="books_alarm", subject=str(run.id), to=me, facts=facts)
