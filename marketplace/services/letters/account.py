"""Letters about accounts: links to verify an address or set a password, a word to a known address, and
both ends of a change of address."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import replace

import sqlalchemy as sa

from ...storage.db import Database, Tx
from ...storage.people import MailedLink, Person
from ..people import give_token, new_link, unmailed_link
from .desk import put
from .facts import Party, party
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
        if person is not None:
            _known(tx, stationery, person)


def _known(tx: Tx, stationery: Stationery, person: Person) -> None:
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


def address_changing(
    db: Database, stationery: Stationery, *, person_id: uuid.UUID, link_id: uuid.UUID
) -> None:
    """The new address gets its link, or, when it is somebody's, they a word; the old one a way to stop it."""
    with db.transaction() as tx:
        person, link = tx.session.get(Person, person_id), tx.session.get(MailedLink, link_id)
        if person is None or link is None or link.carries is None or link.used_at is not None:
            return
        me = party(person)
        owner = tx.session.scalar(sa.select(Person).where(Person.email == link.carries))
        if owner is not None:
            _known(tx, stationery, owner)
        else:
            _mail_link(
                tx, stationery, "address_confirm", link, replace(me, email=link.carries), new=link.carries
            )
        keep = unmailed_link(tx, person.id, "keep", person.email)
        tx.session.flush()
        if not _mail_link(tx, stationery, "address_changing", keep, me, about=link_id, new=link.carries):
            tx.session.delete(keep)  # The letter is written already, and with it another link.


def address_changed(
    db: Database, stationery: Stationery, *, person_id: uuid.UUID, link_id: uuid.UUID
) -> None:
    """Both are told: the new address, and the old one, which `link_id` carries and can still lead back to."""
    with db.transaction() as tx:
        person, link = tx.session.get(Person, person_id), tx.session.get(MailedLink, link_id)
        if person is None or link is None or link.carries is None or link.used_at is not None:
            return
        me = party(person)
        facts = {"me": me, "old": link.carries, "url": stationery.links.log_in(me.language),
                 "home": stationery.links.home(me.language)}  # fmt: skip
        put(tx, stationery, event="address_changed", subject=str(link_id), to=me, facts=facts)
        _mail_link(tx, stationery, "address_left", link, replace(me, email=link.carries), new=me.email)


def _mail_link(
    tx: Tx, stationery: Stationery, event: str, link: MailedLink, to: Party, *, new: str,
    about: uuid.UUID | None = None,
) -> bool:  # fmt: skip
    """Write the letter and give its link the token in it; False where the letter existed already."""
    token = secrets.token_urlsafe(32)
    address = stationery.links.new_address if link.purpose == "change" else stationery.links.keep_address
    facts = {"me": to, "new": new, "url": address(token, to.language), "until": link.until,
             "home": stationery.links.home(to.language)}  # fmt: skip
    if put(tx, stationery, event=event, subject=str(about or link.id), to=to, facts=facts) is None:
        return False
    give_token(link, token)
    return True
