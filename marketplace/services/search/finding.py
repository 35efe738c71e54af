"""The offers that answer a question, best first: one search, by words, by near spelling and by meaning."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.filters import NONE, Filters, read_order
from ...domain.questions import answer_score
from ...domain.search import GROUPS, RANKING, Candidate, Group, Part, for_candidates, fuse, significant
from ...storage import search as rows
from ...storage import vectors as meanings
from ...storage.narrowing import Counts, conditions, count, everything
from ...storage.questions import answered
from ..offers import OfferLine, offer_lines
from .meaning import Meant
from .ordering import Position, browse, cut_by_fit, cut_by_key, instant_of, keyed
from .sentences import Why, with_passages
from .words import Words, words_of

PARIS = ZoneInfo("Europe/Paris")
# The best so many are ranked; beyond them nobody reads, and the work stays bounded.
MOST_CANDIDATES = 400
# Of the best fit's share; less is chance, not an answer.
LEAST_SHARE = 0.45
# From so many telling words on, one word in common is chance too.
LONG_QUERY, LEAST_WORDS = 6, 2
# So many nearest in meaning are looked at beside those the words found.
NEAREST = 200
_STEP = round(RANKING.step * 1_000_000)
# What an offer whose vectors are still being made is taken to mean: nothing in particular.
NO_MEANING = 0.0


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

    @property
    def score(self) -> float:
        """The fit in the steps by which a list is ordered."""
        return self.fit // _STEP * _STEP / 1_000_000


@dataclass(frozen=True)
class Among:
    """What a question finds before filters. `at_most`: where nothing is near, a list tells no more of them."""

    offers: tuple[uuid.UUID, ...] = ()
    at_most: int | None = None


@dataclass(frozen=True)
class Page:
    """Some hits, in order. `total` is exact up to COUNTED. Positions to go on from, or None at an end.

    `instead`: the question with misspelt words as the catalogue writes them, where there are any.
    `near`: how many are about this problem or part of it; the others are only the closest. None where
    words alone were matched. `among`: what counts are taken from; None while browsing. `nothing_fits`:
    even the closest of all, before filters, is surely not about it.
    """

    hits: tuple[Hit, ...]
    total: int
    following: Position | None = None
    preceding: Position | None = None
    instead: str | None = None
    near: int | None = None
    among: Among | None = None
    nothing_fits: bool = False


EMPTY = Page((), 0)


def find(
    session: Session,
    query: str,
    *,
    meant: Meant | None = None,
    filters: Filters = NONE,
    zone: ZoneInfo = PARIS,
    now: datetime,
    order: str = "",
    after: Position | None = None,
    before: Position | None = None,
    limit: int = 10,
) -> Page:
    """The offers that answer `query`, in one of `domain.filters.ORDERS`; all of them for an empty one.

    `meant` is what `meant_by` made of the same query; without it words alone decide. A query of grammar
    alone finds nothing. Filters narrow what the query finds, in the records themselves; their days are
    those of `zone`. `after` and `before` are positions of an earlier page of the same query, filters and
    order; of another order they are none. A fixed number of statements, whatever the data.
    """
    asked = bool(query.strip())
    order = read_order(order, asked=asked)
    after, before = (edge if edge and edge.order == order else None for edge in (after, before))
    narrowed = everything().where(*conditions(filters, now, zone).values())
    at = instant_of(order, now, before, after)
    if not asked:
        cut, total = browse(session, narrowed, order, at, after, before, limit)
        lines = offer_lines(session, cut.offers)
        hits = tuple(Hit(lines[offer]) for offer in cut.offers if offer in lines)
        return Page(hits, total, cut.following, cut.preceding)
    words = words_of(session, query, significant(query))
    every = _found(session, words, meant, narrowed if filters else None)
    ranked = every.left
    if order == "fit":
        cut = cut_by_fit([one.offer_id for one in ranked], after, before, limit)
    else:
        ordered = keyed(session, [one.offer_id for one in ranked], order, at)
        cut = cut_by_key(ordered, order, at, after, before, limit)
    lines = offer_lines(session, cut.offers)
    known = {one.offer_id: one for one in ranked}
    hits = tuple(
        Hit(lines[offer], group=known[offer].group, fit=known[offer].fit)
        for offer in cut.offers
        if offer in lines
    )
    passages = with_passages(session, words, meant, [hit.line for hit in hits])
    hits = tuple(
        replace(hit, snippet=parts, why=why) for hit, (parts, why) in zip(hits, passages, strict=True)
    )
    near = sum(one.group != "closest" for one in ranked) if meant else None
    return Page(
        hits, len(ranked), cut.following, cut.preceding, words.instead, near, every.among, every.nothing_fits
    )


def counts(
    session: Session,
    query: str,
    *,
    meant: Meant | None = None,
    filters: Filters = NONE,
    zone: ZoneInfo = PARIS,
    now: datetime,
    page: Page | None = None,
) -> Counts:
    """How many offers each value of a filter leaves of what `query` finds, and each filter taken away.

    One statement where `page` is what `find` gave for the same query and filters.
    """
    found = conditions(filters, now, zone)
    if not query.strip():
        return count(session, found)
    if page is None:
        words = words_of(session, query, significant(query))
        narrowed = everything().where(*found.values()) if filters else None
        among = _found(session, words, meant, narrowed).among
    else:
        among = page.among or Among()
    counted = count(session, found, among.offers)
    return counted if among.at_most is None else _at_most(counted, among.at_most)


def _at_most(counts: Counts, most: int) -> Counts:
    values = {
        facet: {value: min(number, most) for value, number in some.items()}
        for facet, some in counts.values.items()
    }
    without = {name: min(number, most) for name, number in counts.without.items()}
    return Counts(min(counts.total, most), values, without)


@dataclass(frozen=True)
class _Ranked:
    offer_id: uuid.UUID
    fit: int
    rating: int
    group: Group | None = None
    answers: int = 0


@dataclass(frozen=True)
class _Every:
    """What a question finds: with the filters, best first; and without them."""

    left: list[_Ranked]
    among: Among
    nothing_fits: bool = False


def _found(
    session: Session, words: Words, meant: Meant | None, narrowed: sa.Select[uuid.UUID] | None
) -> _Every:
    if meant:
        return _fused(session, words, meant, narrowed)
    return _by_words(session, words, narrowed)


def _all_of(*some: Sequence[uuid.UUID]) -> tuple[uuid.UUID, ...]:
    return tuple(dict.fromkeys(offer for each in some for offer in each))


def _by_words(session: Session, words: Words, narrowed: sa.Select[uuid.UUID] | None) -> _Every:
    """What holds most of the rarest words: without filters, and with them."""
    found = _texts(session, words, ())
    if not found:
        return _Every([], Among())
    # One floor with and without filters: a filter lets nothing in.
    floor = max(one.fit for one in found) * LEAST_SHARE
    least = LEAST_WORDS if words.asked >= LONG_QUERY else 1

    def kept(some: Sequence[rows.Found]) -> list[_Ranked]:
        return [
            _Ranked(one.offer_id, one.fit, one.rating)
            for one in some
            if one.fit >= floor and one.shared >= least
        ]

    every = kept(found)
    left = every if narrowed is None else kept(_texts(session, words, (), narrowed))
    among = _all_of([one.offer_id for one in every], [one.offer_id for one in left])
    return _Every(_in_order(session, left), Among(among))


def _fused(session: Session, words: Words, meant: Meant, narrowed: sa.Select[uuid.UUID] | None) -> _Every:
    """Meaning and words as one (domain/search.py `fuse`): without filters, and with them."""
    every, ratings = _candidates(session, words, meant)
    # All that are near, however many: the best of them are shown, all are counted.
    told = fuse(every, replace(RANKING, most=len(every)))
    some: list[Candidate[uuid.UUID]] = []
    if narrowed is None:
        left = told[: RANKING.most]
    else:
        some, more = _candidates(session, words, meant, narrowed)
        left, ratings = fuse(every, RANKING, some), ratings | more
    ranked = [
        _Ranked(one.key, round(one.fit * 1_000_000), ratings.get(one.key, 0), one.group) for one in left
    ]
    if any(one.group != "closest" for one in told):
        among = Among(_all_of([one.key for one in told], [one.key for one in left]))
    else:
        among = Among(_all_of([one.key for one in every], [one.key for one in some]), RANKING.fewest)
    nothing_fits = bool(told) and told[0].fit < RANKING.nothing
    return _Every(_in_order(session, ranked), among, nothing_fits)


def _candidates(
    session: Session, words: Words, meant: Meant, narrowed: sa.Select[uuid.UUID] | None = None
) -> tuple[list[Candidate[uuid.UUID]], dict[uuid.UUID, int]]:
    """What is near in meaning or holds the words, with both measures; and the rating scores."""
    near = meanings.nearest(session, meant.encoding_id, meant.vector, NEAREST, narrowed)
    by_meaning = {offer: (language, cosine) for offer, language, cosine, _rating in near}
    ratings = {offer: rating for offer, _language, _cosine, rating in near}
    texts = {one.offer_id: one for one in _texts(session, words, list(by_meaning), narrowed)}
    # Asked even for none: a page costs the same statements however many offers there are.
    others = [offer for offer in texts if offer not in by_meaning]
    by_meaning |= meanings.meaning_of(session, meant.encoding_id, meant.vector, others)
    ratings |= {offer: one.rating for offer, one in texts.items()}
    return [
        Candidate(
            key=offer,
            language=by_meaning[offer][0] if offer in by_meaning else texts[offer].language,
            text=texts[offer].fit / 1_000_000 if offer in texts else 0.0,
            meaning=by_meaning[offer][1] if offer in by_meaning else NO_MEANING,
        )
        # In one order, whatever the plan: equal fits must not change places between two pages.
        for offer in sorted(set(by_meaning) | set(texts))
    ], ratings


def _texts(
    session: Session,
    words: Words,
    also: Sequence[uuid.UUID],
    narrowed: sa.Select[uuid.UUID] | None = None,
) -> list[rows.Found]:
    if not any(words.weighed.values()):
        return []
    rare = {language: for_candidates(some, MOST_CANDIDATES) for language, some in words.weighed.items()}
    return rows.rank(session, words.weighed, rare, MOST_CANDIDATES, also, narrowed)


def _in_order(session: Session, some: Sequence[_Ranked]) -> list[_Ranked]:
    """Best first; those that fit as well as each other by reviews, then by how surely their expert answers."""
    answers = answered(session, [one.offer_id for one in some])
    return sorted(
        (replace(one, answers=answer_score(*answers.get(one.offer_id, (0, 0)))) for one in some), key=_order
    )


def _order(one: _Ranked) -> tuple[int, int, int, int, int, uuid.UUID]:
    group = GROUPS.index(one.group) if one.group else 0
    return group, -(one.fit // _STEP), -one.rating, -one.answers, -one.fit, one.offer_id
