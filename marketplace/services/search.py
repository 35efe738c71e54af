"""Finding offers by a problem told in one's own words: full text by French and by English rules.

The rows are made from events (docs/architecture.md: search "keeps its own rows from events"). How a
result is ranked is said to readers on the page "How results are ranked": keep the two the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.events import OfferPublished, OfferTakenDown, ReviewSent
from ..domain.reviews import rating_score
from ..domain.search import (
    Part,
    Word,
    for_candidates,
    normalise,
    passage,
    sentences,
    significant,
    weigh,
)
from ..storage import search as rows
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.offers import Industry, Offer, OfferVersion, Topic
from ..storage.people import Person
from ..storage.reviews import NOTHING_SAID, Review, said_of
from ..storage.search import SearchRow
from .offers import OfferLine, offer_lines

# The best so many are ranked; beyond them nobody reads, and the work stays bounded.
MOST_CANDIDATES = 400
# Of the best fit's share; less is chance, not an answer.
LEAST_SHARE = 0.45
# From so many telling words on, one word in common is chance too.
LONG_QUERY, LEAST_WORDS = 6, 2
COUNTED = 1_000


@dataclass(frozen=True)
class Position:
    """The last line of a page: its fit and rating score (0 while browsing) and its offer."""

    fit: int
    rating: int
    offer_id: uuid.UUID


@dataclass(frozen=True)
class Hit:
    """An offer found: what a list shows of it, and the best passage as parts."""

    line: OfferLine
    snippet: tuple[Part, ...] = ()

    @property
    def offer_id(self) -> uuid.UUID:
        return self.line.id


@dataclass(frozen=True)
class Page:
    """Some hits, best first. `total` is exact up to COUNTED. Positions to go on from, or None at an end."""

    hits: tuple[Hit, ...]
    total: int
    following: Position | None = None
    preceding: Position | None = None


EMPTY = Page((), 0)


def offer_published(tx: Tx, event: OfferPublished) -> None:
    """WITHIN: a version went live."""
    index_offer(tx, event.offer_id)


def offer_taken_down(tx: Tx, event: OfferTakenDown) -> None:
    """WITHIN: an offer is no longer shown, and its row goes."""
    index_offer(tx, event.offer_id)


def review_sent(tx: Tx, event: ReviewSent) -> None:
    """WITHIN: the second side's review makes both public, and so moves the tie-break of equal fit."""
    offer_id = tx.session.scalar(sa.select(Review.offer_id).where(Review.id == event.review_id))
    if offer_id is not None:
        index_offer(tx, offer_id)


def renew_rating(db: Database, booking_id: uuid.UUID) -> None:
    """A review became visible without a second one: its offer's row counts it from now on."""
    with db.transaction() as tx:
        for offer_id in tx.session.scalars(
            sa.select(Review.offer_id).where(Review.booking_id == booking_id).distinct()
        ):
            index_offer(tx, offer_id)


def index_offer(tx: Tx, offer_id: uuid.UUID) -> None:
    """Make an offer's row anew from its live version; no row for one that is not live.

    Title A, problem B, what failed and what unlocked it C; takeaways, for whom, the expert and the names
    of topics and industries in both languages D.
    """
    tx.session.flush()  # Read below by statements of our own.
    found = tx.session.execute(
        sa.select(Offer, OfferVersion, Expert)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == Offer.expert_id)
        .where(Offer.id == offer_id, Offer.status == "live")
    ).one_or_none()
    if found is None:
        rows.drop_row(tx.session, offer_id)
        return
    _offer, version, expert = found
    said = said_of(tx.session, [offer_id], tx.now).get(offer_id, NOTHING_SAID)
    around = [
        *version.takeaways, version.for_whom, expert.headline, expert.startup, expert.bio,
        *_names(tx.session, Topic, version.topics), *_names(tx.session, Industry, version.industries),
    ]  # fmt: skip
    rows.write_row(
        tx.session,
        {
            "offer_id": offer_id,
            "version_id": version.id,
            "language": version.language,
            "title": normalise(version.title),
            "problem": normalise(version.problem),
            "story": normalise(f"{version.failed}\n{version.unlocked}"),
            "around": normalise("\n".join(around)),
            "rating_score": rating_score(said.usefulness),
        },
    )


def _names(session: Session, kind: type[Topic] | type[Industry], slugs: Sequence[str]) -> list[str]:
    found = session.execute(sa.select(kind.fr, kind.en).where(kind.slug.in_(slugs)).order_by(kind.slug))
    return [name for row in found for name in row]


