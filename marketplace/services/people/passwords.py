"""The password one has: proving it, and choosing another."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from ...domain.errors import NotFound, TooManyTries, WrongCredentials
from ...domain.events import SecurityChanged
from ...domain.passwords import check_password
from ...domain.policy import Actor
from ...storage.companies import Company, Membership
from ...storage.db import Database
from ...storage.people import LogIn, MailedLink, Person
from .hashing import hash_password, matches
from .limits import PAIR, count_tries, forget_tries
from .log_ins import end_all
from .trail import write_audit

PRODUCT_WORDS = ("declic", "déclic")


def prove_password(
    db: Database, actor: Actor, password: str, *, address: str, real_now: datetime
) -> TooManyTries | WrongCredentials | None:
    """Whether it is the actor's own, counted; a demo person without one has nothing to prove.

    Refusals are returned: their count and their trace must stay.
    """
    key = f"password:{actor.person_id}"
    with db.transaction() as tx:
        person = tx.session.get(Person, actor.person_id) if actor.person_id else None
        if person is None:
            raise NotFound
        if person.password_hash is None and person.demo:
            return None
        until = count_tries(tx.session, [(key, PAIR)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        kept = person.password_hash
    right = matches(password, kept)
    with db.transaction() as tx:
        if not right:
            write_audit(
                tx,
                actor_id=actor.person_id,
                act="password.refused",
                subject=str(actor.person_id),
                address=address,
            )
            return WrongCredentials()
        forget_tries(tx.session, key, real_now)
    return None


def change_password(
    db: Database,
    actor: Actor,
    *,
    current: str,
    new: str,
    log_in_id: uuid.UUID,
    address: str,
    real_now: datetime,
) -> TooManyTries | WrongCredentials | None:
    """Another password for the one there is; every log-in but `log_in_id` ends, and a mail says so.

    WeakPassword (why, least) before the current one is looked at; refused current ones are returned.
    """
    with db.reading() as session:
        person = session.get(Person, actor.person_id) if actor.person_id else None
        if person is None:
            raise NotFound
        companies = session.scalars(
            sa.select(Company.name).join(Membership).where(Membership.person_id == person.id)
        )
        words = (*PRODUCT_WORDS, person.name, person.email, *companies)
        operator, before = person.operator, person.password_hash
    check_password(new, operator=operator, own_words=words)
    refused = prove_password(db, actor, current, address=address, real_now=real_now)
    if refused is not None:
        return refused
    fresh = hash_password(new)
    with db.transaction() as tx:
        person = tx.session.get_one(Person, actor.person_id, with_for_update=True)
        if person.password_hash != before:
            return WrongCredentials()  # Changed in another window meanwhile: that one stands.
        person.password_hash = fresh
        end_all(tx, person.id, real_now, keep=log_in_id)
        tx.session.execute(sa.update(LogIn).where(LogIn.id == log_in_id).values(proved_at=real_now))
        tx.session.execute(
            sa.update(MailedLink)
            .where(
                MailedLink.person_id == person.id, MailedLink.purpose == "reset", MailedLink.used_at.is_(None)
            )
            .values(used_at=tx.now)
        )
        write_audit(tx, actor_id=person.id, act="password.changed", subject=str(person.id), address=address)
        tx.announce(SecurityChanged(person.id, "password"))
    return None
