"""What is searched: one row a live offer, made from its version by the indexing part; and what is asked of it.

Lexemes and ranks are the database's, weights the domain's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, Select, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from ..domain.errors import SearchTooSlow
from ..domain.search import Word
from .types import Base, refers


class SearchRow(Base):
    """Both configurations side by side: the offer's words by French rules and by English ones."""

    __tablename__ = "search_rows"
    __table_args__ = (
        Index("ix_search_rows_fr", "fr", postgresql_using="gin"),
        Index("ix_search_rows_en", "en", postgresql_using="gin"),
    )
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True, index=False)
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id")
    language: Mapped[str]
    fr: Mapped[Any] = mapped_column(TSVECTOR)
    en: Mapped[Any] = mapped_column(TSVECTOR)
    # A Bayesian mean of usefulness × 1000; the tie-break of equal fit.
    rating_score: Mapped[int] = mapped_column(default=0)
    # What it adds to the vocabulary (storage/vocabulary.py), so that it can be taken out again.
    words: Mapped[list[str]] = mapped_column(default=list)


# Beyond so many rows counting goes on to no purpose: the word is common.
_COUNTED = 1_001
_CATALOGUE_COUNTED = 20_001

# Seconds a single statement of a search may take: some ten times the slowest one at 100 000 offers.
PATIENCE = 5.0
_LIMITS = text(
    "select set_config('statement_timeout', :patience, true), set_config('work_mem', '32MB', true)"
)
_QUERY_CANCELED = "57014"

_WRITE = text(
    """
    insert into search_rows (offer_id, version_id, language, fr, en, rating_score, words)
    select :offer_id, :version_id, :language,
           setweight(to_tsvector('declic_fr', :title), 'A') || setweight(to_tsvector('declic_fr', :problem), 'B')
           || setweight(to_tsvector('declic_fr', :story), 'C') || setweight(to_tsvector('declic_fr', :around), 'D'),
           setweight(to_tsvector('declic_en', :title), 'A') || setweight(to_tsvector('declic_en', :problem), 'B')
           || setweight(to_tsvector('declic_en', :story), 'C') || setweight(to_tsvector('declic_en', :around), 'D'),
           :rating_score, '{}'
    on conflict (offer_id) do update set version_id = excluded.version_id, language = excluded.language,
        fr = excluded.fr, en = excluded.en, rating_score = excluded.rating_score
    """
)

_LEXEMES = text(
    """
    with query (word, language, lexeme) as (
        select word, 'fr', lexeme from unnest(cast(:words as text[])) as w (word)
        cross join lateral unnest(to_tsvector('declic_fr', word))
        union all
        select word, 'en', lexeme from unnest(cast(:words as text[])) as w (word)
        cross join lateral unnest(to_tsvector('declic_en', word))
    ),
    -- What stands in a tenth more than is counted to is known from the planner's statistics; counting it
    -- would read it all again. The rest, all of them in a small catalogue, is counted.
    common (language, lexeme) as materialized (
        select s.attname, e.lexeme from pg_stats as s
        join pg_class as c on c.oid = to_regclass('search_rows')
        join pg_namespace as n on n.oid = c.relnamespace and n.nspname = s.schemaname
        cross join lateral unnest(cast(cast(s.most_common_elems as text) as text[]), s.most_common_elem_freqs)
            as e (lexeme, share)
        where s.tablename = 'search_rows' and s.attname in ('fr', 'en') and not s.inherited
          and e.share * c.reltuples > :counted * 1.1
    ),
    counted (language, lexeme, held) as (
        select q.language, q.lexeme,
               case
               when exists (select from common as m where m.language = q.language and m.lexeme = q.lexeme)
               then :counted
               when q.language = 'fr' then (select count(*) from (select from search_rows
                               where fr @@ quote_literal(q.lexeme)::tsquery limit :counted) as having_it)
               else (select count(*) from (select from search_rows
                     where en @@ quote_literal(q.lexeme)::tsquery limit :counted) as having_it)
               end
        from (select distinct language, lexeme from query) as q
    )
    select word, language, lexeme, held,
           (select count(*) from (select from search_rows limit :catalogue) as all_of_them) as documents
    from query join counted using (language, lexeme)
    """
)

# A word counts once and a little more for each further place, more in a title than in a biography
# (BM25's saturation). An offer is read by the rules that understand it best.
_RANK = """
    with words (language, lexeme, weight) as (
        select * from unnest(cast(:languages as text[]), cast(:lexemes as text[]), cast(:weights as real[]))
    ),
    by_words as (
        select r.offer_id from search_rows as r
        where (r.fr @@ cast(:fr as tsquery) or r.en @@ cast(:en as tsquery)) and r.offer_id in ({among})
        limit :most
    ),
    candidates as (
        select r.offer_id, r.language as own, r.rating_score, r.fr, r.en from search_rows as r
        where r.offer_id in (select offer_id from by_words union select unnest(cast(:also as uuid[])))
    ),
    held (offer_id, own, rating_score, language, weight, places) as (
        select c.offer_id, c.own, c.rating_score, 'fr', w.weight, v.weights
        from candidates c cross join lateral unnest(c.fr) as v
        join words w on w.language = 'fr' and w.lexeme = v.lexeme
        union all
        select c.offer_id, c.own, c.rating_score, 'en', w.weight, v.weights
        from candidates c cross join lateral unnest(c.en) as v
        join words w on w.language = 'en' and w.lexeme = v.lexeme
    ),
    by_language as (
        select offer_id, own, rating_score, language, sum(weight * often / (often + 1.2)) as fit, count(*) as words
        from held cross join lateral (
            select sum(case place when 'A' then 2.5 when 'B' then 1.0 when 'C' then 0.9 else 0.7 end) as often
            from unnest(places) as place
        ) as counted
        group by offer_id, own, rating_score, language
    )
    select distinct on (offer_id) offer_id, own, rating_score, cast(round(fit * 1000000) as bigint) as fit, words
    from by_language order by offer_id, fit desc
    """
