"""The public pages, as a guest asks for them: what they show, refuse, and how many statements they take."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import config
from marketplace import create_app
from marketplace.services.demo import load
from marketplace.services.search import encode_offer, index_offer
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert
from marketplace.storage.offers import Offer
from marketplace.storage.people import WorkerBeat
from marketplace.storage.reviews import Review
from tests import database as databases
from tests import factories as make
from tests.clock import FakeClock
from tests.encoder import Encoders, WordEncoder
from tests.queries import counting
from tests.services.test_demo_load import Bank

DEMO = Path(__file__).resolve().parents[3] / "demo"
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
TEXTS = (
    "how-it-works", "ranking", "reviews", "terms", "charter", "confidentiality", "privacy", "legal", "accessibility",
)  # fmt: skip


def make_app(tmp_path: Path, clock: Any, db: Database) -> Flask:
    settings = config.load({"ENV": "demo", "DATABASE_URL": NOWHERE, "DATA_DIR": str(tmp_path)})
    return create_app(settings, clock=clock, database=db)


@pytest.fixture
def guest(db: Database, clock: Any, tmp_path: Path) -> FlaskClient:
    """Somebody at an empty house; what a test makes is rolled back."""
    return make_app(tmp_path, clock, db).test_client()


@pytest.fixture(scope="module")
def demo_house(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole demo catalogue, loaded once for the tests that only read."""
    with databases.own_database(*template) as url:
        engine = connect(url)
        db = Database(engine, clock=FakeClock())
        bank = Bank()
        load(db, DEMO, bank, onboard=bank.onboard)  # type: ignore[arg-type]
        yield make_app(tmp_path_factory.mktemp("demo"), db.clock, db)
        engine.dispose()


@pytest.fixture
def visitor(demo_house: Flask) -> FlaskClient:
    """Somebody at the house with the demo catalogue."""
    return demo_house.test_client()


@pytest.fixture
def slugs(demo_house: Flask) -> dict[str, str]:
    """The addresses of the demo's offers, by their ids in the files."""
    with demo_house.extensions["declic"].db.reading() as session:
        return {row.source_id: row.slug for row in session.execute(sa.select(Offer.source_id, Offer.slug))}


def words(page: str) -> str:
    """What a reader reads, spaces made plain."""
    bare = re.sub(r"(?s)<(script|style|head)\b.*?</\1>|<[^>]+>", " ", page)
    return " ".join(html.unescape(bare).split())


def offers(db: Database, count: int) -> list[Offer]:
    made = [make.offer(db, make.seller(db).expert, title=f"Compteurs {n}") for n in range(count)]
    with db.transaction() as tx:
        for offer in made:
            index_offer(tx, offer.id)
    return made


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("page", ["", "offers", *TEXTS])
def test_every_page_stands(visitor: FlaskClient, language: str, page: str) -> None:
    answer = visitor.get(f"/{language}/{page}")
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert "<h1" in answer.text


def test_an_empty_house_says_so(guest: FlaskClient) -> None:
    assert guest.get("/fr/").status_code == 200
    assert guest.get("/fr/offers").status_code == 200
    assert guest.get("/fr/offers/nothing").status_code == 404


def test_home_tells_the_catalogue_as_it_is(visitor: FlaskClient) -> None:
    page = words(visitor.get("/en/").text)
    assert "80 stories, 40 experts" in page
    assert "From €590 to €2,400" in page
    assert visitor.get("/en/").text.count('class="offer-row"') == 10


def test_a_problem_leads_to_the_offer_and_back(visitor: FlaskClient, slugs: dict[str, str]) -> None:
    found = visitor.get("/fr/offers", query_string={"q": "vieilles machines à connecter au MES"})
    assert found.status_code == 200
    address = re.search(r'class="hit-title"[^>]*><a href="([^"]+)"', found.text)
    assert address
    assert slugs["o007"] in address[1]
    offer = visitor.get(html.unescape(address[1]))
    assert offer.status_code == 200
    page = words(offer.text)
    assert "1 584,00 €" in page
    assert "20 jours gagnés" in page
    assert "vieilles machines à connecter au MES" in page
    assert "/fr/offers?q=vieilles" in html.unescape(offer.text)


