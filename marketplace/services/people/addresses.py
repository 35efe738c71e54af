"""Changing one's address: asked for with the password, proven at the new address, taken back from the old one.

Whoever holds a stolen log-in must not walk away with the account: the old address is told at once and
again after the change, each time with a link that is good for 72 hours and puts everything back. Of
several such links the oldest always wins, so a thief who moves the account twice cannot take it back.
What the asker sees never depends on whether the address is taken (ASVS 6.3.8).
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.addresses import domain_of
from ...domain.errors import (
    AddressOfAnotherCompany,
    LinkSpent,
    NotFound,
    SameAddress,
    TooManyTries,
    WrongCredentials,
)
from ...domain.events import AddressChanged, AddressChanging, LinkAsked
from ...domain.ids import new_id
from ...domain.policy import Actor
from ...domain.words import clean_line
from ...storage.companies import Company, Membership
from ...storage.db import Database, Tx
from ...storage.people import MailedLink, Person
from .limits import MAILS, account_key, count_tries
from .links import LIVES, hashed, is_kept, use_link
from .log_ins import end_all
from .passwords import prove_password
from .trail import write_audit


@dataclass(frozen=True)
class Asked:
    """An address asked for and not yet proven: until when its link is good."""

    email: str
    until: datetime


def ask_address(
    db: Database, actor: Actor, *, email: str, password: str, address: str, real_now: datetime
) -> TooManyTries | WrongCredentials | None:
    """Mail a link to the new address and tell the old one; nothing changes until that link is used.

    A taken address gets no link, and its owner is told; the answer is the same. SameAddress;
    AddressOfAnotherCompany (domain) for who buys for a company; refused passwords are returned.
    """
    email = clean_line(email, 254).lower()
    with db.reading() as session:
        _check_domain(session, actor, email)
    refused = prove_password(db, actor, password, address=address, real_now=real_now)
    if refused is not None:
        return refused
    with db.transaction() as tx:
        person = tx.session.get_one(Person, actor.person_id)
        until = count_tries(tx.session, [(f"address:{person.id}", MAILS)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        # Beyond a few a day no more mail goes to this address; the page says the same.
        if count_tries(tx.session, [(f"mail:{account_key(email)}", MAILS)], real_now) is not None:
            return None
        _end_links(tx, person.id, ("change",))
        # The letter's job makes the token: until then nobody holds one.
        link = unmailed_link(tx, person.id, "change", email)
        write_audit(tx, actor_id=person.id, act="address.asked", subject=str(person.id), address=address)
        tx.announce(AddressChanging(person.id, link.id))
    return None


def asked_address(session: Session, person_id: uuid.UUID, now: datetime) -> Asked | None:
    """The change that waits for its link, if any."""
    row = session.execute(
        sa.select(MailedLink.carries, MailedLink.until)
        .where(
            MailedLink.person_id == person_id, MailedLink.purpose == "change", MailedLink.used_at.is_(None),
            MailedLink.until > now,
        )
        .order_by(MailedLink.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    return Asked(row.carries, row.until) if row is not None else None


def forget_address(db: Database, actor: Actor) -> None:
    """Ask for nothing any more: the link that was mailed is worth nothing from here on."""
    with db.transaction() as tx:
        _end_links(tx, _somebody(actor), ("change",))
        write_audit(tx, actor_id=actor.person_id, act="address.forgotten", subject=str(actor.person_id))


def carried(session: Session, token: str, purpose: str, now: datetime) -> str | None:
    """The address a "change" or "keep" link leads to, while it can be used; looking does not use it."""
    return session.scalar(
        sa.select(MailedLink.carries)
        .join(Person, Person.id == MailedLink.person_id)
        .where(
            MailedLink.token_hash == hashed(token), MailedLink.purpose == purpose, MailedLink.used_at.is_(None),
            MailedLink.until > now, Person.suspended_at.is_(None),
        )
    )  # fmt: skip


def change_address(db: Database, *, token: str, address: str) -> None:
    """The link mailed to the new address: it is the account's from now on, and both are told. LinkSpent."""
    with db.transaction() as tx:
        email = carried(tx.session, token, "change", tx.now)
        person = use_link(tx, token, "change")
        if email is None or not _free(tx, email, person.id):
            raise LinkSpent
        before, person.email, person.email_verified_at = person.email, email, tx.now
        # Links that lie in the old mailbox open nothing any more; its way back is a fresh one.
        _end_links(tx, person.id, ("verify", "reset"))
        link = unmailed_link(tx, person.id, "keep", before)
        write_audit(tx, actor_id=person.id, act="address.changed", subject=str(person.id), address=address)
        tx.announce(AddressChanged(person.id, link.id))


