"""The second factor: TOTP (RFC 6238) with recovery codes, and proving again who one is.

A log-in with a second factor to prove, or with one to set up (operators), is nobody until then:
`Asker.due` says which. A refusal that must leave its count or its trace is a return value.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.errors import FactorNeeded, FactorTaken, FactorWrong, NotFound, TooManyTries, WrongCredentials
from ...domain.events import SecurityChanged
from ...domain.policy import Actor
from ...storage.db import Database, Tx
from ...storage.people import LogIn, Person, RecoveryCode, SecondFactor
from .limits import ADDRESS, DAY, HOUR, MINUTE, Windows, count_tries, forget_tries, network_key
from .log_ins import SignedIn, end_all, renew_log_in
from .passwords import prove_password
from .sealing import (
    AT_REST,
    OFFERED,
    OFFERED_FOR,
    as_typed,
    code_hash,
    is_one_time,
    new_codes,
    new_secret,
    seal,
    steps_of,
    unseal,
)
from .trail import write_audit

# PyPI's: whoever guesses has the password already, and a million codes to try.
TRIES: Windows = ((5 * MINUTE, 5), (HOUR, 20), (DAY, 50))
# How long a proof holds for what needs a recent one (ASVS 7.5.1).
RECENT = timedelta(minutes=15)


@dataclass(frozen=True)
class Standing:
    """A second factor that stands: since when, and how many recovery codes are left."""

    since: datetime
    codes_left: int


@dataclass(frozen=True)
class Offered:
    """A secret to be taken up by an authenticator. `sealed` comes back with the first code; nothing is kept yet."""

    secret: str
    sealed: str


@dataclass(frozen=True)
class FactorSet:
    """The log-in, under a new token, and the recovery codes, to be shown this once."""

    login: SignedIn
    codes: tuple[str, ...]


def standing_factor(session: Session, person_id: uuid.UUID) -> Standing | None:
    """The person's second factor, if they have one."""
    factor = session.get(SecondFactor, person_id)
    if factor is None:
        return None
    left = session.scalar(
        sa.select(sa.func.count()).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    )
    return Standing(factor.made_at, int(left or 0))


def offer_secret(person_id: uuid.UUID, *, key: str, real_now: datetime) -> Offered:
    """A fresh secret for the page; good for an hour."""
    secret = new_secret()
    return Offered(secret, seal(key, OFFERED, person_id, secret, real_now).decode())


def offered_again(person_id: uuid.UUID, sealed: str, *, key: str, real_now: datetime) -> Offered | None:
    """The secret a page carried, when it is ours, this person's and of this hour; so that a wrong code keeps it."""
    secret = unseal(key, OFFERED, person_id, sealed.encode("utf-8", "replace"), at=real_now, ttl=OFFERED_FOR)
    return Offered(secret, sealed) if secret is not None else None


