"""Results narrowed and ordered: everything in the address, counts, chips, ways out, days to the slot, bad input."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services import free_days
from marketplace.services.search import index_offer
from marketplace.storage import search
from marketplace.storage.availability import BusyCalendar, Calendar
from marketplace.storage.db import Database
from marketplace.storage.offers import Industry, Offer, Topic
from tests import factories as make
from tests.clock import FakeClock

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def offers(db: Database) -> dict[str, Offer]:
    with db.transaction() as tx:
        tx.session.add_all([
            Topic(slug="water", fr="Eau", en="Water"), Topic(slug="energy", fr="Énergie", en="Energy"),
            Industry(slug="housing", fr="Logement", en="Housing"),
        ])  # fmt: skip
    expert = make.seller(db).expert
    made = {
        "cheap": make.offer(db, expert, title="Des vannes", topics=["water"], price_minor=50_000),
        "dear": make.offer(db, expert, title="Des vannes chères", topics=["water"], price_minor=200_000, minutes=240),
        "watts": make.offer(db, expert, title="Des watts", topics=["energy"], languages=["fr", "en"]),
    }  # fmt: skip
    with db.transaction() as tx:
        for one in made.values():
            index_offer(tx, one.id)
    free_days.renew(db, expert.id)
    return made


def slugs(page: str) -> list[str]:
    return re.findall(r'class="hit-title"[^>]*><a href="/../offers/([^"?]+)', page)


def named(offers: dict[str, Offer], page: str) -> list[str]:
    by_slug = {one.slug: name for name, one in offers.items()}
    return [by_slug[slug] for slug in slugs(page)]


def links(page: str, within: str) -> list[str]:
    start = page.index(within)
    part = page[start : page.index("</ul>", start)]
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', part)]


def test_filters_of_the_address_narrow_and_stand_in_the_form(
    client: FlaskClient, offers: dict[str, Offer]
) -> None:
    page = client.get("/en/offers?topic=water&price_max=1000").text
    assert named(offers, page) == ["cheap"]
    assert re.search(r'name="topic" value="water" checked', page)
    assert re.search(r'name="price_max"[^>]*value="1000"', page)
    assert not re.search(r'name="topic" value="energy" checked', page)


def test_counts_say_what_each_value_would_leave(client: FlaskClient, offers: dict[str, Offer]) -> None:
    page = client.get("/en/offers?topic=water").text
    counts = dict(
        re.findall(r'name="topic" value="(\w+)"[^>]*><span>[^<]*</span><span class="more">(\d+)', page)
    )
    assert counts == {"water": "2", "energy": "1"}


def test_each_chip_takes_one_value_away(client: FlaskClient, offers: dict[str, Offer]) -> None:
    page = client.get("/fr/offers?topic=water&topic=energy&price_max=1000&sort=price").text
    chips = links(page, 'class="chips"')
    assert len(chips) == 4
    assert named(offers, client.get(chips[0]).text) == ["cheap"] or "topic=energy" in chips[0]
    assert all("sort=price" in chip for chip in chips)
    assert "price_max" not in chips[2]
    assert "topic" not in chips[3]


def test_an_order_is_kept_by_links_and_select(client: FlaskClient, offers: dict[str, Offer]) -> None:
    page = client.get("/en/offers?sort=price_down").text
    assert named(offers, page)[0] == "dear"
    assert '<option value="price_down" selected>' in page
    assert 'value="fit"' not in page
    assert named(offers, client.get("/en/offers?q=vannes&sort=price").text) == ["cheap", "dear"]


def test_pages_keep_filters_and_order(client: FlaskClient, db: Database, offers: dict[str, Offer]) -> None:
    expert = make.seller(db).expert
    for number in range(14):
        made = make.offer(db, expert, topics=["water"], price_minor=60_000 + number)
        with db.transaction() as tx:
            index_offer(tx, made.id)
    first = client.get("/en/offers?topic=water&sort=price&price_max=700").text
    on = html.unescape(re.search(r'href="([^"]+)" rel="next"', first)[1])  # type: ignore[index]
    assert "topic=water" in on
    assert "sort=price" in on
    second = client.get(on).text
    assert len(slugs(first)) == 10
    assert len(slugs(second)) == 5
    assert not set(slugs(first)) & set(slugs(second))


def test_an_empty_list_names_the_filter_that_emptied_it(
    client: FlaskClient, offers: dict[str, Offer]
) -> None:
    page = client.get("/en/offers?topic=energy&minutes=240").text
    assert "These filters leave no story" in page
    ways = links(page, 'class="plain-list"')
    assert {len(slugs(client.get(way).text)) for way in ways} == {1}
    assert "Without “Topic”: 1 story" in page
    assert "Without “Length”: 1 story" in page
    none = client.get("/en/offers?topic=energy&minutes=240&price_min=90000").text
    assert "No single filter is to blame" in none


@pytest.mark.parametrize(
    "asked",
    [
        "price_min=-1", "from=2026-13-40", "minutes=17", "rating=9", "format=moon", "topic=%27%3B+drop", "topic=nobody-knows",
        "industry=x", "language=zz", "sort=best", "from=0001-01-01", "price_max=%F0%9F%A6%86", "to=9999-12-31",
        "from=2999-01-01", "week=1&from=x", "after=zzz", "topic=" + "a" * 5000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "fr"])
def test_wrong_filters_are_left_out_and_named(
    client: FlaskClient, offers: dict[str, Offer], asked: str, language: str
) -> None:
    answer = client.get(f"/{language}/offers?{asked}")
    assert answer.status_code == 200
    if not asked.startswith(("to=9999", "from=2999", "week", "after")):
        assert ("Left out" if language == "en" else "Laissé de côté") in answer.text
        assert len(slugs(answer.text)) == 3


def test_this_week_is_right_to_the_slot(client: FlaskClient, db: Database, offers: dict[str, Offer]) -> None:
    """The days kept say yes, the calendar says no: the page says so."""
    page = client.get("/en/offers?week=1").text
    assert len(slugs(page)) == 3
    assert "First slot on these days" in page
    assert re.search(r'name="week" value="1" checked', page)
    with db.transaction() as tx:
        tx.session.execute(sa.update(Calendar).values(weekly=[]))
    late = client.get("/en/offers?week=1").text
    assert "First slot on these days" not in late
    assert late.count("The last slot on these days has just gone") == 3


def test_between_two_days_the_slot_shown_lies_between(
    client: FlaskClient, db: Database, offers: dict[str, Offer]
) -> None:
    today = db.clock().astimezone(PARIS).date()
    first, last = today + timedelta(days=20), today + timedelta(days=30)
    page = client.get(f"/en/offers?from={first}&to={last}").text
    shown = re.findall(r'class="nowrap" datetime="(\d{4}-\d\d-\d\d)T', page)
    assert len(shown) == 3
    assert all(str(first - timedelta(days=1)) <= day <= str(last) for day in shown)


def test_sorted_by_the_soonest_slots_come_in_order(client: FlaskClient, offers: dict[str, Offer]) -> None:
    page = client.get("/en/offers?sort=soonest").text
    shown = re.findall(r'<time class="nowrap" datetime="([^"]+)"', page)
    assert shown == sorted(shown)


def test_a_topic_leads_to_its_narrowed_search(client: FlaskClient, offers: dict[str, Offer]) -> None:
    page = client.get("/fr/topics/water").text
    assert "/fr/offers?topic=water" in page
    assert set(named(offers, client.get("/fr/offers?topic=water").text)) == {"cheap", "dear"}


def test_how_results_are_ranked_tells_each_order(client: FlaskClient) -> None:
    for language, said in (("en", ("Price, lowest first", "answer rate", "Nobody pays")),
                           ("fr", ("Prix croissant", "taux de réponse", "Personne ne paie"))):  # fmt: skip
        page = client.get(f"/{language}/ranking").text
        assert all(words in page for words in said)
        assert page.count("<li><b>") >= 9


def test_more_offers_are_not_more_statements(
    client: FlaskClient, db: Database, offers: dict[str, Offer], count_queries: Any
) -> None:
    address = "/en/offers?q=vannes&week=1&topic=water&sort=soonest"
    numbers = []
    for _ in range(2):
        with count_queries() as counted:
            assert slugs(client.get(address).text)
        numbers.append(counted.number)
        expert = make.seller(db).expert
        for _more in range(8):
            made = make.offer(db, expert, title="Encore des vannes", topics=["water"])
            with db.transaction() as tx:
                index_offer(tx, made.id)
        free_days.renew(db, expert.id)
    assert numbers[0] == numbers[1]


def test_a_search_given_up_says_so_and_keeps_what_was_typed(
    client: FlaskClient, offers: dict[str, Offer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE", 0.001)
    typed = " ".join(f"vanne{number}" for number in range(400))
    page = client.get("/en/offers", query_string={"q": typed})
    assert page.status_code == 503
    assert "would have taken too long" in page.text
    assert "vanne399" in page.text
    told = client.get("/api/v1/offers", query_string={"q": typed, "lang": "en"})
    assert (told.status_code, told.mimetype) == (503, "application/problem+json")
    assert "would have taken too long" in told.json["detail"]  # type: ignore[index]


@pytest.mark.parametrize("typed", ["x" * 20_000, "🦆" * 4_001, "a\x07b", "abc\u202edef"])
def test_what_cannot_be_read_is_said_at_the_field_with_what_was_typed(
    client: FlaskClient, offers: dict[str, Offer], typed: str
) -> None:
    page = client.get("/en/offers", query_string={"q": typed})
    assert page.status_code == 422
    field = re.search(r"<textarea id=\"q\"([^>]*)>([^<]*)</textarea>", page.text)
    assert field is not None
    assert field[2] == typed
    assert 'aria-invalid="true"' in field[1]
    assert 'aria-describedby="search-error"' in field[1]
    said = page.text[page.text.index('id="search-error"') :][:600]
    assert "4,000 characters" in said or "control characters" in said


def test_an_instant_offer_is_asked_first_while_a_busy_calendar_is_unread(
    client: FlaskClient, db: Database, clock: FakeClock
) -> None:
    """The offer's page, the line of the results and the days they are narrowed to say what the process does."""
    seller = make.seller(db, standing_since=db.clock(), meeting_link="https://meet.example.com/s")
    offer = make.offer(db, seller.expert, instant=True, notice_hours=4)
    with db.transaction() as tx:
        index_offer(tx, offer.id)
        calendar = BusyCalendar(
            expert_id=seller.expert.id,
            name="Perso",
            sealed=b"s",
            shown="calendar.example.net",
            busy=[],
            made_at=tx.now,
            worked_out_at=tx.now,
            good_at=tx.now,
            next_read_at=tx.now,
        )
        tx.session.add(calendar)
    free_days.renew(db, seller.expert.id)

    def said() -> tuple[str, int, str, str]:
        page, results = client.get(f"/en/offers/{offer.slug}").text, client.get("/en/offers").text
        today = f"{db.clock():%Y-%m-%d}"
        slots = [
            re.search(r'<time[^>]*datetime="([^"]+)"', part.split(mark)[1])
            for part, mark in (
                (results, "First slot"),
                (page, 'class="slot-lines"'),
            )
        ]
        assert all(slots)
        return (
            "at once" if "Confirmed at once" in page else "asked",
            len(slugs(client.get(f"/en/offers?from={today}&to={today}").text)),
            *(one[1] for one in slots if one),
        )

    clock.move_to(datetime(2026, 11, 27, 8, 59, 59, tzinfo=UTC))
    assert said() == ("at once", 1, "2026-11-27T13:00:00Z", "2026-11-27T13:00:00Z")
    clock.move(timedelta(seconds=1))
    # Three days after the last good copy, to the second: a day's notice, over a weekend.
    assert said() == ("asked", 0, "2026-11-30T07:00:00Z", "2026-11-30T07:00:00Z")
