"""Saved searches: what somebody looks for, kept; and the offers first published since then that answer it.

`look` finds and records, the daily mail and the person's own page read what is recorded. It is the
search of the pages (`search.find`), so nobody is told of an offer they would not have found.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..domain.errors import NotFound, SavedSearchesFull
from ..domain.filters import Filters, read_filters, read_order
from ..domain.policy import Actor
from ..domain.search import MOST_CHARACTERS, significant
from ..domain.words import clean_line, clean_text
from ..gateways.embeddings import Encoders
from ..storage.db import Database, Tx
from ..storage.narrowing import conditions, everything
from ..storage.offers import Offer, OfferVersion
from ..storage.people import Person
from ..storage.saved_searches import FREQUENCIES, SavedSearch, SavedSearchFind
from .offers import OfferLine, offer_lines
from .search import Meant, find, meant_by

MOST = 20
LONGEST_NAME = 120
# Groups of the search that are worth a mail (domain/search.py).
NEAR = ("same", "neighbour")
# An offer's vectors are made in a job: it is looked for once they surely are.
SETTLES = timedelta(minutes=10)
# A pass looks at so many; the next one goes on.
A_PASS = 500
READ_AT_ONCE = 50
# What is listed of a search's new offers, in the mail and on the page; their number is told.
LISTED = 5
COUNTED = 99


@dataclass(frozen=True)
class Listed:
    """A saved search with what is new: at most LISTED of the live offers, newest first, and how many (up to COUNTED)."""

    search: SavedSearch
    new: tuple[OfferLine, ...]
    number: int


def filters_of(search: SavedSearch) -> Filters:
    """The filters as values. What is none any more (an old address's) narrows nothing."""
    asked: dict[str, list[str]] = {}
    for name, value in search.filters:
        asked.setdefault(name, []).append(value)
    return read_filters(asked, search.made_at.date())[0]


def save(db: Database, actor: Actor, *, name: str, query: str, filters: Filters, order: str) -> SavedSearch:
    """Keep a search; the same one again is the one kept. Offers published from now on are new to it.

    Raises NotFound for nobody, SavedSearchesFull, and what cleaning a text refuses.
    """
    words = clean_text(query, MOST_CHARACTERS)
    called = clean_line(name[:LONGEST_NAME], LONGEST_NAME)
    pairs = [list(pair) for pair in filters.pairs()]
    with db.transaction() as tx:
        # The person's row is locked: two windows cannot both save the last one.
        person = _locked(tx, actor)
        mine = tx.session.scalars(sa.select(SavedSearch).where(SavedSearch.person_id == person.id)).all()
        ordered = read_order(order, asked=bool(words))
        for one in mine:
            if (one.query, one.filters, one.ordered_by) == (words, pairs, ordered):
                return one
        if len(mine) >= MOST:
            raise SavedSearchesFull(most=MOST)
        made = SavedSearch(
            person_id=person.id, name=called, query=words, filters=pairs, ordered_by=ordered, frequency="daily",
            made_at=tx.now, seen_at=tx.now, looked_until=tx.now, told_until=tx.now,
        )  # fmt: skip
        tx.session.add(made)
        return made


def forget(db: Database, actor: Actor, *, search_id: uuid.UUID) -> None:
    """Delete a saved search with what it found. NotFound for another's."""
    with db.transaction() as tx:
        search = _own(tx, actor, search_id)
        tx.session.execute(sa.delete(SavedSearchFind).where(SavedSearchFind.search_id == search.id))
        tx.session.delete(search)


def set_frequency(db: Database, actor: Actor, *, search_id: uuid.UUID, frequency: str) -> None:
    """How often its new offers come by mail: "daily", "weekly", "off". What was found while off is not sent."""
    if frequency not in FREQUENCIES:
        raise NotFound
    with db.transaction() as tx:
        search = _own(tx, actor, search_id)
        if search.frequency == "off":
            search.told_until = tx.now
        search.frequency = frequency


def seen(db: Database, actor: Actor, *, search_id: uuid.UUID) -> SavedSearch:
    """The person looks at its results: what was found so far is new no longer. NotFound for another's."""
    with db.transaction() as tx:
        search = _own(tx, actor, search_id)
        search.seen_at = tx.now
        return search


def own_searches(session: Session, person_id: uuid.UUID) -> list[Listed]:
    """Newest first, each with what was found since it was last looked at. Four statements."""
    mine = session.scalars(
        sa.select(SavedSearch).where(SavedSearch.person_id == person_id).order_by(SavedSearch.id.desc())
    ).all()
    return _with_finds(session, mine, SavedSearch.seen_at)


def to_tell(session: Session, now: datetime) -> dict[uuid.UUID, list[Listed]]:
    """By person (not suspended): their searches whose mail is due and that found something since the last."""
    # By days: a mail at six yesterday must not push today's to a minute later.
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due_before = sa.case((SavedSearch.frequency == "weekly", today - timedelta(days=6)), else_=today)
    due = session.scalars(
        sa.select(SavedSearch)
        .join(Person, Person.id == SavedSearch.person_id)
        .where(SavedSearch.frequency != "off", Person.suspended_at.is_(None))
        .where(SavedSearch.told_until < due_before)
        .where(
            sa.exists().where(
                SavedSearchFind.search_id == SavedSearch.id, SavedSearchFind.found_at > SavedSearch.told_until
            )
        )
        .order_by(SavedSearch.id.desc())
    ).all()
    found: dict[uuid.UUID, list[Listed]] = {}
    for one in _with_finds(session, due, SavedSearch.told_until):
        if one.number:
            found.setdefault(one.search.person_id, []).append(one)
    return found


def told(tx: Tx, searches: Sequence[SavedSearch]) -> None:
    """Their finds so far are in a mail."""
    tx.session.execute(
        sa.update(SavedSearch)
        .where(SavedSearch.id.in_([one.id for one in searches]))
        .values(told_until=tx.now)
    )


def mails_wanted(session: Session, person_id: uuid.UUID) -> bool:
    """Whether any of the person's searches comes by mail."""
    return bool(
        session.scalar(
            sa.select(sa.exists().where(SavedSearch.person_id == person_id, SavedSearch.frequency != "off"))
        )
    )


def no_more_mails(tx: Tx, person_id: uuid.UUID) -> None:
    """None of the person's searches comes by mail any more; they stay saved."""
    tx.session.execute(
        sa.update(SavedSearch).where(SavedSearch.person_id == person_id).values(frequency="off")
    )


def look(db: Database, encoders: Encoders) -> None:
    """Find what answers each saved search among the offers first published since it was last looked at.

    Costs two statements where nothing was published. While matching by meaning rests, searches with
    words wait: words alone do not tell how near a problem is.
    """
    until = db.clock() - SETTLES
    with db.reading() as session:
        waiting = session.execute(
            sa.select(SavedSearch, Person.zone)
            .join(Person, Person.id == SavedSearch.person_id)
            .where(SavedSearch.looked_until < until)
            .order_by(SavedSearch.looked_until, SavedSearch.id)
            .limit(A_PASS)
        ).all()
        fresh = _first_published(session, waiting[0][0].looked_until, until) if waiting else {}
    idle = []
    for search, zone in waiting:
        mine = {offer for offer, at in fresh.items() if search.looked_until < at}
        if mine:
            _look_for(db, encoders, search, ZoneInfo(zone), mine, until)
        else:
            idle.append(search.id)
    if idle:
        with db.transaction() as tx:
            tx.session.execute(
                sa.update(SavedSearch).where(SavedSearch.id.in_(idle)).values(looked_until=until)
            )


def _first_published(session: Session, after: datetime, until: datetime) -> Mapping[uuid.UUID, datetime]:
    rows = session.execute(
        sa.select(OfferVersion.offer_id, OfferVersion.published_at).where(
            OfferVersion.number == 1, OfferVersion.published_at > after, OfferVersion.published_at <= until
        )
    )
    return {row.offer_id: row.published_at for row in rows}


def _look_for(
    db: Database,
    encoders: Encoders,
    search: SavedSearch,
    zone: ZoneInfo,
    among: set[uuid.UUID],
    until: datetime,
) -> None:
    meant = meant_by(db, encoders, search.query)
    if meant is None and significant(search.query):
        return
    with db.reading() as session:
        found = _answers(session, search, meant, zone, db.clock(), among)
    with db.transaction() as tx:
        # Deleted or looked at by another pass meanwhile: then there is nothing to write.
        row = tx.session.get(SavedSearch, search.id, with_for_update=True)
        if row is None or row.looked_until != search.looked_until:
            return
        row.looked_until = until
        if found:
            tx.session.execute(
                insert(SavedSearchFind)
                .values([{"search_id": row.id, "offer_id": offer, "found_at": tx.now} for offer in found])
                .on_conflict_do_nothing()
            )


def _answers(
    session: Session, search: SavedSearch, meant: Meant | None, zone: ZoneInfo, now: datetime, among: set[uuid.UUID]
) -> list[uuid.UUID]:  # fmt: skip
    filters = filters_of(search)
    if not search.query:
        passing = conditions(filters, now, zone).values()
        return list(session.scalars(everything().where(*passing, Offer.id.in_(among))))
    found: list[uuid.UUID] = []
    after = None
    while True:
        page = find(
            session, search.query, meant=meant, filters=filters, zone=zone, now=now, order="fit", after=after,
            limit=READ_AT_ONCE,
        )  # fmt: skip
        near = [hit for hit in page.hits if hit.group in NEAR]
        found += [hit.offer_id for hit in near if hit.offer_id in among]
        after = page.following
        # Best first: behind the first that is not near, none is.
        if after is None or len(near) < len(page.hits):
            return found


def _with_finds(
    session: Session, searches: Sequence[SavedSearch], since: InstrumentedAttribute[datetime]
) -> list[Listed]:
    found: dict[uuid.UUID, list[uuid.UUID]] = {one.id: [] for one in searches}
    place = sa.func.row_number().over(
        partition_by=SavedSearchFind.search_id,
        order_by=(SavedSearchFind.found_at.desc(), SavedSearchFind.offer_id.desc()),
    )
    newest = (
        sa.select(SavedSearchFind.search_id, SavedSearchFind.offer_id, place.label("place"))
        .join(SavedSearch, SavedSearch.id == SavedSearchFind.search_id)
        .where(SavedSearch.id.in_(found), SavedSearchFind.found_at > since)
        .subquery()
    )
    rows = session.execute(
        sa.select(newest.c.search_id, newest.c.offer_id)
        .where(newest.c.place <= COUNTED)
        .order_by(newest.c.search_id, newest.c.place)
    )
    for search_id, offer_id in rows:
        found[search_id].append(offer_id)
    lines = offer_lines(session, {offer for some in found.values() for offer in some})
    listed = []
    for search in searches:
        live = [lines[offer] for offer in found[search.id] if offer in lines]
        listed.append(Listed(search, tuple(live[:LISTED]), len(live)))
    return listed


def _locked(tx: Tx, actor: Actor) -> Person:
    if actor.person_id is None:
        raise NotFound
    return tx.session.get_one(Person, actor.person_id, with_for_update=True)


def _own(tx: Tx, actor: Actor, search_id: uuid.UUID) -> SavedSearch:
    search = tx.session.get(SavedSearch, search_id, with_for_update=True)
    if search is None or actor.person_id is None or search.person_id != actor.person_id:
        raise NotFound
    return search
