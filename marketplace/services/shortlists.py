"""Shortlists: keeping offers to think over, and showing them to a colleague by a link that can be taken back."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ..domain.errors import NotFound, ShortlistFull
from ..domain.ids import new_id
from ..domain.policy import Actor
from ..storage.db import Database, Tx
from ..storage.offers import Offer
from ..storage.people import Person
from ..storage.shortlists import Shortlist, ShortlistItem
from .offers import OfferLine, offer_lines

MOST = 30
COMPARED = 4


@dataclass(frozen=True)
class Kept:
    """A shortlist as read: the live offers on it, newest first. `gone`: how many are no longer offered."""

    owner: str
    lines: tuple[OfferLine, ...]
    gone: int
    shared_at: datetime | None


def keep(db: Database, actor: Actor, offer_id: uuid.UUID) -> None:
    """Put a live offer on one's shortlist; said twice, once is kept. NotFound, ShortlistFull."""
    with db.transaction() as tx:
        mine = _mine(tx, actor)
        if tx.session.scalar(sa.select(Offer.status).where(Offer.id == offer_id)) != "live":
            raise NotFound
        # The shortlist's row is locked: two windows cannot both add the last one.
        others = sa.select(sa.func.count()).where(
            ShortlistItem.shortlist_id == mine.id, ShortlistItem.offer_id != offer_id
        )
        if (tx.session.scalar(others) or 0) >= MOST:
            raise ShortlistFull(most=MOST)
        tx.session.execute(
            insert(ShortlistItem)
            .values(shortlist_id=mine.id, offer_id=offer_id, added_at=tx.now)
            .on_conflict_do_nothing()
        )


def drop(db: Database, actor: Actor, offer_id: uuid.UUID) -> None:
    """Take an offer off one's shortlist; one that is not on it changes nothing."""
    with db.transaction() as tx:
        tx.session.execute(
            sa.delete(ShortlistItem).where(
                ShortlistItem.shortlist_id == _mine(tx, actor).id, ShortlistItem.offer_id == offer_id
            )
        )


def share(db: Database, actor: Actor) -> str:
    """A new link's token, told this once; a link made before ends with it."""
    token = secrets.token_urlsafe(32)
    with db.transaction() as tx:
        mine = _mine(tx, actor)
        mine.token_hash, mine.shared_at = _hashed(token), tx.now
    return token


def end_sharing(db: Database, actor: Actor) -> None:
    """From now on the link leads nowhere."""
    with db.transaction() as tx:
        mine = _mine(tx, actor)
        mine.token_hash, mine.shared_at = None, None


def of_person(session: Session, person_id: uuid.UUID) -> Kept:
    """A person's own shortlist, empty where they have none; two statements."""
    return _read(session, Shortlist.person_id == person_id) or Kept("", (), 0, None)


def of_link(session: Session, token: str) -> Kept:
    """The shortlist behind a link. NotFound for one that was taken back, never was, or of the suspended."""
    found = _read(session, Shortlist.token_hash == _hashed(token))
    if found is None:
        raise NotFound
    return found


def has(session: Session, person_id: uuid.UUID, offer_id: uuid.UUID) -> bool:
    """Whether a person's shortlist holds the offer."""
    return bool(
        session.scalar(
            sa.select(sa.literal(True))
            .select_from(ShortlistItem)
            .join(Shortlist, Shortlist.id == ShortlistItem.shortlist_id)
            .where(Shortlist.person_id == person_id, ShortlistItem.offer_id == offer_id)
        )
    )


def _read(session: Session, which: sa.ColumnElement[bool]) -> Kept | None:
    rows = session.execute(
        sa.select(Person.name, Shortlist.shared_at, ShortlistItem.offer_id)
        .select_from(Shortlist)
        .join(Person, Person.id == Shortlist.person_id)
        .outerjoin(ShortlistItem, ShortlistItem.shortlist_id == Shortlist.id)
        .where(which, Person.suspended_at.is_(None))
        .order_by(ShortlistItem.added_at.desc(), ShortlistItem.offer_id)
    ).all()
    if not rows:
        return None
    wanted = [row.offer_id for row in rows if row.offer_id is not None]
    lines = offer_lines(session, wanted)
    kept = tuple(lines[offer] for offer in wanted if offer in lines)
    return Kept(rows[0].name, kept, len(wanted) - len(kept), rows[0].shared_at)


def _mine(tx: Tx, actor: Actor) -> Shortlist:
    """One's own row, made where it is missing, locked."""
    if actor.person_id is None:
        raise NotFound
    tx.session.execute(
        insert(Shortlist)
        .values(id=new_id(), person_id=actor.person_id, made_at=tx.now)
        .on_conflict_do_nothing(index_elements=[Shortlist.person_id])
    )
    return tx.session.scalars(
        sa.select(Shortlist).where(Shortlist.person_id == actor.person_id).with_for_update()
    ).one()


def _hashed(token: str) -> bytes:
    # 256 random bits: a plain hash cannot be guessed back.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