def test_a_long_problem_is_found_again_by_where_one_came_from(
    visitor: FlaskClient, slugs: dict[str, str]
) -> None:
    long = "Nos vieilles machines n’ont pas de port de communication. " * 12
    found = visitor.get("/fr/offers", query_string={"q": long})
    assert max(len(link) for link in re.findall(r'href="(/fr/offers/[^"]+)"', found.text)) < 200
    came = f"http://localhost{found.request.full_path}"
    offer = visitor.get(f"/fr/offers/{slugs['o007']}", headers={"Referer": came})
    assert "/fr/offers?q=Nos" in html.unescape(offer.text)
    elsewhere = visitor.get(
        f"/fr/offers/{slugs['o007']}", headers={"Referer": came.replace("localhost", "other.test")}
    )
    assert "/fr/offers?q=Nos" not in html.unescape(elsewhere.text)


def test_the_way_back_to_the_results_keeps_their_filters_however_many(
    visitor: FlaskClient, slugs: dict[str, str]
) -> None:
    came = "http://localhost/fr/offers?q=machines&" + "&".join(f"topic=sujet-{n}" for n in range(30))
    for address in ("?q=machines", ""):
        offer = visitor.get(f"/fr/offers/{slugs['o007']}{address}", headers={"Referer": came})
        assert offer.status_code == 200
        assert f'"{came.removeprefix("http://localhost")}"' in html.unescape(offer.text)
    another = visitor.get(f"/fr/offers/{slugs['o007']}?q=automates", headers={"Referer": came})
    assert '"/fr/offers?q=automates"' in another.text


def test_the_price_is_shown_line_by_line_and_slots_in_a_named_zone(
    visitor: FlaskClient, slugs: dict[str, str]
) -> None:
    page = words(visitor.get(f"/en/offers/{slugs['o007']}").text)
    for line in ("€1,200.00", "€120.00", "€264.00", "€1,584.00"):
        assert line in page
    visitor.set_cookie("zone", "America/Montreal")
    other = words(visitor.get(f"/en/offers/{slugs['o007']}").text)
    assert "Montreal" in other or "Toronto" in other


def test_pages_of_results_lead_on_and_back_and_forged_places_begin_anew(visitor: FlaskClient) -> None:
    first = visitor.get("/en/offers")
    on = html.unescape(re.search(r'href="([^"]+)" rel="next"', first.text)[1])  # type: ignore[index]
    second = visitor.get(on)
    back = html.unescape(re.search(r'href="([^"]+)" rel="prev"', second.text)[1])  # type: ignore[index]

    def titles(page: str) -> list[str]:
        return re.findall(r'class="hit-title"[^>]*><a href="([^"]+)"', page)

    assert titles(visitor.get(back).text) == titles(first.text)
    assert not set(titles(first.text)) & set(titles(second.text))
    forged = visitor.get(on[:-3] + "xyz")
    assert titles(forged.text) == titles(first.text)
    place = on.partition("after=")[2]
    assert titles(visitor.get(f"/en/offers?q=machines&after={place}").text)


@pytest.mark.parametrize(
    "query, status",
    [("a" * 4001, 422), ("é" * 4000, 200), ("a\u202eb", 422), ("<script>alert(1)</script>", 200), ("%", 200)],
)
def test_what_is_typed_is_answered_and_kept(visitor: FlaskClient, query: str, status: int) -> None:
    answer = visitor.get("/en/offers", query_string={"q": query})
    assert answer.status_code == status
    assert html.escape(query, quote=False) in answer.text.replace("&#39;", "'").replace("&#34;", '"')
    assert "<script>alert" not in answer.text
    assert ('role="alert"' in answer.text) == (status == 422)


def test_nul_is_refused_without_an_error_of_ours(guest: FlaskClient) -> None:
    assert guest.get("/en/offers?q=a%00b").status_code in (400, 422)
    assert guest.get("/en/offers/a%00b").status_code in (400, 404)


def test_a_review_shows_when_both_are_in_or_the_window_ends_and_never_when_hidden(
    guest: FlaskClient, db: Database, clock: Any
) -> None:
    made = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        booking = tx.session.get_one(make.Booking, made.id)
        booking.reviews_until = tx.now + timedelta(days=14)
        review = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_name="Camille", author_company="Foncière", usefulness=5, unlocked="yes", days_saved=12,
            text="Trouvé en deux heures.", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(review)

    def shown() -> bool:
        return "Trouvé en deux heures." in guest.get(f"/fr/offers/{made.offer.slug}").text

    assert not shown()
    clock.move(timedelta(days=14))
    assert shown()
    with db.transaction() as tx:
        tx.session.get_one(Review, review.id).hidden_at = tx.now
    assert not shown()
    with db.transaction() as tx:
        tx.session.get_one(Review, review.id).hidden_at = None
        tx.session.get_one(make.Booking, made.id).reviews_until = tx.now + timedelta(days=1)
    assert not shown()
    with db.transaction() as tx:
        tx.session.add(
            Review(
                booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="expert",
                author_name="Solène", author_company="Aquafouine", sent_at=tx.now,
            )
        )  # fmt: skip
    assert shown()


