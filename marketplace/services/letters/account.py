"""Letters about accounts: links to verify an address or set a password, and a word to a known address."""

from __future__ import annotations

import hashlib
import uuid

import sqlalchemy as sa

from ...storage.db import Database
from ...storage.people import MailedLink, Person
from ..people import new_link
from .desk import put
from .facts import party
from .stationery import Stationery

EVENTS = {"verify": "verify_address", "reset": "reset_password"}


def link(db: Database, stationery: Stationery, *, person_id: uuid.UUID, purpose: str) -> None:
    """Make a link ("verify" or "reset") and mail it. The token is in this letter and nowhere else."""
    with db.transaction() as tx:
        person = tx.session.get(Person, person_id)
        if person is None or purpose not in EVENTS:
            return
        me = party(person)
        token = new_link(tx, person_id, purpose)
        tx.session.flush()
        until = tx.session.scalars(
            sa.select(MailedLink.until)
            .where(MailedLink.person_id == person_id, MailedLink.purpose == purpose)
            .order_by(MailedLink.id.desc())
            .limit(1)
        ).one()
        address = stationery.links.verify if purpose == "verify" else stationery.links.reset
        put(
            tx,
            stationery,
            event=EVENTS[purpose],
            # Each link is a letter of its own; the hash, since letters keep their tokens when sent.
            subject=hashlib.sha256(token.encode()).hexdigest()[:32],
            to=me,
            facts={
                "me": me,
                "url": address(token, me.language),
                "until": until,
                "home": stationery.links.home(me.language),
            },
        )


def address_known(db: Database, stationery: Stationery, *, person_id: uuid.UUID) -> None:
    """Tell an account's owner that somebody signed up with their address; once a day at most."""
    with db.transaction() as tx:
        person = tx.session.get(Person, person_id)
        if person is None:
            return
        me = party(person)
        put(
            tx,
            stationery,
            event="address_known",
            subject=tx.now.date().isoformat(),
            to=me,
            facts={
                "me": me,
                "url": stationery.links.log_in(me.language),
                "home": stationery.links.home(me.language),
            },
        )
