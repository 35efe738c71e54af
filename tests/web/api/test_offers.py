"""The read API on the demo catalogue: what it answers, refuses, and never does."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.domain.filters import NAMES, ORDERS, Filters
from marketplace.services.people import limits
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.people import Attempt
from marketplace.web.api.asking import FILTERS
from marketplace.web.api.offers import external_id
from tests.encoder import WordEncoder
from tests.queries import counting

HERE = "/api/v1/offers"
PROBLEM = "application/problem+json"


@pytest.fixture
def program(demo_house: Flask) -> FlaskClient:
    """A program that asks, without limit: its tries are forgotten."""
    db: Database = demo_house.extensions["declic"].db
    with db.transaction() as tx:
        tx.session.execute(sa.delete(Attempt))
    return demo_house.test_client()


def ask(program: FlaskClient, **asked: Any) -> dict[str, Any]:
    answer = program.get(HERE, query_string=asked)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    return answer.json


def refused(answer: Any, status: int, *names: str) -> None:
    assert answer.status_code == status
    assert answer.mimetype == PROBLEM
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["status"] == status
    assert answer.json["type"] == "about:blank"
    assert answer.json["title"] and answer.json["detail"]  # noqa: PT018
    assert [one["parameter"] for one in answer.json.get("errors", [])] == list(names)


def test_a_problem_finds_the_offer_that_answers_it(program: FlaskClient) -> None:
    page = ask(program, q="vieilles machines à connecter au MES", lang="en")
    first = page["items"][0]
    assert first["external_id"] == "o050"
    assert first["lang"] in ("fr", "en")
    assert set(first["price"]) == {"amount_minor", "currency", "vat"}
    assert first["url"].startswith("http://localhost:8000/en/offers/")
    assert set(first["expert"]) == {"name", "startup", "role", "city"}
    assert first["score"] >= page["items"][1]["score"] > 0
    assert first["group"] in ("same", "neighbour", "partly", "closest")
    assert first["why"]["phrase"] == "vieilles machines à connecter au MES"
    assert first["why"]["sentence"]
    assert page["meaning"] == "matched"


def test_one_offer_with_its_story(program: FlaskClient) -> None:
    found = ask(program, q="vieilles machines à connecter au MES")["items"][0]
    answer = program.get(f"{HERE}/{found['id']}?lang=en")
    whole = answer.json
    assert answer.status_code == 200
    assert {name: whole[name] for name in ("id", "external_id", "title", "lang", "expert", "price")} == {
        name: found[name] for name in ("id", "external_id", "title", "lang", "expert", "price")
    }
    assert "/en/offers/" in whole["url"]
    assert whole["problem"] and whole["unlocked"] and whole["takeaways"]  # noqa: PT018
    french = program.get(f"{HERE}/{found['id']}").json
    assert [topic["slug"] for topic in french["topics"]] == [topic["slug"] for topic in whole["topics"]]
    assert french["topics"] != whole["topics"]


def test_it_is_what_the_results_page_shows(program: FlaskClient) -> None:
    """The same offers in the same order, by words, by meaning and by filters."""
    for asked in (
        {"q": "sensor battery in a basement"},
        {},
        {"language": "en"},
        {"q": "machines", "minutes": "180"},
        {"q": "machines", "sort": "price"},
        {"price_max": "900", "format": "on_site", "sort": "price_down"},
    ):
        shown = program.get("/fr/offers", query_string=asked).text
        slugs = [item["url"].rsplit("/", 1)[1] for item in ask(program, **asked)["items"]]
        places = [shown.find(f"/fr/offers/{slug}") for slug in slugs]
        assert slugs
        assert -1 not in places, asked
        assert places == sorted(places), asked


def test_pages_neither_skip_nor_repeat(program: FlaskClient) -> None:
    for asked in (
        {},
        {"sort": "price"},
        {"sort": "soonest"},
        {"q": "machines"},
        {"q": "machines", "sort": "rating"},
    ):
        seen, cursor, pages = [], None, 0
        while True:
            page = ask(
                program, **asked, limit=2 if asked.get("q") else 7, **({"cursor": cursor} if cursor else {})
            )
            seen += [item["id"] for item in page["items"]]
            cursor, pages = page["next_cursor"], pages + 1
            if cursor is None:
                break
        assert len(seen) == len(set(seen))
        assert pages > 1
        assert (
            seen == [item["id"] for item in ask(program, **asked, limit=50)["items"]][: len(seen)]
            or len(seen) > 50
        )
        if not asked.get("q"):
            assert len(seen) == 80


def test_lang_narrows_nothing(program: FlaskClient) -> None:
    fr, en = (ask(program, q="capteurs en cave", lang=lang) for lang in ("fr", "en"))
    assert [item["id"] for item in fr["items"]] == [item["id"] for item in en["items"]]
    assert {item["lang"] for item in ask(program, limit=50)["items"]} == {"fr", "en"}


def test_filters_narrow(program: FlaskClient) -> None:
    cheap = ask(program, price_max=800, limit=50, sort="price")["items"]
    prices = [item["price"]["amount_minor"] for item in cheap]
    assert prices == sorted(prices)
    assert 0 < prices[-1] <= 80_000
    assert len(cheap) < 50
    both = [item["id"] for item in ask(program, minutes=["180", "240"], limit=50)["items"]]
    one = [item["id"] for item in ask(program, minutes="180", limit=50)["items"]]
    assert set(one) < set(both)
    assert ask(program, topic="no-such-topic") == {
        "items": [],
        "next_cursor": None,
        "meaning": "not_asked",
        "nothing_fits": False,
    }


def test_every_filter_of_the_page_is_one_here() -> None:
    here = {parameter.name for parameter in FILTERS}
    assert here == {{"from_day": "from", "to_day": "to"}.get(name, name) for name in NAMES} | {"week"}
    assert {field.name for field in dataclasses.fields(Filters)} == set(NAMES)


@pytest.mark.parametrize("order", ORDERS)
def test_every_order(program: FlaskClient, order: str) -> None:
    assert ask(program, sort=order, q="machines")["items"]
    assert ask(program, sort=order)["items"]


def test_without_a_question_nothing_fits_better(program: FlaskClient) -> None:
    page = ask(program, limit=1)
    assert (page["items"][0]["score"], page["items"][0]["group"], page["items"][0]["why"]) == (
        None,
        None,
        None,
    )
    assert page["meaning"] == "not_asked"
    assert page == ask(program, q="   ", limit=1)


def test_when_what_reads_meaning_is_away_words_serve_and_it_says_so(
    program: FlaskClient, words: WordEncoder
) -> None:
    words.away = True
    try:
        page = ask(program, q="vieilles machines à connecter au MES")
        ask_by_words = ask(program, q="autonomie des capteurs en sous-sol")
    finally:
        words.away = False
    assert page["meaning"] == "resting"
    assert page["items"][0]["external_id"] == "o007"
    reasons = [item["why"] for item in ask_by_words["items"]]
    assert any(reasons)
    assert all(why["phrase"] is None and why["sentence"] for why in reasons if why)


STRANGE = [
    "", " ", "a", "é", "🧨", "🧨" * 300, "' or 1=1; --", "foo & | ! <-> (bar", "a:*", "\\", "%", "_", "مرحبا بالعالم",
    "שלום", "x" * 8_000, "é " * 4_000, "capteur " * 1_000, "-" * 8_000, "\t\n", "<script>", "{{7*7}}", "!" * 500,
]  # fmt: skip


@pytest.mark.parametrize("query", STRANGE, ids=lambda q: f"{q[:6]!r}{len(q)}")
def test_strange_questions_have_sensible_answers(program: FlaskClient, query: str) -> None:
    page = ask(program, q=query)
    assert set(page) == {"items", "next_cursor", "meaning", "nothing_fits"}


@pytest.mark.parametrize("query", ["x" * 8_001, "x" * 20_000, "a\u202eb", "a\x07b", "\u2066x"])
def test_what_is_no_question_is_named(program: FlaskClient, query: str) -> None:
    refused(program.get(HERE, query_string={"q": query}), 422, "q")


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"limit": "0"}, ["limit"]),
        ({"limit": "51"}, ["limit"]),
        ({"limit": "ten"}, ["limit"]),
        ({"limit": "٣"}, ["limit"]),
        ({"limit": "9" * 5000}, ["limit"]),
        ({"limit": ""}, ["limit"]),
        ({"lang": "de"}, ["lang"]),
        ({"sort": "cheapest"}, ["sort"]),
        ({"topic": "No Slug"}, ["topic"]),
        ({"topic": [f"t{n}" for n in range(11)]}, ["topic"]),
        ({"industry": "é"}, ["industry"]),
        ({"language": "french"}, ["language"]),
        ({"format": "both"}, ["format"]),
        ({"minutes": "60"}, ["minutes"]),
        ({"price_min": "-1"}, ["price_min"]),
        ({"price_max": "1e400"}, ["price_max"]),
        ({"from": "2026-02-30"}, ["from"]),
        ({"to": "tomorrow"}, ["to"]),
        ({"week": "2"}, ["week"]),
        ({"rating": "5"}, ["rating"]),
        ({"lang": "xx", "q": "a\x07", "rating": "x", "sort": "y", "limit": "z"}, ["lang", "q", "rating", "sort", "limit"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(program: FlaskClient, asked: dict[str, Any], names: list[str]) -> None:
    refused(program.get(HERE, query_string=asked), 422, *names)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1970-01-01"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_days_far_away_are_answered(program: FlaskClient, name: str, day: str) -> None:
    answer = program.get(HERE, query_string={name: day, "q": "machines"})
    assert answer.status_code in (200, 422)


def test_a_cursor_is_good_for_its_own_question_alone(program: FlaskClient) -> None:
    cursor = ask(program, q="machines", limit=2)["next_cursor"]
    assert cursor
    for asked in (
        {"q": "capteurs"},
        {"q": "machines", "sort": "price"},
        {"q": "machines", "minutes": "180"},
        {},
    ):
        refused(program.get(HERE, query_string={**asked, "cursor": cursor}), 404, "cursor")
    assert ask(program, q="machines", limit=5, lang="en", cursor=cursor)["items"]


def test_the_other_errors(program: FlaskClient) -> None:
    refused(program.get(f"{HERE}/{uuid.uuid4()}"), 404)
    refused(program.get(f"{HERE}/o007"), 404)
    refused(program.get("/api/v1/nothing"), 404)
    refused(program.get("/api/"), 404)
    refused(program.get(f"{HERE}?q=%00"), 400)
    refused(program.get(f"{HERE}?q=%FF"), 400)
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(program, method)(HERE, data={"q": "x"})
        refused(answer, 405)
        assert "GET" in answer.headers["Allow"]
    refused(program.get(f"{HERE}/{ask(program)['items'][0]['id']}?lang=de"), 422, "lang")


def test_errors_speak_the_language_asked(program: FlaskClient) -> None:
    for lang, title in (("fr", "Introuvable"), ("en", "Not found")):
        program.set_cookie("language", "en" if lang == "fr" else "fr")
        answer = program.get(f"/api/v1/nothing?lang={lang}", headers={"Accept-Language": "de"})
        assert answer.json["title"] == title
    assert program.get("/api/v1/nothing", headers={"Accept-Language": "en"}).json["title"] == "Introuvable"


def test_what_fails_here_has_a_number(program: FlaskClient, demo_house: Flask) -> None:
    """The log has it too; nothing of the fault itself is said."""
    whole = demo_house.extensions["declic"]

    class Broken:
        def named(self, name: str) -> None:
            raise RuntimeError("secret words")

    demo_house.extensions["declic"] = dataclasses.replace(whole, encoders=Broken())
    try:
        answer = program.get(HERE, query_string={"q": "machines"})
    finally:
        demo_house.extensions["declic"] = whole
    refused(answer, 500)
    assert len(answer.json["number"]) == 8
    assert "secret" not in answer.text


def test_without_its_records_it_says_when_to_come_back(program: FlaskClient, demo_house: Flask) -> None:
    from marketplace.storage.db import connect

    whole = demo_house.extensions["declic"]
    away = Database(connect("postgresql+psycopg://nobody@127.0.0.1:1/none"), clock=whole.clock)
    demo_house.extensions["declic"] = dataclasses.replace(whole, db=away)
    try:
        answer = program.get(HERE)
    finally:
        demo_house.extensions["declic"] = whole
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_network_that_asks_without_end_waits(program: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READS", ((limits.HOUR, 3),))
    statuses = [program.get(HERE, query_string={"limit": 1}).status_code for _ in range(3)]
    answer = program.get(HERE)
    assert statuses == [200] * 3
    refused(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 3601
    assert program.get(HERE, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200


def test_nobody_asks_and_nothing_is_kept(app: Flask, browser: Any, db: Database) -> None:
    """A signed-in browser gets what everybody gets: its cookies are not read, none is set."""
    from tests import factories as make

    person = make.person(db, name="Camille")
    here = browser(person)
    here.set_cookie("zone", "Asia/Tokyo")
    answer = here.get(HERE)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.text == app.test_client().get(HERE).text
    assert here.get(f"{HERE}?q=x").headers["Cache-Control"] == "no-store"


def test_no_other_site_s_script_reads_it(program: FlaskClient) -> None:
    for answer in (program.get(HERE, headers={"Origin": "https://other.example"}), program.options(HERE)):
        assert not [name for name, _value in answer.headers if name.lower().startswith("access-control")]


def test_a_page_costs_the_same_whatever_it_holds(program: FlaskClient, demo_house: Flask) -> None:
    numbers = []
    for limit in (1, 30):
        with counting(demo_house.extensions["declic"].db.engine) as counted:
            ask(program, q="machines", limit=limit)
        numbers.append(counted.number)
    assert numbers[0] == numbers[1]


def test_what_is_not_live_is_not_there(program: FlaskClient, demo_house: Flask) -> None:
    db: Database = demo_house.extensions["declic"].db
    gone = ask(program, q="vieilles machines à connecter au MES")["items"][0]["id"]
    with db.transaction() as tx:
        tx.session.get_one(Offer, uuid.UUID(gone)).status = "hidden"
    try:
        refused(program.get(f"{HERE}/{gone}"), 404)
        assert gone not in json.dumps(ask(program, q="vieilles machines à connecter au MES"))
    finally:
        with db.transaction() as tx:
            tx.session.get_one(Offer, uuid.UUID(gone)).status = "live"


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ("o007", "o007"),
        ("o007/ada@example.org", "o007"),
        ("a/b", "a/b"),
        ("a/b/ada@x.org", "a/b"),
        (None, None),
    ],
)
def test_an_id_of_two_folders_tells_no_address(ours: str | None, told: str | None) -> None:
    assert external_id(ours) == told


def test_all_loaded_offers_have_their_own_id(program: FlaskClient, demo_house: Flask) -> None:
    with demo_house.extensions["declic"].db.reading() as session:
        rows = session.execute(
            sa.select(Offer.id, Offer.source_id).join(OfferVersion).where(OfferVersion.live)
        )
        known = {str(row.id): row.source_id for row in rows}
    for item in ask(program, limit=50)["items"]:
        assert item["external_id"] == known[item["id"]]
