"""Mailed links: single use, hashed at rest, each good for one purpose and not for long."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import LinkSpent
from ...storage.db import Tx
from ...storage.people import MailedLink, Person

LIVES = {
    "verify": timedelta(hours=48),
    "reset": timedelta(minutes=30),
    "change": timedelta(hours=24),
    "keep": timedelta(hours=72),
}


def hashed(token: str) -> bytes:
    """What is kept of a token. It is 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def new_link(tx: Tx, person_id: uuid.UUID, purpose: str) -> str:
    """A token for a mail ("verify": 48 hours, "reset": 30 minutes). Only its hash is kept."""
    token = secrets.token_urlsafe(32)
    tx.session.add(
        MailedLink(
            person_id=person_id, purpose=purpose, token_hash=hashed(token), made_at=tx.now,
            until=tx.now + LIVES[purpose],
        )
    )  # fmt: skip
    return token


def link_owner(session: Session, token: str, purpose: str, now: datetime) -> Person | None:
    """Whose link this is while it can be used; looking does not use it."""
    return session.scalar(
        sa.select(Person)
        .join(MailedLink, MailedLink.person_id == Person.id)
        .where(
            MailedLink.token_hash == hashed(token),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.until > now,
            Person.suspended_at.is_(None),
        )
    )


def use_link(tx: Tx, token: str, purpose: str) -> Person:
    """Use it up: of two at once one wins, the other gets LinkSpent. All links of this purpose end with it."""
    person_id = tx.session.scalar(
        sa.update(MailedLink)
        .where(
            MailedLink.token_hash == hashed(token),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.until > tx.now,
        )
        .values(used_at=tx.now)
        .returning(MailedLink.person_id)
    )
    person = tx.session.get(Person, person_id) if person_id is not None else None
    if person is None or person.suspended_at is not None:
        raise LinkSpent
    tx.session.execute(
        sa.update(MailedLink)
        .where(MailedLink.person_id == person.id, MailedLink.purpose == purpose, MailedLink.used_at.is_(None))
        .values(used_at=tx.now)
    )
    return person


def is_kept(session: Session, email: str, now: datetime, *, but: uuid.UUID | None = None) -> bool:
    """Whether somebody (but not `but`) may still take this address back: until then nobody else gets it."""
    kept = sa.select(sa.literal(True)).where(
        MailedLink.carries == email, MailedLink.purpose == "keep", MailedLink.used_at.is_(None),
        MailedLink.until > now,
    )  # fmt: skip
    if but is not None:
        kept = kept.where(MailedLink.person_id != but)
    return bool(session.scalar(kept.limit(1)))
