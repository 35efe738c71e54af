"""Log-ins: the cookie holds a token of 256 random bits, the records its hash.

Idle and absolute limits: operators 30 minutes and 12 hours (NIST AAL2), everybody else 24 hours and
30 days. A refusal that must leave its count or its trace is a return value: an exception rolls back.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import AccountSuspended, NotFound, TooManyTries, WrongCredentials
from ...domain.policy import Actor
from ...storage.companies import Company, Membership
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.people import LogIn, Person, SecondFactor
from .hashing import hash_password, is_outdated, matches
from .limits import ACCOUNT, ADDRESS, DAY, PAIR, account_key, count_tries, forget_tries, network_key
from .links import hashed
from .selves import STANDING, as_actor
from .trail import write_audit

IDLE = {True: timedelta(minutes=30), False: timedelta(hours=24)}
ABSOLUTE = {True: timedelta(hours=12), False: timedelta(days=30)}
# How old `seen_at` may be before it is written again: not a write a page.
STALE = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A log-in just made. The token is for the cookie and nowhere else."""

    token: str
    person_id: uuid.UUID
    language: str
    lives: timedelta


class Asker(NamedTuple):
    """Who asks, by the token they brought: nobody yet while their log-in owes a proof (`due`)."""

    person: Person
    login: LogIn
    actor: Actor
    has_factor: bool

    @property
    def due(self) -> str | None:
        """What this log-in still owes: "prove", "set_up" (an operator without a factor), or None."""
        if self.login.factor_at is not None:
            return None
        if self.has_factor:
            return "prove"
        return "set_up" if self.person.operator else None


_WHO = (
    sa.select(Person, LogIn, sa.exists().where(SecondFactor.person_id == Person.id), *STANDING)
    .join(LogIn, LogIn.person_id == Person.id)
    .outerjoin(Expert, Expert.person_id == Person.id)
    .where(
        LogIn.token_hash == sa.bindparam("token"),
        LogIn.ended_at.is_(None),
        Person.suspended_at.is_(None),
    )
)


@dataclass(frozen=True)
class DemoPerson:
    """Somebody of the demo, with what they are."""

    id: uuid.UUID
    name: str
    operator: bool
    headline: str | None
    company: str | None
    roles: tuple[str, ...]


def log_in(
    db: Database, *, email: str, password: str, address: str, user_agent: str, real_now: datetime
) -> SignedIn | TooManyTries | WrongCredentials | AccountSuspended:
    """Address and password. Unknown, unproven and wrong all answer alike and take as long."""
    pair = f"log_in:{account_key(email)}:{network_key(address)}"
    with db.transaction() as tx:
        person = tx.session.scalar(sa.select(Person).where(Person.email == email))
        counted = [(pair, PAIR), (f"log_in:{network_key(address)}", ADDRESS)]
        # Guesses from everywhere at one account; where its owner was before, they do not hinder them.
        if person is None or not _was_here(tx.session, person.id, address, real_now):
            counted.append((f"log_in:{account_key(email)}", ACCOUNT))
        until = count_tries(tx.session, counted, real_now)
        if until is not None:
            return TooManyTries(until=until)
        kept = person.password_hash if person is not None and person.email_verified_at is not None else None
    right = matches(password, kept)
    renewed = hash_password(password) if right and kept is not None and is_outdated(kept) else None
    with db.transaction() as tx:
        person = tx.session.get(Person, person.id) if person is not None else None
        if not right or person is None or person.password_hash != kept:
            write_audit(
                tx, actor_id=None, act="log_in.refused", address=address,
                subject=str(person.id) if person is not None else account_key(email),
            )  # fmt: skip
            return WrongCredentials()
        if person.suspended_at is not None:
            write_audit(
                tx, actor_id=person.id, act="log_in.suspended", subject=str(person.id), address=address
            )
            return AccountSuspended()
        if renewed is not None:
            person.password_hash = renewed
        forget_tries(tx.session, pair, real_now)
        return open_log_in(tx, person, address=address, user_agent=user_agent, real_now=real_now)


def log_in_demo(
    db: Database, *, person_id: uuid.UUID, demo: bool, address: str, user_agent: str, real_now: datetime
) -> SignedIn:
    """One click, in demo mode alone and for demo people alone; else NotFound."""
    with db.transaction() as tx:
        person = tx.session.get(Person, person_id) if demo else None
        if person is None or not person.demo or person.suspended_at is not None:
            raise NotFound
        # The demo's one click stands for the second factor too.
        return open_log_in(
            tx, person, address=address, user_agent=user_agent, real_now=real_now, factor_at=real_now
        )


def open_log_in(
    tx: Tx,
    person: Person,
    *,
    address: str,
    user_agent: str,
    real_now: datetime,
    factor_at: datetime | None = None,
) -> SignedIn:
    """A fresh token for somebody who proved who they are (part of a use-case)."""
    token = secrets.token_urlsafe(32)
    tx.session.add(
        LogIn(
            person_id=person.id, token_hash=hashed(token), created_at=real_now, seen_at=real_now, proved_at=real_now,
            factor_at=factor_at, user_agent=user_agent[:300], address=address[:64],
        )
    )  # fmt: skip
    write_audit(tx, actor_id=person.id, act="log_in", subject=str(person.id), address=address)
    return SignedIn(token, person.id, person.language, ABSOLUTE[person.operator])