def keep_address(db: Database, *, token: str, address: str, real_now: datetime) -> None:
    """It was not me: the old address is the account's again, every log-in ends, the password is gone.

    Whoever asked for the change knew the password, so a link to choose another goes to the old
    address. LinkSpent.
    """
    with db.transaction() as tx:
        email = carried(tx.session, token, "keep", tx.now)
        link = tx.session.execute(
            sa.update(MailedLink)
            .where(MailedLink.token_hash == hashed(token), MailedLink.purpose == "keep",
                   MailedLink.used_at.is_(None), MailedLink.until > tx.now)
            .values(used_at=tx.now)
            .returning(MailedLink.person_id, MailedLink.id, MailedLink.made_at)
        ).one_or_none()  # fmt: skip
        if email is None or link is None:
            raise LinkSpent
        person = tx.session.get_one(Person, link.person_id, with_for_update=True)
        # Those made before this one lead further back, to whoever had the account first.
        tx.session.execute(
            sa.update(MailedLink)
            .where(
                MailedLink.person_id == person.id, MailedLink.used_at.is_(None),
                sa.or_(MailedLink.purpose != "keep", MailedLink.id > link.id),
            )
            .values(used_at=tx.now)
        )  # fmt: skip
        person.email, person.email_verified_at, person.password_hash = email, tx.now, None
        end_all(tx, person.id, real_now)
        write_audit(tx, actor_id=person.id, act="address.kept", subject=str(person.id), address=address)
        tx.session.flush()
        tx.announce(LinkAsked(person.id, "reset"))


def unmailed_link(tx: Tx, person_id: uuid.UUID, purpose: str, carries: str) -> MailedLink:
    """A link nobody holds the token of yet: the job that writes the letter gives it one (part of a use-case)."""
    link = MailedLink(
        id=new_id(), person_id=person_id, purpose=purpose, carries=carries,
        token_hash=hashed(secrets.token_urlsafe(32)), made_at=tx.now, until=tx.now + LIVES[purpose],
    )  # fmt: skip
    tx.session.add(link)
    return link


def give_token(link: MailedLink, token: str) -> None:
    """The letter with this token is written: from here on it opens the link (part of a use-case)."""
    link.token_hash = hashed(token)


def _check_domain(session: Session, actor: Actor, email: str) -> None:
    person = session.get(Person, _somebody(actor))
    if person is None:
        raise NotFound
    if person.email == email:
        raise SameAddress
    domains = session.scalars(
        sa.select(Company.domain).join(Membership).where(Membership.person_id == person.id)
    ).all()
    if domains and domain_of(email) not in domains:
        raise AddressOfAnotherCompany(domain=domains[0])


def _free(tx: Tx, email: str, person_id: uuid.UUID) -> bool:
    owner = tx.session.scalar(sa.select(Person.id).where(Person.email == email))
    return owner is None and not is_kept(tx.session, email, tx.now, but=person_id)


def _end_links(tx: Tx, person_id: uuid.UUID, purposes: tuple[str, ...]) -> None:
    tx.session.execute(
        sa.update(MailedLink)
        .where(
            MailedLink.person_id == person_id, MailedLink.purpose.in_(purposes), MailedLink.used_at.is_(None)
        )
        .values(used_at=tx.now)
    )


def _somebody(actor: Actor) -> uuid.UUID:
    if actor.person_id is None:
        raise NotFound
    return actor.person_id
