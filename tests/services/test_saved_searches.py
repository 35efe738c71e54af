"""Saved searches on a real database: kept, looked through again, told once a day, and ended in one click."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import NotFound, SavedSearchesFull, TextRefused
from marketplace.domain.filters import NONE, Filters
from marketplace.domain.policy import Actor
from marketplace.services import enquiries, letters, saved_searches
from marketplace.services.privacy import export_own
from marketplace.services.saved_searches import Listed
from marketplace.services.search import encode_offer, index_offer
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.offers import Offer
from marketplace.storage.people import Person
from marketplace.storage.saved_searches import SavedSearch
from tests import factories as make
from tests.clock import START, FakeClock
from tests.encoder import Encoders, WordEncoder
from tests.services.test_letters import STATIONERY, complete, html_of, opened, text_of

WORDS = "des capteurs en cave qui vident leur pile"
CLOSE = {"title": "Des capteurs en cave vidaient leur pile", "problem": "La pile des capteurs en cave."}
LONG = timedelta(minutes=15)


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(WordEncoder())


@pytest.fixture
def publish(db: Database, encoders: Encoders) -> Callable[..., Offer]:
    """Publish an offer: indexed, and its vectors made. A dozen about nothing here stand before it."""
    expert = make.seller(db).expert

    def one(**more: Any) -> Offer:
        made = make.offer(db, more.pop("expert", expert), **{"unlocked": "Fin."} | more)
        with db.transaction() as tx:
            index_offer(tx, made.id)
        encode_offer(db, encoders, made.id)
        return made

    for number in range(12):
        one(title=f"Récit numéro {number}", problem=f"Autre affaire {number}.")
    return one


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def speaks(db: Database, who: Any, language: str) -> Any:
    with db.transaction() as tx:
        tx.session.get_one(Person, who.person.id).language = language
    return who


def save(db: Database, actor: Actor, query: str = WORDS, filters: Filters = NONE, **more: str) -> SavedSearch:
    return saved_searches.save(
        db, actor, name=query or "Tout", query=query, filters=filters, **{"order": "fit"} | more
    )


def listed(db: Database, person: Person) -> list[Listed]:
    with db.reading() as session:
        return saved_searches.own_searches(session, person.id)


def new(db: Database, person: Person) -> list[uuid.UUID]:
    return [line.id for one in listed(db, person) for line in one.new]


def written(db: Database) -> list[EmailMessage]:
    with db.reading() as session:
        return [opened(row.message) for row in session.scalars(sa.select(Letter).order_by(Letter.id))]


class TestSaving:
    def test_the_same_search_is_kept_once_and_twenty_a_person(self, db: Database) -> None:
        me = make.lead(db)
        one = save(db, me.actor)
        assert save(db, me.actor).id == one.id
        assert save(db, me.actor, filters=Filters(minutes=(180,))).id != one.id
        for number in range(saved_searches.MOST - 2):
            save(db, me.actor, f"mot {number}")
        with pytest.raises(SavedSearchesFull):
            save(db, me.actor, "encore un")
        assert save(db, me.actor).id == one.id
        assert len(listed(db, me.person)) == saved_searches.MOST

    def test_its_filters_come_back_as_they_were(self, db: Database) -> None:
        filters = Filters(topic=("rgpd",), minutes=(180, 240), price_max=900, rating=4)
        assert saved_searches.filters_of(save(db, make.lead(db).actor, filters=filters)) == filters

    def test_nobody_saves_and_control_characters_are_refused(self, db: Database) -> None:
        with pytest.raises(NotFound):
            save(db, Actor(None))
        with pytest.raises(TextRefused):
            save(db, make.lead(db).actor, "a\x07b")

    def test_anothers_search_is_not_there(self, db: Database) -> None:
        search, other = save(db, make.lead(db).actor), make.lead(db).actor
        with pytest.raises(NotFound):
            saved_searches.forget(db, other, search_id=search.id)
        with pytest.raises(NotFound):
            saved_searches.seen(db, other, search_id=search.id)
        with pytest.raises(NotFound):
            saved_searches.set_frequency(db, other, search_id=search.id, frequency="off")
        with pytest.raises(NotFound):
            saved_searches.set_frequency(db, other, search_id=uuid.uuid4(), frequency="off")

    def test_no_other_frequency(self, db: Database) -> None:
        me = make.lead(db)
        search = save(db, me.actor)
        with pytest.raises(NotFound):
            saved_searches.set_frequency(db, me.actor, search_id=search.id, frequency="hourly")


class TestLooking:
    def test_new_until_looked_at(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me = make.lead(db)
        publish(**CLOSE)
        clock.move(LONG)
        search = save(db, me.actor)
        clock.move(LONG)
        saved_searches.look(db, encoders)
        assert new(db, me.person) == []
        close = publish(**CLOSE)
        publish(title="Un bail refusé", problem="Le locataire refusait de signer.")
        saved_searches.look(db, encoders)
        assert new(db, me.person) == []  # Its vectors may still be on their way.
        clock.move(LONG)
        for _ in range(2):
            saved_searches.look(db, encoders)
        assert new(db, me.person) == [close.id]
        saved_searches.seen(db, me.actor, search_id=search.id)
        assert new(db, me.person) == []
        saved_searches.forget(db, me.actor, search_id=search.id)
        assert listed(db, me.person) == []

    def test_the_filters_hold(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me, dear = make.lead(db), Filters(price_min=5_000)
        save(db, me.actor, filters=dear)
        save(db, me.actor, "", filters=dear)
        clock.move(LONG)
        publish(**CLOSE)
        costly = publish(**CLOSE, price_minor=600_000)
        clock.move(LONG)
        saved_searches.look(db, encoders)
        assert new(db, me.person) == [costly.id] * 2

    def test_what_was_taken_down_is_not_listed(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me = make.lead(db)
        save(db, me.actor, "")
        close = publish(**CLOSE)
        clock.move(LONG)
        saved_searches.look(db, encoders)
        with db.transaction() as tx:
            tx.session.get_one(Offer, close.id).status = "closed"
        assert new(db, me.person) == []

    def test_words_wait_while_meaning_rests(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me = make.lead(db)
        save(db, me.actor)
        clock.move(LONG)
        close = publish(**CLOSE)
        clock.move(LONG)
        encoders.known[0].away = True
        saved_searches.look(db, encoders)
        assert new(db, me.person) == []
        encoders.known[0].away = False
        saved_searches.look(db, encoders)
        assert new(db, me.person) == [close.id]

    def test_nothing_published_costs_the_same_whatever_is_saved(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer], count_queries: Any
    ) -> None:  # fmt: skip
        me = make.lead(db)
        counts = []
        for _ in range(2):
            save(db, me.actor, f"mot {uuid.uuid4()}")
            save(db, me.actor, f"mot {uuid.uuid4()}")
            clock.move(LONG * 2)
            with count_queries() as counted:
                saved_searches.look(db, encoders)
            counts.append(counted.number)
        assert counts[0] == counts[1] <= 4


class TestTheMail:
    def test_one_a_day_with_the_offers_and_its_way_out(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer], language: str
    ) -> None:  # fmt: skip
        me = speaks(db, make.lead(db), language)
        search = save(db, me.actor)
        clock.move(LONG)
        publish(**CLOSE)
        clock.move(LONG)
        saved_searches.look(db, encoders)
        letters.news_today(db, STATIONERY)
        assert written(db) == []  # The first one leaves tomorrow.
        clock.move(timedelta(days=1))
        for _ in range(3):
            letters.news_today(db, STATIONERY)
        (message,) = written(db)
        complete("news_today", message, language)
        assert message["To"].addresses[0].addr_spec == me.person.email
        for part in (text_of(message), html_of(message)):
            assert CLOSE["title"] in part
            assert WORDS in part
            assert f"saved_search/{search.id}/{language}" in part
        with db.transaction() as tx:
            token = letters.mail_token(tx, me.person.id)
        assert message["List-Unsubscribe"] == f"<https://declic.example/unsubscribe/{token}/{language}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        clock.move(timedelta(days=1))
        letters.news_today(db, STATIONERY)
        assert len(written(db)) == 1

    def test_it_carries_both_parts_and_one_click_ends_both(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer], language: str
    ) -> None:  # fmt: skip
        me = speaks(db, make.seller(db), language)
        publish(**CLOSE, expert=me.expert)
        save(db, me.actor)
        clock.move(LONG)
        publish(title="Un autre capteur en cave", problem="Des capteurs en cave vident leur pile.")
        clock.move(timedelta(days=1))
        saved_searches.look(db, encoders)
        enquiries.publish(
            db,
            encoders,
            make.lead(db).actor,
            title="Notre énigme",
            summary=WORDS,
            details="Secret.",
            token="t",
        )
        letters.news_today(db, STATIONERY)
        mine = [one for one in written(db) if one["To"].addresses[0].addr_spec == me.person.email]
        assert len(mine) == 1
        complete("news_today", mine[0], language)
        for said in ("Notre énigme", "Un autre capteur en cave"):
            assert said in text_of(mine[0])
            assert said in html_of(mine[0])
        with db.transaction() as tx:
            token = letters.mail_token(tx, me.person.id)
        for _ in range(2):
            letters.unsubscribe(db, token)
        with db.reading() as session:
            assert letters.mails_off(session, token)
            assert not enquiries.mails_on(session, me.expert.id)
            assert set(session.scalars(sa.select(SavedSearch.frequency))) == {"off"}

    def test_weekly_off_and_on_again(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me = make.lead(db)
        search = save(db, me.actor)

        def pass_days(days: int) -> int:
            publish(**CLOSE)
            clock.move(timedelta(days=days))
            saved_searches.look(db, encoders)
            letters.news_today(db, STATIONERY)
            return len(written(db))

        saved_searches.set_frequency(db, me.actor, search_id=search.id, frequency="weekly")
        assert pass_days(6) == 0
        assert pass_days(1) == 1
        assert pass_days(6) == 1
        saved_searches.set_frequency(db, me.actor, search_id=search.id, frequency="off")
        assert pass_days(9) == 1
        saved_searches.set_frequency(db, me.actor, search_id=search.id, frequency="daily")
        letters.news_today(db, STATIONERY)
        assert len(written(db)) == 1  # What was found while it was off is not sent afterwards.
        assert pass_days(1) == 2

    def test_not_before_six_and_not_to_the_suspended(
        self, db: Database, clock: FakeClock, encoders: Encoders, publish: Callable[..., Offer]
    ) -> None:
        me = make.lead(db)
        save(db, me.actor)
        clock.move(LONG)
        publish(**CLOSE)
        clock.move(timedelta(hours=20))
        assert clock().hour < 6
        saved_searches.look(db, encoders)
        letters.news_today(db, STATIONERY)
        assert written(db) == []
        with db.transaction() as tx:
            tx.session.get_one(Person, me.person.id).suspended_at = tx.now
        clock.move(timedelta(hours=3))
        letters.news_today(db, STATIONERY)
        assert written(db) == []


def test_ones_own_are_in_ones_export(db: Database) -> None:
    me = make.lead(db)
    save(db, me.actor, filters=Filters(minutes=(180,)))
    found = export_own(db, me.actor, address="", real_now=START)
    assert isinstance(found, dict)
    assert [(row["query"], row["filters"]) for row in found["saved_searches"]] == [
        (WORDS, [["minutes", "180"]])
    ]
    other = export_own(db, make.lead(db).actor, address="", real_now=START)
    assert isinstance(other, dict)
    assert other["saved_searches"] == []
