"""The offers that answer a question, best first: one search, by words, by near spelling and by meaning."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.search import RANKING, Candidate, Group, Part, for_candidates, fuse, significant
from ...storage import search as rows
from ...storage import vectors as meanings
from ...storage.experts import Expert
from ...storage.offers import Offer
from ...storage.people import Person
from ...storage.search import SearchRow
from ..offers import OfferLine, offer_lines
from .meaning import Meant
from .sentences import Why, with_passages
from .words import Words, words_of

# The best so many are ranked; beyond them nobody reads, and the work stays bounded.
MOST_CANDIDATES = 400
# Of the best fit's share; less is chance, not an answer.
LEAST_SHARE = 0.45
# From so many telling words on, one word in common is chance too.
LONG_QUERY, LEAST_WORDS = 6, 2
COUNTED = 1_000
# So many nearest in meaning are looked at beside those the words found.
NEAREST = 200
# What an offer whose vectors are still being made is taken to mean: nothing in particular.
NO_MEANING = 0.0


@dataclass(frozen=True)
class Position:
    """The last line of a page: its fit and rating score (0 while browsing) and its offer."""

    fit: int
    rating: int
    offer_id: uuid.UUID


@dataclass(frozen=True)
class Hit:
    """An offer found: what a list shows of it, the best passage as parts, how near it is and why.

    `group` is None where only words were matched: they do not tell how near a problem is.
    """

    line: OfferLine
    snippet: tuple[Part, ...] = ()
    group: Group | None = None
    why: Why | None = None
    fit: int = 0

    @property
    def offer_id(self) -> uuid.UUID:
        return self.line.id


@dataclass(frozen=True)
class Page:
    """Some hits, best first. `total` is exact up to COUNTED. Positions to go on from, or None at an end.

    `instead`: the question with misspelt words as the catalogue writes them, where there are any.
    `near`: how many are about this problem or part of it; the others are only the closest. None where
    words alone were matched.
    """

    hits: tuple[Hit, ...]
    total: int
    following: Position | None = None
    preceding: Position | None = None
    instead: str | None = None
    near: int | None = None

    @property
    def nothing_near(self) -> bool:
        return self.near == 0


EMPTY = Page((), 0)


def find(
    session: Session,
    query: str,
    *,
    meant: Meant | None = None,
    after: Position | None = None,
    before: Position | None = None,
    limit: int = 10,
) -> Page:
    """The offers that answer `query`, best first; all of them, newest first, for an empty one.

    `meant` is what `meant_by` made of the same query; without it words alone decide. A query of grammar
    alone finds nothing. `after` and `before` are positions of an earlier page of the same query. A fixed
    number of statements, whatever the data.
    """
    if not query.strip():
        return _browse(session, after=after, before=before, limit=limit)
    words = words_of(session, query, significant(query))
    ranked = _fused(session, words, meant) if meant else _by_words(session, words)
    page, following, preceding = _cut([one.position for one in ranked], after, before, limit)
    lines = offer_lines(session, [position.offer_id for position in page])
    groups = {one.position.offer_id: one.group for one in ranked}
    hits = [
        Hit(lines[position.offer_id], group=groups[position.offer_id], fit=position.fit)
        for position in page
        if position.offer_id in lines
    ]
    passages = with_passages(session, words, meant, [hit.line for hit in hits])
    hits = [replace(hit, snippet=parts, why=why) for hit, (parts, why) in zip(hits, passages, strict=True)]
    near = sum(one.group != "closest" for one in ranked) if meant else None
    return Page(tuple(hits), len(ranked), following, preceding, words.instead, near)


@dataclass(frozen=True)
class _Ranked:
    position: Position
    group: Group | None = None


def _by_words(session: Session, words: Words) -> list[_Ranked]:
    """What holds most of the rarest words."""
    found = _texts(session, words, ())
    if not found:
        return []
    floor = max(one.fit for one in found) * LEAST_SHARE
    least = LEAST_WORDS if words.asked >= LONG_QUERY else 1
    kept = [
        Position(one.fit, one.rating, one.offer_id)
        for one in found
        if one.fit >= floor and one.shared >= least
    ]
    return [_Ranked(position) for position in sorted(kept, key=_order)]


def _fused(session: Session, words: Words, meant: Meant) -> list[_Ranked]:
    """Meaning and words as one (domain/search.py `fuse`)."""
    near = meanings.nearest(session, meant.encoding_id, meant.vector, NEAREST)
    by_meaning = {offer: (language, cosine) for offer, language, cosine, _rating in near}
    ratings = {offer: rating for offer, _language, _cosine, rating in near}
    texts = {one.offer_id: one for one in _texts(session, words, list(by_meaning))}
    others = [offer for offer in texts if offer not in by_meaning]
    if others:
        by_meaning |= meanings.meaning_of(session, meant.encoding_id, meant.vector, others)
    ratings |= {offer: one.rating for offer, one in texts.items()}
    candidates = [
        Candidate(
            key=offer,
            language=by_meaning[offer][0] if offer in by_meaning else texts[offer].language,
            text=texts[offer].fit / 1_000_000 if offer in texts else 0.0,
            meaning=by_meaning[offer][1] if offer in by_meaning else NO_MEANING,
        )
        # In one order, whatever the plan: equal fits must not change places between two pages.
        for offer in sorted(set(by_meaning) | set(texts))
    ]
    ranked = [
        _Ranked(Position(round(one.fit * 1_000_000), ratings.get(one.key, 0), one.key), one.group)
        for one in fuse(candidates, RANKING)
    ]
    return sorted(ranked, key=lambda one: _order(one.position))


def _texts(session: Session, words: Words, also: Sequence[uuid.UUID]) -> list[rows.Found]:
    if not any(words.weighed.values()):
        return []
    rare = {language: for_candidates(some, MOST_CANDIDATES) for language, some in words.weighed.items()}
    return rows.rank(session, words.weighed, rare, MOST_CANDIDATES, also)


def _order(position: Position) -> tuple[int, int, uuid.UUID]:
    return -position.fit, -position.rating, position.offer_id


def _cut(
    ranked: Sequence[Position], after: Position | None, before: Position | None, limit: int
) -> tuple[list[Position], Position | None, Position | None]:
    """A page by keyset: what was added or removed meanwhile moves no line to another page's place."""
    places = {one.offer_id: place for place, one in enumerate(ranked)}
    if before is not None:
        place = places.get(before.offer_id)
        earlier = ranked[:place] if place is not None else [o for o in ranked if _order(o) < _order(before)]
        page = list(earlier[-limit:])
    else:
        # Its own line where it still stands: fits are relative, and shift together when offers come and go.
        place = places.get(after.offer_id) if after else None
        rest = ranked[place + 1 :] if place is not None else [
            one for one in ranked if after is None or _order(one) > _order(after)
        ]  # fmt: skip
        page = list(rest[:limit])
    if not page:
        return [], None, None
    return (
        page,
        page[-1] if page[-1] != ranked[-1] else None,
        page[0] if page[0] != ranked[0] else None,
    )