def renew_log_in(tx: Tx, login: LogIn, person: Person, *, real_now: datetime, with_factor: bool) -> SignedIn:
    """A proof just given: noted, and the token changes with it (ASVS 7.2.4). Part of a use-case."""
    token = secrets.token_urlsafe(32)
    login.token_hash, login.proved_at, login.seen_at = hashed(token), real_now, real_now
    if with_factor:
        login.factor_at = real_now
    left = login.created_at + ABSOLUTE[person.operator] - real_now
    return SignedIn(token, person.id, person.language, max(left, timedelta(0)))


def who(session: Session, token: str, real_now: datetime) -> Asker | None:
    """Whose token this is, while the log-in lives and nobody suspended them; one statement."""
    row = session.execute(_WHO, {"token": hashed(token)}).one_or_none()
    if row is None:
        return None
    person, login, has_factor, *standing = row
    over = (
        login.seen_at + IDLE[person.operator] <= real_now
        or login.created_at + ABSOLUTE[person.operator] <= real_now
    )
    if over:
        return None
    return Asker(person, login, as_actor(person.id, person.operator, *standing), has_factor)


def seen(db: Database, login: LogIn, real_now: datetime) -> None:
    """Note that the log-in is in use, at most once a minute."""
    if real_now - login.seen_at < STALE:
        return
    with db.transaction() as tx:
        tx.session.execute(
            sa.update(LogIn).where(LogIn.id == login.id, LogIn.seen_at < real_now).values(seen_at=real_now)
        )


def log_out(db: Database, token: str, real_now: datetime) -> None:
    """End the log-in of this token; a token that is no more ends quietly."""
    with db.transaction() as tx:
        person_id = tx.session.scalar(
            sa.update(LogIn)
            .where(LogIn.token_hash == hashed(token), LogIn.ended_at.is_(None))
            .values(ended_at=real_now)
            .returning(LogIn.person_id)
        )
        if person_id is not None:
            write_audit(tx, actor_id=person_id, act="log_out", subject=str(person_id))


def list_log_ins(session: Session, person_id: uuid.UUID, real_now: datetime) -> list[LogIn]:
    """A person's log-ins that may still be in use, the latest seen first."""
    return list(
        session.scalars(
            sa.select(LogIn)
            .where(
                LogIn.person_id == person_id, LogIn.ended_at.is_(None), LogIn.seen_at > real_now - IDLE[False]
            )
            .order_by(LogIn.seen_at.desc(), LogIn.id)
            .limit(50)
        )
    )


def end_log_in(db: Database, actor: Actor, log_in_id: uuid.UUID, real_now: datetime) -> None:
    """End one of one's own log-ins, wherever it is; an operator may end anybody's. Else NotFound."""
    with db.transaction() as tx:
        login = tx.session.get(LogIn, log_in_id)
        if (
            login is None
            or actor.person_id is None
            or not (actor.operator or login.person_id == actor.person_id)
        ):
            raise NotFound
        login.ended_at = login.ended_at or real_now
        write_audit(tx, actor_id=actor.person_id, act="log_in.ended", subject=str(login.person_id))


def end_other_log_ins(db: Database, actor: Actor, keep: uuid.UUID, real_now: datetime) -> None:
    """End all of one's log-ins but the one in use."""
    with db.transaction() as tx:
        end_all(tx, actor.person_id, real_now, keep=keep)
        write_audit(tx, actor_id=actor.person_id, act="log_in.ended_others", subject=str(actor.person_id))


def end_all(
    tx: Tx, person_id: uuid.UUID | None, real_now: datetime, *, keep: uuid.UUID | None = None
) -> None:
    """End all log-ins of a person, but the one to keep (part of a use-case)."""
    live = sa.update(LogIn).where(LogIn.person_id == person_id, LogIn.ended_at.is_(None))
    if keep is not None:
        live = live.where(LogIn.id != keep)
    tx.session.execute(live.values(ended_at=real_now))


def demo_people(session: Session) -> list[DemoPerson]:
    """The people one can be in the demo: operators, leads, experts, by name."""
    rows = session.execute(
        sa.select(Person, Expert.headline, Company.name, Membership.roles)
        .outerjoin(Expert, Expert.person_id == Person.id)
        .outerjoin(Membership, Membership.person_id == Person.id)
        .outerjoin(Company, Company.id == Membership.company_id)
        .where(Person.demo, Person.suspended_at.is_(None))
        .order_by(Person.name, Person.id, Company.name)
    )
    found: dict[uuid.UUID, DemoPerson] = {}
    for person, headline, company, roles in rows:
        found.setdefault(
            person.id,
            DemoPerson(person.id, person.name, person.operator, headline, company, tuple(roles or ())),
        )
    return list(found.values())


def _was_here(session: Session, person_id: uuid.UUID, address: str, real_now: datetime) -> bool:
    return bool(
        session.scalar(
            sa.select(sa.literal(True))
            .where(
                LogIn.person_id == person_id,
                LogIn.address == address[:64],
                LogIn.created_at > real_now - 90 * DAY,
            )
            .limit(1)
        )
    )
