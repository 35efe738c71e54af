"""Large catalogues: the benchmark's generator, the limits of a question, an offer that is indexed alone."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.catalogue import Source, product, recombine
from marketplace.domain.errors import SearchTooSlow
from marketplace.domain.filters import Filters
from marketplace.services.search import counts, encode_offer, find, index_offer, meant_by
from marketplace.storage import search
from marketplace.storage.db import Database
from marketplace.storage.narrowing import count
from marketplace.storage.search import limits
from tests import factories as make
from tests.encoder import Encoders, WordEncoder

SOURCES = [
    Source(number, ("fr", "en")[number % 2], {"problem": 4, "failed": number % 3, "unlocked": 5})
    for number in range(12)
]


def test_a_seed_gives_the_same_catalogue_and_a_larger_one_begins_with_the_smaller() -> None:
    small, large = list(recombine(SOURCES, 200)), list(recombine(SOURCES, 500))
    assert small == list(recombine(SOURCES, 200)) == large[:200]
    assert small != list(recombine(SOURCES, 200, seed=7))
    assert len({one.id for one in large}) == 500
    assert [one.id for one in large] == sorted(one.id for one in large)


def test_what_is_recombined_is_of_one_language_and_really_there() -> None:
    for one in recombine(SOURCES, 300):
        assert SOURCES[one.title].language == one.language
        assert one.story["problem"]
        for sentences in one.story.values():
            for source, field, ordinal in sentences:
                assert SOURCES[source].language == one.language
                assert ordinal < SOURCES[source].cut[field]


def test_products_are_told_apart() -> None:
    assert len({product(place) for place in range(20_000)}) == 20_000


def test_a_question_that_takes_too_long_is_refused_by_name(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE", 0.05)
    with db.reading() as session, pytest.raises(SearchTooSlow), limits(session):
        session.execute(sa.text("select pg_sleep(5)"))


def test_eight_hundred_offers_cost_the_statements_of_eighty(db: Database, count_queries: Any) -> None:
    encoders = Encoders(WordEncoder())
    expert = make.seller(db).expert
    numbers = []
    for more in (80, 720):
        for place in range(more):
            made = make.offer(
                db, expert, title=f"Des capteurs en cave {place}", problem="La pile du capteur.",
                language=("fr", "en")[place % 2],
            )  # fmt: skip
            with db.transaction() as tx:
                index_offer(tx, made.id)
            if place < 40:  # Enough of both languages; the statements are what is counted.
                encode_offer(db, encoders, made.id)
        meant = meant_by(db, encoders, "pile de capteur")
        filters = Filters(language=("fr",), price_max=90_000)
        with count_queries() as counted, db.reading() as session:
            page = find(session, "pile de capteur", meant=meant, filters=filters, now=db.clock())
            counts(session, "pile de capteur", meant=meant, filters=filters, now=db.clock(), page=page)
            find(session, "", now=db.clock())
        assert page.hits
        numbers.append(counted.number)
    assert numbers[0] == numbers[1]


def test_an_offer_is_indexed_alone(db: Database) -> None:
    encoders = Encoders(WordEncoder())
    expert = make.seller(db).expert

    def add(title: str) -> None:
        made = make.offer(db, expert, title=title)
        with db.transaction() as tx:
            index_offer(tx, made.id)
        encode_offer(db, encoders, made.id)

    def rows() -> set[Any]:
        with db.reading() as session:
            return {
                tuple(row)
                for table in ("search_rows", "offer_vectors", "offer_texts")
                for row in session.execute(sa.text(f"select '{table}', offer_id, ctid::text from {table}"))
            }

    add("Des capteurs en cave")
    before = rows()
    add("Un bail refusé")
    added = rows() - before
    assert before < before | added == rows()
    assert len({offer for _table, offer, _where in added}) == 1


def test_offers_alike_are_counted_each(db: Database) -> None:
    expert = make.seller(db).expert
    for topics in (["a", "b"], ["a", "b"], ["a"]):
        made = make.offer(db, expert, topics=topics)
        with db.transaction() as tx:
            index_offer(tx, made.id)
    with db.reading() as session:
        found = count(session, {})
    assert found.total == 3
    assert found.values["topic"] == {"a": 3, "b": 2}
