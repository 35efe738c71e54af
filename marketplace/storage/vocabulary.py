"""Words in the records: those the catalogue is about, for near spelling, and those that mean the same."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from .types import Base, Id


class SearchWord(Base):
    """A word of topics, firms, people and titles, bare, with a form to show and how many offers hold it."""

    __tablename__ = "search_words"
    __table_args__ = (
        CheckConstraint("uses >= 0", "uses"),
        Index(
            "ix_search_words_near", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}
        ),
    )
    word: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str]
    uses: Mapped[int]


class Synonyms(Base):
    """Terms that mean the same, in both languages. `keys` are their bare forms (domain/search.py `term`)."""

    __tablename__ = "search_synonyms"
    __table_args__ = (
        CheckConstraint("cardinality(terms) >= 2", "terms"),
        Index("ix_search_synonyms_keys", "keys", postgresql_using="gin"),
    )
    id: Mapped[Id]
    terms: Mapped[list[str]]
    keys: Mapped[list[str]]


# Under this two words only share a syllable.
LEAST_SIMILAR = 0.4

_NEAR = text(
    """
    select asked.word, near.word as instead, near.shown
    from unnest(cast(:words as text[])) as asked (word)
    cross join lateral (
        select w.word, w.shown from search_words as w
        where w.word % asked.word and w.uses > 0 and similarity(w.word, asked.word) >= :least
          and abs(length(w.word) - length(asked.word)) <= 2 and left(w.word, 1) = left(asked.word, 1)
        order by similarity(w.word, asked.word) desc, w.uses desc, w.word limit 1
    ) as near
    where not exists (select from search_words as known where known.word = asked.word and known.uses > 0)
    """
)


def near(session: Session, words: Sequence[str]) -> dict[str, tuple[str, str]]:
    """word → (the nearest known one, bare; its form to show), for words the catalogue does not know."""
    if not words:
        return {}
    found = session.execute(_NEAR, {"words": list(words), "least": LEAST_SIMILAR})
    return {row.word: (row.instead, row.shown) for row in found}


def groups(session: Session, terms: Sequence[str]) -> list[list[str]]:
    """The groups of synonyms that one of these terms belongs to."""
    if not terms:
        return []
    found = session.execute(
        text("select terms from search_synonyms where keys && cast(:terms as text[]) order by id"),
        {"terms": list(terms)},
    )
    return [row.terms for row in found]


def count_words(
    session: Session, offer_id: uuid.UUID, shown: Mapping[str, str], *, gone: bool = False
) -> None:
    """An offer's words are these from now on: those it no longer holds are counted down, new ones up."""
    before = session.scalar(text("select words from search_rows where offer_id = :id"), {"id": offer_id})
    old, new = set(before or ()), set() if gone else set(shown)
    # Always in the same order: two offers indexed at once wait for each other and never in a circle.
    session.execute(
        text(
            "update search_words as w set uses = uses - 1 from (select word from search_words"
            " where word = any(:words) order by word for update) as held where w.word = held.word"
        ),
        {"words": sorted(old - new)},
    )
    fresh = sorted(new - old)
    session.execute(
        text(
            "insert into search_words (word, shown, uses)"
            " select word, shown, 1 from unnest(cast(:words as text[]), cast(:shown as text[])) as n (word, shown)"
            " order by word on conflict (word) do update set uses = search_words.uses + 1"
        ),
        {"words": fresh, "shown": [shown[word] for word in fresh]},
    )
    session.execute(
        text("update search_rows set words = cast(:words as text[]) where offer_id = :id"),
        {"id": offer_id, "words": sorted(new)},
    )