_LIVE = """
    select o.id from offers as o join experts as e on e.id = o.expert_id join people as p on p.id = e.person_id
    where o.status = 'live' and e.status = 'admitted' and p.suspended_at is null
    """
_RANK_LIVE = text(_RANK.format(among=_LIVE))
_RANK_NARROWED = text(f"select * from ({_RANK.format(among='select id from narrowed')}) as ranked")  # noqa: S608 - constants alone

_SENTENCES = text(
    """
    with words (language, lexeme, weight) as (
        select * from unnest(cast(:languages as text[]), cast(:lexemes as text[]), cast(:weights as real[]))
    ),
    -- Once a sentence, whatever the planner thinks of joining it to each word.
    held as materialized (
        select s.number, s.language, length(s.sentence) as long, v.lexeme
        from unnest(cast(:numbers as int[]), cast(:rules as text[]), cast(:sentences as text[]))
             as s (number, language, sentence)
        cross join lateral unnest(to_tsvector(
            cast(case s.language when 'fr' then 'declic_fr' else 'declic_en' end as regconfig), s.sentence)) as v
    )
    select h.number, sum(w.weight) / sqrt(8 + max(h.long) / 12.0) as fit
    from held as h join words w on w.language = h.language and w.lexeme = h.lexeme
    group by h.number having count(distinct h.lexeme) >= :least
    """
)


@contextmanager
def limits(session: Session) -> Iterator[None]:
    """For the rest of the transaction no statement takes longer than PATIENCE. SearchTooSlow."""
    session.execute(_LIMITS, {"patience": f"{round(PATIENCE * 1000)}ms"})
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") == _QUERY_CANCELED:
            raise SearchTooSlow from error
        raise


def write_row(session: Session, row: Mapping[str, Any]) -> None:
    """Make an offer's row anew: offer_id, version_id, language, title, problem, story, around, rating_score."""
    session.execute(_WRITE, dict(row))


def drop_row(session: Session, offer_id: uuid.UUID) -> None:
    """The offer is no longer found."""
    session.execute(text("delete from search_rows where offer_id = :id"), {"id": offer_id})


@dataclass(frozen=True)
class Lexeme:
    """A word as one language's rules read it, and how many offers hold it (capped)."""

    word: str
    language: str
    lexeme: str
    having: int


def lexemes(session: Session, words: Sequence[str]) -> tuple[int, list[Lexeme]]:
    """(offers in the catalogue, capped; the words' lexemes by both languages' rules)."""
    given = {"words": list(words), "counted": _COUNTED, "catalogue": _CATALOGUE_COUNTED}
    rows = session.execute(_LEXEMES, given).all()
    return (
        rows[0].documents if rows else 0,
        [Lexeme(row.word, row.language, row.lexeme, row.held) for row in rows],
    )


@dataclass(frozen=True)
class Found:
    """An offer that holds some of the words: its language, rating score, fit in millionths, words it shares."""

    offer_id: uuid.UUID
    language: str
    rating: int
    fit: int
    shared: int


def rank(
    session: Session,
    words: Mapping[str, Sequence[Word]],
    rare: Mapping[str, Sequence[Word]],
    most: int,
    also: Sequence[uuid.UUID] = (),
    narrowed: Select[uuid.UUID] | None = None,
) -> list[Found]:
    """The offers that hold one of the rare words, and those of `also`, each with its fit by all the words.

    `narrowed`: the ids among which the words look, instead of all live offers.
    """
    given = {
        **_as_arrays(words), "fr": _any_of(rare["fr"]), "en": _any_of(rare["en"]), "most": most, "also": list(also),
    }  # fmt: skip
    statement = _RANK_LIVE if narrowed is None else _RANK_NARROWED.columns().add_cte(narrowed.cte("narrowed"))
    return [Found(*row) for row in session.execute(statement, given)]


def fit_of_sentences(
    session: Session, words: Mapping[str, Sequence[Word]], cut: Sequence[tuple[str, str]], least: int
) -> dict[int, float]:
    """How well each (language, sentence) answers, by its place in `cut`.

    Left out are those that share fewer than `least` words with what was asked.
    """
    given = {
        **_as_arrays(words),
        "least": least,
        "numbers": list(range(len(cut))),
        "rules": [language for language, _ in cut],
        "sentences": [sentence for _, sentence in cut],
    }
    return {number: float(fit) for number, fit in session.execute(_SENTENCES, given)}


def _as_arrays(words: Mapping[str, Sequence[Word]]) -> dict[str, list[Any]]:
    flat = [(language, word) for language, some in words.items() for word in some]
    return {
        "languages": [language for language, _ in flat],
        "lexemes": [word.lexeme for _, word in flat],
        "weights": [word.weight for _, word in flat],
    }


def _any_of(words: Sequence[Word]) -> str:
    return " | ".join("'" + word.lexeme.replace("\\", "\\\\").replace("'", "''") + "'" for word in words)