def find(
    session: Session,
    query: str,
    *,
    after: Position | None = None,
    before: Position | None = None,
    limit: int = 10,
) -> Page:
    """The offers that answer `query`, best first; all of them, newest first, for an empty one.

    A query of grammar alone, or of words nobody used, finds nothing. `after` and `before` are
    positions of an earlier page of the same query. A fixed number of statements, whatever the data.
    """
    if not query.strip():
        return _browse(session, after=after, before=before, limit=limit)
    words = _weighed(session, significant(query))
    if not any(words.values()):
        return EMPTY
    ranked = _ranked(session, words)
    page, following, preceding = _cut(ranked, after, before, limit)
    lines = offer_lines(session, [position.offer_id for position in page])
    hits = [Hit(lines[position.offer_id]) for position in page if position.offer_id in lines]
    return Page(tuple(_with_passages(session, words, hits)), len(ranked), following, preceding)


def _weighed(session: Session, words: Sequence[str]) -> dict[str, tuple[Word, ...]]:
    if not words:
        return {}
    documents, found = rows.lexemes(session, words)
    return {language: weigh(documents, some) for language, some in found.items()}


def _ranked(session: Session, words: Mapping[str, tuple[Word, ...]]) -> list[Position]:
    rare = {language: for_candidates(some, MOST_CANDIDATES // 2) for language, some in words.items()}
    found = rows.rank(session, words, rare, MOST_CANDIDATES)
    if not found:
        return []
    floor = max(fit for _offer, _rating, fit, _shared in found) * LEAST_SHARE
    asked = max(len(some) for some in words.values())
    least = LEAST_WORDS if asked >= LONG_QUERY else 1
    kept = [
        Position(fit, rating, offer)
        for offer, rating, fit, shared in found
        if fit >= floor and shared >= least
    ]
    return sorted(kept, key=_order)


def _order(position: Position) -> tuple[int, int, uuid.UUID]:
    return -position.fit, -position.rating, position.offer_id


def _cut(
    ranked: Sequence[Position], after: Position | None, before: Position | None, limit: int
) -> tuple[list[Position], Position | None, Position | None]:
    """A page by keyset: what was added or removed meanwhile moves no line to another page's place."""
    if before is not None:
        earlier = [one for one in ranked if _order(one) < _order(before)]
        page = earlier[-limit:]
    else:
        page = [one for one in ranked if after is None or _order(one) > _order(after)][:limit]
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


def _with_passages(session: Session, words: Mapping[str, tuple[Word, ...]], hits: Sequence[Hit]) -> list[Hit]:
    """Each hit with the sentence of its story that holds most of what was asked; one statement for all."""
    texts = _stories(session, [hit.line.version_id for hit in hits])
    places: list[tuple[int, int]] = []
    cut: list[tuple[str, str]] = []
    whole: list[list[tuple[str, ...]]] = []
    for index, hit in enumerate(hits):
        whole.append([sentences(part) for part in texts.get(hit.line.version_id, ())])
        for number, sentence in enumerate(one for part in whole[-1] for one in part):
            places.append((index, number))
            cut.append((hit.line.lang, normalise(sentence)))
    # One word in common is chance, unless one word was all that was asked.
    least = min(2, max(len(some) for some in words.values()))
    fits = rows.fit_of_sentences(session, words, cut, least) if cut else {}
    best: dict[int, tuple[float, int]] = {}
    for flat, fit in fits.items():
        index, number = places[flat]
        best[index] = max(best.get(index, (0.0, 0)), (fit, -number))
    return [
        replace(hit, snippet=_passage(whole[index], -best[index][1] if index in best else None))
        for index, hit in enumerate(hits)
    ]


def _passage(parts: Sequence[tuple[str, ...]], best: int | None) -> tuple[Part, ...]:
    """Within the part the sentence stands in: what unlocked it is not read on from the problem."""
    if best is None:
        return passage(parts[0] if parts else (), None)
    for part in parts:
        if best < len(part):
            return passage(part, best)
        best -= len(part)
    return ()


def _stories(session: Session, versions: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str, str]]:
    found = session.execute(
        sa.select(OfferVersion.id, OfferVersion.problem, OfferVersion.failed, OfferVersion.unlocked).where(
            OfferVersion.id.in_(versions)
        )
    )
    return {row.id: (row.problem, row.failed, row.unlocked) for row in found}
