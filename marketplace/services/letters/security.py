"""A word to whoever's password, second factor or standing changed, so that no change goes unseen."""

from __future__ import annotations

import uuid

from ...storage.db import Database
from ...storage.people import Person
from .desk import put
from .facts import party
from .stationery import Stationery


def security_changed(
    db: Database, stationery: Stationery, *, person_id: uuid.UUID, what: str, change_id: uuid.UUID
) -> None:
    """Tell the person what changed and when. `what` is a name of the trail, or "password"."""
    with db.transaction() as tx:
        person = tx.session.get(Person, person_id)
        if person is None:
            return
        me = party(person)
        facts = {
            "me": me, "what": what, "at": tx.now, "url": stationery.links.log_in(me.language),
            "home": stationery.links.home(me.language),
        }  # fmt: skip
        put(tx, stationery, event="security_changed", subject=str(change_id), to=me, facts=facts)