def set_factor(
    db: Database,
    *,
    person_id: uuid.UUID,
    log_in_id: uuid.UUID,
    sealed: str,
    code: str,
    key: str,
    address: str,
    real_now: datetime,
) -> FactorSet | TooManyTries | FactorWrong:
    """Set up the offered secret, or replace the one that stands, by its first right code.

    New recovery codes, every other log-in ended, the person told. Raises FactorTaken where a factor
    stands that this log-in never proved.
    """
    with db.transaction() as tx:
        person, login = _locked(tx, person_id, log_in_id)
        before = tx.session.get(SecondFactor, person_id)
        if before is not None and login.factor_at is None:
            raise FactorTaken
        until = count_tries(tx.session, [(_tries(person_id), TRIES)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        offered = offered_again(person_id, sealed, key=key, real_now=real_now)
        steps = steps_of(offered.secret, as_typed(code), real_now) if offered is not None else []
        if offered is None or not steps:
            return FactorWrong()
        values = {
            "sealed": seal(key, AT_REST, person_id, offered.secret, real_now),
            "last_counter": steps[-1], "made_at": tx.now,
        }  # fmt: skip
        tx.session.execute(
            insert(SecondFactor)
            .values(person_id=person_id, **values)
            .on_conflict_do_update(index_elements=[SecondFactor.person_id], set_=values)
        )
        codes = _make_codes(tx, person_id)
        end_all(tx, person_id, real_now, keep=log_in_id)
        forget_tries(tx.session, _tries(person_id), real_now)
        _note(tx, person_id, "factor.replaced" if before is not None else "factor.set", address)
        return FactorSet(renew_log_in(tx, login, person, real_now=real_now, with_factor=True), codes)


def prove_factor(
    db: Database,
    *,
    person_id: uuid.UUID,
    log_in_id: uuid.UUID,
    code: str,
    key: str,
    address: str,
    real_now: datetime,
) -> SignedIn | TooManyTries | FactorWrong:
    """The authenticator's code or a recovery code: the log-in is whole, under a new token.

    A time step counts once, whoever asks at the same moment; so does a recovery code.
    """
    typed = as_typed(code)
    with db.transaction() as tx:
        # Whoever guesses digits with a stolen password keeps nobody out: a recovery code, which nobody
        # guesses, is counted by where it comes from.
        counted = (
            (_tries(person_id), TRIES)
            if is_one_time(typed)
            else (f"recovery:{network_key(address)}", ADDRESS)
        )
        until = count_tries(tx.session, [counted], real_now)
        if until is not None:
            return TooManyTries(until=until)
        person, login = _locked(tx, person_id, log_in_id)
        if is_one_time(typed):
            right = _use_step(tx, person_id, typed, key, real_now)
        else:
            right = _use_recovery_code(tx, person_id, typed, address)
        if not right:
            write_audit(tx, actor_id=person_id, act="factor.refused", subject=str(person_id), address=address)
            return FactorWrong()
        forget_tries(tx.session, _tries(person_id), real_now)
        write_audit(tx, actor_id=person_id, act="factor.proved", subject=str(person_id), address=address)
        return renew_log_in(tx, login, person, real_now=real_now, with_factor=True)


def confirm_password(
    db: Database,
    *,
    person_id: uuid.UUID,
    log_in_id: uuid.UUID,
    password: str,
    address: str,
    real_now: datetime,
) -> SignedIn | TooManyTries | WrongCredentials:
    """Who has no second factor proves again by the password; a demo person without one by asking."""
    refused = prove_password(db, Actor(person_id), password, address=address, real_now=real_now)
    if refused is not None:
        return refused
    with db.transaction() as tx:
        person, login = _locked(tx, person_id, log_in_id)
        write_audit(tx, actor_id=person_id, act="password.proved", subject=str(person_id), address=address)
        return renew_log_in(tx, login, person, real_now=real_now, with_factor=False)


def renew_codes(db: Database, *, person_id: uuid.UUID, address: str) -> tuple[str, ...]:
    """Ten new recovery codes; the old ones are worth nothing. NotFound without a factor."""
    with db.transaction() as tx:
        if tx.session.get(SecondFactor, person_id, with_for_update=True) is None:
            raise NotFound
        codes = _make_codes(tx, person_id)
        _note(tx, person_id, "factor.codes", address)
        return codes


def remove_factor(db: Database, *, person_id: uuid.UUID, address: str) -> None:
    """Do without a second factor again. FactorNeeded for operators, NotFound where there is none."""
    with db.transaction() as tx:
        person = tx.session.get_one(Person, person_id, with_for_update=True)
        if person.operator:
            raise FactorNeeded
        _drop(tx, person_id)
        _note(tx, person_id, "factor.removed", address)


def reset_factor(db: Database, *, email: str, real_now: datetime) -> None:
    """For whoever lost device and codes, from the server's own shell: the factor goes, every log-in ends.

    The password is asked for all the same, and an operator sets up another factor first thing. NotFound.
    """
    with db.transaction() as tx:
        person = tx.session.scalar(
            sa.select(Person).where(Person.email == email.strip().lower()).with_for_update()
        )
        if person is None:
            raise NotFound
        _drop(tx, person.id)
        end_all(tx, person.id, real_now)
        write_audit(tx, actor_id=None, act="factor.reset", subject=str(person.id))
        tx.announce(SecurityChanged(person.id, "factor.reset"))


def _locked(tx: Tx, person_id: uuid.UUID, log_in_id: uuid.UUID) -> tuple[Person, LogIn]:
    person = tx.session.get(Person, person_id, with_for_update=True)
    login = tx.session.get(LogIn, log_in_id, with_for_update=True)
    if person is None or login is None or login.person_id != person_id or login.ended_at is not None:
        raise NotFound
    return person, login


def _use_step(tx: Tx, person_id: uuid.UUID, code: str, key: str, real_now: datetime) -> bool:
    factor = tx.session.get(SecondFactor, person_id)
    secret = unseal(key, AT_REST, person_id, factor.sealed, at=real_now) if factor is not None else None
    return secret is not None and any(
        tx.session.scalar(
            sa.update(SecondFactor)
            .where(SecondFactor.person_id == person_id, SecondFactor.last_counter < step)
            .values(last_counter=step)
            .returning(SecondFactor.person_id)
        )
        for step in steps_of(secret, code, real_now)
    )


def _use_recovery_code(tx: Tx, person_id: uuid.UUID, code: str, address: str) -> bool:
    used = tx.session.scalar(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == code_hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=tx.now)
        .returning(RecoveryCode.id)
    )
    if used is not None:
        _note(tx, person_id, "factor.recovered", address)
    return used is not None


def _make_codes(tx: Tx, person_id: uuid.UUID) -> tuple[str, ...]:
    tx.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = new_codes()
    tx.session.add_all(
        RecoveryCode(person_id=person_id, code_hash=code_hash(code), made_at=tx.now) for code in codes
    )
    return codes


def _drop(tx: Tx, person_id: uuid.UUID) -> None:
    tx.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    gone = tx.session.scalar(
        sa.delete(SecondFactor).where(SecondFactor.person_id == person_id).returning(SecondFactor.person_id)
    )
    if gone is None:
        raise NotFound


def _note(tx: Tx, person_id: uuid.UUID, what: str, address: str) -> None:
    """The trail and the mail name a change alike."""
    write_audit(tx, actor_id=person_id, act=what, subject=str(person_id), address=address)
    tx.announce(SecurityChanged(person_id, what))


def _tries(person_id: uuid.UUID) -> str:
    return f"factor:{person_id}"