@pytest.mark.parametrize("status", ["none", "pending", "restricted"])
def test_who_cannot_be_paid_is_read_and_not_said_to_be_full(
    guest: FlaskClient, db: Database, status: str
) -> None:
    offer = make.offer(db, make.seller(db, account_status=status).expert)
    with db.transaction() as tx:
        index_offer(tx, offer.id)
    page = words(guest.get(f"/en/offers/{offer.slug}").text)
    assert "It cannot be booked yet: Solène’s account to be paid on is not ready." in page
    found = words(guest.get("/en/offers").text)
    assert "Cannot be booked yet" in found
    assert "No free slot" not in page + found


def test_confirmed_at_once_only_while_the_expert_accepts_in_advance(guest: FlaskClient, db: Database) -> None:
    seller = make.seller(db, standing_since=db.clock(), meeting_link="https://meet.example.com/s")
    offer = make.offer(db, seller.expert, instant=True)
    address = f"/en/offers/{offer.slug}"
    assert "Confirmed at once" in guest.get(address).text
    with db.transaction() as tx:
        tx.session.get_one(Expert, seller.expert.id).standing_since = None
    page = guest.get(address).text
    assert "Confirmed at once" not in page
    assert "The expert answers within 48 hours" in page


def test_a_taken_slot_is_no_next_slot(guest: FlaskClient, db: Database) -> None:
    made = offers(db, 1)[0]

    def slots() -> list[str]:
        lines = re.search(r'(?s)<ul class="slot-lines">(.*?)</ul>', guest.get(f"/fr/offers/{made.slug}").text)
        return re.findall(r'datetime="([^"]+)"', lines[1]) if lines else []

    before = slots()
    assert len(before) == 3
    start = make.first_slot(db, made.id)
    make.bookings.hold(db, make.lead(db).actor, offer=made.id, start=start, format="remote", token="once")
    assert before[0] == f"{start:%Y-%m-%dT%H:%M:%SZ}"
    assert before[0] not in slots()
    assert before[1:] == slots()[1:]


@pytest.mark.parametrize("page", ["/fr/", "/fr/offers", "/fr/offers?q=compteurs"])
def test_more_offers_are_not_more_statements(
    guest: FlaskClient, db: Database, count_queries: Any, page: str
) -> None:
    offers(db, 5)
    with count_queries() as few:
        assert guest.get(page).status_code == 200
    offers(db, 45)
    with count_queries() as many:
        assert guest.get(page).status_code == 200
    assert few.number == many.number
    # Results also name and count the values of their filters.
    assert few.number <= (10 if page == "/fr/" else 17)


def test_an_offer_page_takes_as_many_statements_with_reviews_as_without(demo_house: Flask) -> None:
    db = demo_house.extensions["declic"].db
    unsaid = ~sa.exists().where(Review.offer_id == Offer.id)
    with db.reading() as session:
        none = session.scalars(sa.select(Offer.slug).where(unsaid).limit(1)).one()
        some = session.scalars(sa.select(Offer.slug).where(Offer.source_id == "o003")).one()
    numbers = []
    for slug in (none, some):
        with counting(db.engine) as counted:
            assert demo_house.test_client().get(f"/fr/offers/{slug}").status_code == 200
        numbers.append(counted.number)
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 10


def test_health_follows_the_worker_in_real_time(guest: FlaskClient, db: Database, clock: Any) -> None:
    assert guest.get("/healthz").status_code == 503
    with db.transaction() as tx:
        tx.session.add(WorkerBeat(id=1, beat_at=real_now()))
    clock.move(timedelta(days=30))
    answer = guest.get("/healthz")
    assert (answer.status_code, answer.json) == (
        200,
        {"database": "up", "worker": "up", "meaning": "resting"},
    )
    with db.transaction() as tx:
        tx.session.get_one(WorkerBeat, 1).beat_at = real_now() - timedelta(seconds=91)
    answer = guest.get("/healthz")
    assert (answer.status_code, answer.json) == (
        503,
        {"database": "up", "worker": "down", "meaning": "resting"},
    )


