"""To be found: sitemap, topics, canonical addresses; only what is really there, in both languages."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services.offers import topics as portions
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer, Topic
from tests import factories as make

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
LINK = "{http://www.w3.org/1999/xhtml}link"


def topics(db: Database) -> None:
    with db.transaction() as tx:
        tx.session.add_all([
            Topic(slug="water", fr="Eau", en="Water"), Topic(slug="energy", fr="Énergie", en="Energy"),
        ])  # fmt: skip


def locations(client: FlaskClient, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "application/xml"
    return [str(found.text) for found in ElementTree.fromstring(answer.text).iter(LOC)]


def path(address: str) -> str:
    return address.removeprefix("http://localhost:8000")


def test_the_sitemap_names_every_page_once_and_each_answers(client: FlaskClient, db: Database) -> None:
    topics(db)
    seller = make.seller(db)
    for _ in range(3):
        make.offer(db, seller.expert, topics=["water"])
    hidden = make.offer(db, seller.expert)
    with db.transaction() as tx:
        tx.session.get_one(Offer, hidden.id).status = "hidden"
    files = locations(client, "/sitemap.xml")
    found = [place for file in files for place in locations(client, path(file))]
    assert len(found) == len(set(found))
    assert sum("/offers/" in place for place in found) == 6
    assert not any(hidden.slug in place for place in found)
    for place in found:
        assert client.get(path(place)).status_code == 200, place


def test_offers_come_in_portions(client: FlaskClient, db: Database, monkeypatch: object) -> None:
    seller = make.seller(db)
    made = {make.offer(db, seller.expert).slug for _ in range(5)}
    monkeypatch.setattr(portions, "A_SITEMAP", 2)  # type: ignore[attr-defined]
    files = [file for file in locations(client, "/sitemap.xml") if "offers-" in file]
    assert len(files) == 3
    assert {p.rpartition("/")[2] for file in files for p in locations(client, path(file))} == made


def test_an_entry_names_both_languages(client: FlaskClient, db: Database) -> None:
    make.offer(db, make.seller(db).expert)
    file = next(file for file in locations(client, "/sitemap.xml") if "offers-" in file)
    for entry in ElementTree.fromstring(client.get(path(file)).text):
        assert [link.get("hreflang") for link in entry.iter(LINK)] == ["fr", "en", "x-default"]


def test_a_topic_shows_its_live_offers_alone(
    client: FlaskClient, db: Database, count_queries: object
) -> None:
    topics(db)
    seller = make.seller(db)
    make.offer(db, seller.expert, topics=["water"], title="Compter les litres")
    make.offer(db, seller.expert, topics=["energy"], title="Compter les watts")
    page = client.get("/fr/topics/water").text
    assert "Compter les litres" in page
    assert "Compter les watts" not in page
    assert "Eau" in client.get("/fr/topics").text
    assert client.get("/en/topics/no-such").status_code == 404
    with count_queries() as few:  # type: ignore[operator]
        client.get("/en/topics/water")
    for _ in range(30):
        make.offer(db, seller.expert, topics=["water"])
    with count_queries() as many:  # type: ignore[operator]
        client.get("/en/topics/water")
    assert few.number == many.number


def test_a_topic_without_offers_is_no_page(client: FlaskClient, db: Database) -> None:
    topics(db)
    offer = make.offer(db, make.seller(db).expert, topics=["water"])
    with db.transaction() as tx:
        tx.session.execute(sa.update(Offer).where(Offer.id == offer.id).values(status="closed"))
    assert client.get("/en/topics/water").status_code == 404
    assert "Water" not in client.get("/en/topics").text


def test_pages_of_a_topic_neither_skip_nor_repeat(client: FlaskClient, db: Database) -> None:
    topics(db)
    seller = make.seller(db)
    made = {make.offer(db, seller.expert, topics=["water"]).slug for _ in range(30)}
    seen: list[str] = []
    address: str | None = "/en/topics/water"
    while address:
        text = client.get(address).text
        seen += re.findall(r'hit-title"[^>]*><a href="/en/offers/([^"?]+)', text)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        address = following[1].replace("&amp;", "&") if following else None
    assert sorted(seen) == sorted(made)


def test_public_pages_have_one_address_and_others_are_not_indexed(client: FlaskClient, db: Database) -> None:
    offer = make.offer(db, make.seller(db).expert)
    page = client.get(f"/en/offers/{offer.slug}?q=meters").text
    assert "noindex" in page
    page = client.get(f"/en/offers/{offer.slug}").text
    assert f'<link rel="canonical" href="http://localhost:8000/en/offers/{offer.slug}">' in page
    assert f'hreflang="fr" href="http://localhost:8000/fr/offers/{offer.slug}"' in page
    assert "noindex" in client.get("/en/log-in").text
    assert "noindex" in client.get("/en/offers?q=meters").text
    assert "Sitemap: http://localhost:8000/sitemap.xml" in client.get("/robots.txt").text
