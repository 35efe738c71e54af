"""Filters, orders and pages of the search: the same as plain rules in Python over the whole catalogue."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.filters import LENGTHS, NONE, ORDERS, Filters
from marketplace.services import free_days
from marketplace.services.search import Page, counts, encode_offer, find, index_offer, meant_by
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.search import SearchRow
from tests import factories as make
from tests.encoder import Encoders, WordEncoder

QUERY = "compteurs en cave"
OTHERS = ("Un bail refusé", "Des camions au quai", "La paie du mois")


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(WordEncoder())


def publish(db: Database, encoders: Encoders, expert: Any, rating: int = 4000, **values: Any) -> Offer:
    made = make.offer(db, expert, **values)
    with db.transaction() as tx:
        index_offer(tx, made.id)
        tx.session.get_one(SearchRow, made.id).rating_score = rating
    encode_offer(db, encoders, made.id)
    return made


def drawn_offer(db: Database, encoders: Encoders, expert: Any, drawn: random.Random, **more: Any) -> Offer:
    about = drawn.choice(["Des compteurs en cave", "Compteurs en cave et en usine", *OTHERS])
    values = {
        "title": about,
        "problem": f"{about}, affaire {drawn.randint(0, 99)}.",
        "topics": drawn.sample(["a", "b", "c"], drawn.randint(0, 2)),
        "format": drawn.choice(["remote", "on_site", "both"]),
        "minutes": drawn.choice(LENGTHS),
        "price_minor": drawn.choice([50_000, 100_000, 150_000]),
        "notice_hours": drawn.choice([24, 72, 240]),
    } | more
    return publish(db, encoders, expert, drawn.choice([3000, 4000, 4500]), **values)


@pytest.fixture
def catalogue(db: Database, encoders: Encoders) -> list[Offer]:
    drawn = random.Random(5)
    made = []
    for _ in range(2):
        seller = make.seller(db)
        made += [drawn_offer(db, encoders, seller.expert, drawn) for _ in range(14)]
        free_days.renew(db, seller.expert.id)
    return made


def search(db: Database, encoders: Encoders | None, query: str, **more: Any) -> Page:
    meant = meant_by(db, encoders, query) if encoders else None  # type: ignore[arg-type]
    with db.reading() as session:
        return find(session, query, meant=meant, now=db.clock(), **more)


def ids(page: Page) -> list[Any]:
    return [hit.offer_id for hit in page.hits]


FILTERS = [
    Filters(topic=("a",)),
    Filters(topic=("a", "b"), format=("on_site",)),
    Filters(minutes=(180,), price_max=1000),
    Filters(rating=4, price_min=600),
]


@pytest.mark.parametrize("by_meaning", [True, False], ids=["meaning", "words"])
@pytest.mark.parametrize("query", ["", QUERY, "la paie du mois en retard à l’usine"])
@pytest.mark.parametrize("filters", FILTERS, ids=lambda one: "+".join(one.set_names()))
def test_a_filter_narrows_what_the_question_finds_and_nothing_else(
    db: Database, encoders: Encoders, catalogue: list[Offer], filters: Filters, query: str, by_meaning: bool
) -> None:
    with_meaning = encoders if by_meaning else None
    whole = search(db, with_meaning, query, limit=100)
    narrow = search(db, with_meaning, query, filters=filters, limit=100)
    passing = [hit for hit in whole.hits if passes(db, hit.offer_id, filters)]
    if whole.near == 0:
        # Nothing is near: the closest of those that pass, and never more of them.
        assert ids(narrow)[: len(passing)] == [hit.offer_id for hit in passing]
        assert all(passes(db, hit.offer_id, filters) for hit in narrow.hits)
        assert len(narrow.hits) == min(5, sum(passes(db, one.id, filters) for one in catalogue))
    else:
        assert ids(narrow) == [hit.offer_id for hit in passing]
        assert [(hit.fit, hit.group) for hit in narrow.hits] == [(hit.fit, hit.group) for hit in passing]
    assert whole.hits
    with db.reading() as session:
        meant = meant_by(db, encoders, query) if by_meaning else None
        told = counts(session, query, meant=meant, filters=filters, now=db.clock())
        assert told == counts(session, query, meant=meant, filters=filters, now=db.clock(), page=narrow)
    assert told.total == narrow.total
    for name in filters.set_names():
        assert told.without[name] == search(db, with_meaning, query, filters=filters.without(name)).total


def passes(db: Database, offer_id: Any, filters: Filters) -> bool:
    with db.reading() as session:
        one = session.scalars(sa.select(OfferVersion).where(OfferVersion.offer_id == offer_id)).one()
        rating = session.get_one(SearchRow, offer_id).rating_score
    return (
        (not filters.topic or bool(set(filters.topic) & set(one.topics)))
        and (not filters.format or one.format in (*filters.format, "both"))
        and (not filters.minutes or one.minutes in filters.minutes)
        and (filters.price_min is None or one.price_minor >= filters.price_min * 100)
        and (filters.price_max is None or one.price_minor <= filters.price_max * 100)
        and (filters.rating is None or rating >= filters.rating * 1000)
    )


def test_a_rare_filter_finds_what_stands_behind_hundreds(db: Database, encoders: Encoders) -> None:
    """More offers hold the words than candidates are looked at; the one that passes is not among the first."""
    from marketplace.services.search import finding

    expert = make.seller(db).expert
    for _ in range(12):
        publish(db, encoders, expert, title="Des compteurs en cave")
    rare = publish(
        db, encoders, expert, title="Des compteurs en cave, bien après tant d’autres", topics=["z"]
    )
    kept = finding.MOST_CANDIDATES, finding.NEAREST
    finding.MOST_CANDIDATES, finding.NEAREST = 5, 5
    try:
        for with_meaning in (encoders, None):
            assert ids(search(db, with_meaning, "compteurs", filters=Filters(topic=("z",)))) == [rare.id]
    finally:
        finding.MOST_CANDIDATES, finding.NEAREST = kept


@pytest.mark.parametrize("query", ["", QUERY])
def test_each_order_is_what_it_says(
    db: Database, encoders: Encoders, catalogue: list[Offer], query: str
) -> None:
    key = {
        "price": lambda hit: hit.line.price_minor,
        "price_down": lambda hit: -hit.line.price_minor,
        "rating": lambda hit: -rating(db, hit.offer_id),
        "newest": lambda hit: 0,
    }
    everything = set(ids(search(db, encoders, query, limit=100)))
    for order, by in key.items():
        page = search(db, encoders, query, order=order, limit=100)
        assert set(ids(page)) == everything
        told = [(by(hit), -hit.offer_id.int) for hit in page.hits]
        assert told == sorted(told), order


def rating(db: Database, offer_id: Any) -> int:
    with db.reading() as session:
        return session.get_one(SearchRow, offer_id).rating_score


@pytest.mark.parametrize("query", ["", QUERY])
def test_the_soonest_come_first_and_those_without_a_slot_last(
    db: Database, encoders: Encoders, query: str
) -> None:
    free, none = make.seller(db), make.seller(db)
    late = publish(db, encoders, free.expert, title="Compteurs en cave", notice_hours=240)
    never = publish(db, encoders, none.expert, title="Compteurs en cave")
    soon = publish(db, encoders, free.expert, title="Compteurs en cave", notice_hours=24)
    free_days.renew(db, free.expert.id)
    assert ids(search(db, encoders, query, order="soonest")) == [soon.id, late.id, never.id]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("query", ["", QUERY])
@pytest.mark.parametrize("order", ORDERS)
def test_nothing_is_skipped_or_repeated_while_offers_come_and_go(
    db: Database, encoders: Encoders, catalogue: list[Offer], clock: Any, order: str, query: str, seed: int
) -> None:
    """Between any two pages offers are published and closed and time passes; who stays is seen once."""
    drawn = random.Random(f"{order}{query}{seed}")
    with_meaning = encoders if drawn.random() < 0.7 else None
    filters = drawn.choice([NONE, Filters(price_max=1000), Filters(format=("remote",))])
    newcomer = make.seller(db)
    more: dict[str, Any] = {"order": order, "filters": filters, "limit": 3}
    stayed = set(ids(search(db, with_meaning, query, **more | {"limit": 100})))
    page = search(db, with_meaning, query, **more)
    seen = ids(page)
    while page.following:
        if drawn.random() < 0.6:
            made = drawn_offer(db, encoders, newcomer.expert, drawn)
            free_days.renew(db, newcomer.expert.id)
            stayed.discard(made.id)
        if drawn.random() < 0.6:
            gone = drawn.choice(catalogue)
            with db.transaction() as tx:
                tx.session.get_one(Offer, gone.id).status = "closed"
            stayed.discard(gone.id)
        clock.move(timedelta(minutes=drawn.randint(0, 20)))
        page = search(db, with_meaning, query, after=page.following, **more)
        seen += ids(page)
    assert len(seen) == len(set(seen))
    assert stayed & still_found(db, with_meaning, query, filters) <= set(seen)


def still_found(db: Database, encoders: Encoders | None, query: str, filters: Filters) -> set[Any]:
    return set(ids(search(db, encoders, query, filters=filters, limit=100)))


@pytest.mark.parametrize("query", ["", QUERY])
@pytest.mark.parametrize("order", ORDERS)
def test_pages_go_back_the_way_they_came(
    db: Database, encoders: Encoders, catalogue: list[Offer], order: str, query: str
) -> None:
    more: dict[str, Any] = {"order": order, "limit": 4, "filters": Filters(price_max=1000)}
    pages = [search(db, encoders, query, **more)]
    while pages[-1].following:
        pages.append(search(db, encoders, query, after=pages[-1].following, **more))
    assert len(pages) > 1
    assert pages[0].preceding is None
    for there, back_to in zip(reversed(pages[1:]), reversed(pages[:-1]), strict=True):
        back = search(db, encoders, query, before=there.preceding, **more)
        assert ids(back) == ids(back_to)
        assert back.following == back_to.following
        assert back.preceding == back_to.preceding


def test_a_position_of_another_order_is_none(
    db: Database, encoders: Encoders, catalogue: list[Offer]
) -> None:
    first = search(db, encoders, QUERY, order="price", limit=3)
    again = search(db, encoders, QUERY, order="rating", limit=3, after=first.following)
    assert ids(again) == ids(search(db, encoders, QUERY, order="rating", limit=3))


@pytest.mark.parametrize("query", ["", QUERY])
@pytest.mark.parametrize("order", ["fit", "soonest"])
def test_more_offers_are_not_more_statements(
    db: Database, encoders: Encoders, count_queries: Any, query: str, order: str
) -> None:
    seller = make.seller(db)
    drawn = random.Random(1)
    week = Filters(from_day=db.clock().date(), price_max=5000)
    numbers = []
    for _ in range(2):
        publish(db, encoders, seller.expert, title="Des compteurs en cave")
        free_days.renew(db, seller.expert.id)
        meant = meant_by(db, encoders, query)
        with db.reading() as session, count_queries() as counted:
            page = find(session, query, meant=meant, filters=week, order=order, now=db.clock())
            counts(session, query, meant=meant, filters=week, now=db.clock(), page=page)
        assert page.hits
        numbers.append(counted.number)
        for _more in range(12):
            drawn_offer(db, encoders, seller.expert, drawn, title="Des compteurs en cave")
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 15