def test_health_says_when_the_database_is_away(tmp_path: Path) -> None:
    settings = config.load(
        {
            "ENV": "demo",
            "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
            "DATA_DIR": str(tmp_path),
        }
    )
    answer = create_app(settings).test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (
        503,
        {"database": "down", "worker": "down", "meaning": "resting"},
    )


def test_files_without_a_language(guest: FlaskClient) -> None:
    assert "Disallow: /dev/" in guest.get("/robots.txt").text
    with guest.get("/favicon.ico", follow_redirects=True) as icon:
        assert (icon.status_code, icon.mimetype) == (200, "image/svg+xml")


@pytest.fixture
def understood(guest: FlaskClient, db: Database, monkeypatch: pytest.MonkeyPatch) -> Encoders:
    """A house whose offers have vectors: two problems and some others."""
    encoders = Encoders(WordEncoder())
    kept = guest.application.extensions["declic"]
    monkeypatch.setitem(guest.application.extensions, "declic", dataclasses.replace(kept, encoders=encoders))
    expert = make.seller(db, name="Tobias Lindqvern").expert
    told = [
        (
            "en",
            "Sensors in a basement",
            "We had built it. The sensor battery died in the basement. So it was.",
        ),
        ("fr", "Un bail", "Le locataire refusait."),
        *(("fr", f"Récit {n}", f"Autre affaire {n}.") for n in range(12)),
    ]
    for language, title, problem in told:
        made = make.offer(db, expert, language=language, title=title, problem=problem, unlocked="Fin.")
        with db.transaction() as tx:
            index_offer(tx, made.id)
        encode_offer(db, encoders, made.id)
    return encoders


def test_a_result_says_why_in_its_own_language_and_the_offer_keeps_the_mark(
    guest: FlaskClient, understood: Encoders
) -> None:
    page = guest.get("/fr/offers", query_string={"q": "la pile du capteur en cave"}).text
    assert "Le même problème" in page
    assert "<dt>Vous</dt>" in page
    assert "<dt>Tobias</dt>" in page
    marked = "<mark>The sensor battery died in the basement."
    assert marked in page
    assert '<span class="tag">anglais</span>' in page
    address = re.search(r'class="hit-title"[^>]*><a href="([^"]+)"', page)
    assert address
    offer = guest.get(html.unescape(address[1])).text
    assert marked in offer
    assert offer.count("<mark>The") == 1
    assert "la plus proche de ce que vous avez écrit" in words(offer)


def test_the_page_says_when_meaning_rests_and_what_comes_closest(
    guest: FlaskClient, understood: Encoders
) -> None:
    resting = "La recherche par le sens est au repos"
    found = guest.get("/fr/offers", query_string={"q": "zèbres volants"}).text
    assert "Les récits les plus proches" in found
    assert "Sans doute aucun ne traite de votre problème" in found
    assert "Les plus proches" in found
    assert resting not in found
    understood.known[0].away = True
    away = guest.get("/fr/offers", query_string={"q": "bail locataire"})
    assert away.status_code == 200
    assert resting in away.text
    assert "Le locataire refusait." in away.text
    assert resting not in guest.get("/fr/offers").text


@pytest.mark.parametrize(
    "query",
    [
        "a",
        "🦆" * 300,
        "x" * 4000,
        "' OR 1=1 --",
        "capteur & | ! <-> :*",
        "مرحبا",
        "[1,2]",
        "\\",
        "%_",
        "captteur",
    ],
)
def test_any_question_is_answered(guest: FlaskClient, understood: Encoders, query: str) -> None:
    assert guest.get("/fr/offers", query_string={"q": query}).status_code == 200


def test_a_misspelt_word_is_offered_again(guest: FlaskClient, understood: Encoders) -> None:
    page = guest.get("/fr/offers", query_string={"q": "sensorrs basement"})
    assert "Vouliez-vous dire" in page.text
    assert 'href="/fr/offers?q=sensors+basement"' in page.text or "q=sensors%20basement" in page.text


def test_ranking_is_told_by_its_own_settings(guest: FlaskClient) -> None:
    page = words(guest.get("/fr/ranking").text)
    assert "0,04" in page
    assert "0,3" in page
