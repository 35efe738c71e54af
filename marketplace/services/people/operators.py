"""Operators: the first one, made on the server; the others, made and unmade by operators."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from ...domain.errors import (
    AlreadyRestricted,
    EmailTaken,
    LastOperator,
    NotFound,
    OperatorExists,
    OwnCase,
    ReasonMissing,
)
from ...domain.events import LinkAsked, SecurityChanged
from ...domain.policy import Actor, may
from ...domain.words import clean_line, clean_text
from ...storage.db import Database, Tx
from ...storage.people import Person
from .links import new_link
from .log_ins import end_all
from .selves import LONGEST_NAME
from .trail import write_audit

LONGEST_REASON = 2000
# Two commands at once: the second waits for the first, and then finds its operator.
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(734113)")


def first_operator(db: Database, *, email: str, name: str) -> tuple[Person, str]:
    """The operator of a house that has none, and the token of the link to choose a password; also mailed.

    OperatorExists (any but a demo person), EmailTaken, TextRefused.
    """
    email, name = clean_line(email, 254).lower(), clean_line(name, LONGEST_NAME)
    with db.transaction() as tx:
        tx.lock(_ONE_AT_A_TIME)
        if tx.session.scalar(sa.select(Person.id).where(Person.operator, ~Person.demo).limit(1)):
            raise OperatorExists
        if tx.session.scalar(sa.select(Person.id).where(Person.email == email)):
            raise EmailTaken
        person = Person(email=email, name=name, operator=True, created_at=tx.now)
        tx.session.add(person)
        tx.session.flush()  # The link and the trail refer to it.
        token = new_link(tx, person.id, "verify")
        write_audit(tx, actor_id=None, act="operator.first", subject=str(person.id))
        tx.announce(LinkAsked(person.id, "verify"))
        return person, token


def grant_operator(
    db: Database, actor: Actor, *, person_id: uuid.UUID, reason: str, real_now: datetime
) -> None:
    """Make somebody an operator. They choose a new password, longer than others', by a mailed link.

    NotFound, ReasonMissing, AlreadyRestricted (an operator already, or suspended).
    """
    with db.transaction() as tx:
        person, why = _looked_at(tx, actor, person_id, reason)
        if person.operator or person.suspended_at is not None:
            raise AlreadyRestricted(kind="operator")
        person.operator, person.password_hash = True, None
        end_all(tx, person.id, real_now)
        write_audit(tx, actor_id=actor.person_id, act="operator.granted", subject=str(person.id), reason=why)
        tx.announce(SecurityChanged(person.id, "operator.granted"))
        tx.announce(LinkAsked(person.id, "reset" if person.email_verified_at else "verify"))


def revoke_operator(
    db: Database, actor: Actor, *, person_id: uuid.UUID, reason: str, real_now: datetime
) -> None:
    """Make an operator an ordinary person again; their log-ins end.

    NotFound, ReasonMissing, OwnCase (oneself), AlreadyRestricted (no operator), LastOperator.
    """
    with db.transaction() as tx:
        if person_id == actor.person_id:
            raise OwnCase
        person, why = _looked_at(tx, actor, person_id, reason)
        if not person.operator:
            raise AlreadyRestricted(kind="operator")
        if not others_operate(tx, person.id):
            raise LastOperator
        person.operator = False
        end_all(tx, person.id, real_now)
        write_audit(tx, actor_id=actor.person_id, act="operator.revoked", subject=str(person.id), reason=why)
        tx.announce(SecurityChanged(person.id, "operator.revoked"))


def others_operate(tx: Tx, person_id: uuid.UUID) -> bool:
    """Whether somebody else keeps the house. Locks every operator, so two cannot put each other out at once."""
    standing = tx.session.scalars(
        sa.select(Person.id)
        .where(Person.operator, Person.suspended_at.is_(None))
        .order_by(Person.id)
        .with_for_update()
    ).all()
    return any(one != person_id for one in standing)


def _looked_at(tx: Tx, actor: Actor, person_id: uuid.UUID, reason: str) -> tuple[Person, str]:
    if not may("operator.grant", actor):
        raise NotFound
    others_operate(tx, person_id)  # The operators' rows first, always in the same order.
    mine = tx.session.get(Person, actor.person_id, populate_existing=True)
    person = tx.session.get(Person, person_id, with_for_update=True, populate_existing=True)
    # Unmade meanwhile by somebody else: then this is no operator's deed any more.
    if person is None or mine is None or not mine.operator or mine.suspended_at is not None:
        raise NotFound
    why = clean_text(reason, LONGEST_REASON)
    if not why:
        raise ReasonMissing
    return person, why