def _browse(session: Session, *, after: Position | None, before: Position | None, limit: int) -> Page:
    """All live offers, newest first. Ids are made in order of time, so the key is the index of the rows."""
    back = before is not None
    edge = before or after
    ids = sa.select(SearchRow.offer_id).join(Offer, Offer.id == SearchRow.offer_id)
    ids = ids.join(Expert, Expert.id == Offer.expert_id).join(Person, Person.id == Expert.person_id)
    ids = ids.where(Offer.status == "live", Expert.status == "admitted", Person.suspended_at.is_(None))
    total = session.scalar(sa.select(sa.func.count()).select_from(ids.limit(COUNTED).subquery())) or 0
    if edge is not None:
        ids = ids.where(SearchRow.offer_id > edge.offer_id if back else SearchRow.offer_id < edge.offer_id)
    ids = ids.order_by(SearchRow.offer_id if back else SearchRow.offer_id.desc()).limit(limit + 1)
    found = list(session.scalars(ids))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    lines = offer_lines(session, found)
    hits = tuple(Hit(lines[offer]) for offer in found if offer in lines)
    if not hits:
        return Page((), total)
    ends = Position(0, 0, found[-1]), Position(0, 0, found[0])
    following = ends[0] if back or more else None
    preceding = ends[1] if (more if back else after is not None) else None
    return Page(hits, total, following, preceding)
