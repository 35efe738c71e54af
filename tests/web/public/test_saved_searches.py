"""Saved searches, page by page: kept from the results, what is new, opened, by mail or not, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.domain.filters import NONE
from marketplace.services import letters, saved_searches
from marketplace.services.search import index_offer
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer
from marketplace.storage.saved_searches import SavedSearch, SavedSearchFind
from tests import factories as make
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def lead(db: Database) -> make.Lead:
    return make.lead(db)


def saved(db: Database) -> list[SavedSearch]:
    with db.reading() as session:
        return list(session.scalars(sa.select(SavedSearch).order_by(SavedSearch.id)))


def found(db: Database, search: SavedSearch, clock: Any) -> Offer:
    """An offer the search finds while nobody looks."""
    offer = make.offer(db, make.seller(db).expert, title="Des compteurs refusés")
    with db.transaction() as tx:
        index_offer(tx, offer.id)
        tx.session.add(SavedSearchFind(search_id=search.id, offer_id=offer.id, found_at=clock()))
    return offer


def test_the_results_page_saves_what_its_address_says(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    here = browser(lead.person)
    page = here.get("/en/offers?q=meters&language=fr&minutes=180&sort=price&after=x&junk=1").text
    form = page[page.index('action="/en/saved-searches"') :].split("</form>")[0]
    for name, value in (("q", "meters"), ("language", "fr"), ("minutes", "180"), ("sort", "price")):
        assert f'name="{name}" value="{value}"' in form
    assert "junk" not in form
    answer = send(
        here, "/en/saved-searches", {"q": "meters", "language": "fr", "minutes": "180", "sort": "price"}
    )
    assert (answer.status_code, answer.location) == (303, "/en/saved-searches")
    (search,) = saved(db)
    assert (search.name, search.query, search.ordered_by) == ("meters", "meters", "price")
    assert search.filters == [["language", "fr"], ["minutes", "180"]]
    again = here.get(f"/en/saved-searches/{search.id}")
    assert again.status_code == 303
    for part in ("q=meters", "language=fr", "minutes=180", "sort=price"):
        assert part in again.location
    assert here.get(again.location).status_code == 200


@pytest.mark.parametrize(
    ("typed", "language", "name"),
    [
        ({"q": "x" * 200}, "en", "x" * 79 + "…"),
        ({"q": "  Nos\n compteurs "}, "fr", "Nos compteurs"),
        (
            {"language": "fr", "minutes": "180", "price_max": "900"},
            "en",
            "French, 3\u202fh, Up to €900 excl. VAT",
        ),
        ({"format": "remote", "rating": "4"}, "fr", "En visio, Noté 4 sur 5 ou plus"),
        ({"from": "2026-12-01", "to": "2026-12-04"}, "en", "Free from 1 December 2026 to 4 December 2026"),
        ({}, "fr", "Tous les récits"),
        ({"rating": "99", "topic": "' or 1=1"}, "fr", "Tous les récits"),
    ],
)
def test_it_names_itself(
    db: Database, browser: Browser, lead: make.Lead, typed: dict[str, str], language: str, name: str
) -> None:
    assert send(browser(lead.person), f"/{language}/saved-searches", typed).status_code == 303
    assert [search.name for search in saved(db)] == [name]


def test_what_is_new_is_listed_until_it_is_opened(
    db: Database, browser: Browser, lead: make.Lead, clock: Any
) -> None:
    here = browser(lead.person)
    send(here, "/en/saved-searches", {"q": "compteurs"})
    (search,) = saved(db)
    assert "Nothing new since" in here.get("/en/saved-searches").text
    clock.move(timedelta(hours=1))
    offer = found(db, search, clock)
    page = here.get("/fr/saved-searches").text
    assert "1 nouvelle depuis votre dernière visite" in page
    assert f"/fr/offers/{offer.slug}" in page
    here.get(f"/en/saved-searches/{search.id}")
    assert "Nothing new since" in here.get("/en/saved-searches").text


def test_by_mail_or_not_and_deleted(db: Database, browser: Browser, lead: make.Lead, clock: Any) -> None:
    here = browser(lead.person)
    send(here, "/en/saved-searches", {"q": "compteurs"})
    (search,) = saved(db)
    found(db, search, clock)
    for frequency in ("weekly", "off", "daily"):
        address = f"/en/saved-searches/{search.id}/frequency"
        assert send(here, address, {"frequency": frequency}).status_code == 303
        assert saved(db)[0].frequency == frequency
    assert send(here, f"/en/saved-searches/{search.id}/frequency", {"frequency": "x"}).status_code == 404
    other = browser(make.lead(db).person)
    for deed in ("frequency", "delete"):
        assert send(other, f"/en/saved-searches/{search.id}/{deed}", {"frequency": "off"}).status_code == 404
    assert other.get(f"/en/saved-searches/{search.id}").status_code == 404
    assert here.get(f"/en/saved-searches/{uuid.uuid4()}").status_code == 404
    assert send(here, f"/en/saved-searches/{search.id}/delete").status_code == 303
    assert saved(db) == []


def test_the_twenty_first_is_refused_with_words(db: Database, browser: Browser, lead: make.Lead) -> None:
    for number in range(saved_searches.MOST):
        saved_searches.save(
            db, lead.actor, name=f"n{number}", query=f"mot {number}", filters=NONE, order="fit"
        )
    here = browser(lead.person)
    assert send(here, "/en/saved-searches", {"q": "encore"}).status_code == 303
    assert "You can keep 20 searches: delete one first." in here.get("/en/saved-searches").text
    assert len(saved(db)) == saved_searches.MOST


def test_the_list_costs_the_same_whatever_it_holds(
    db: Database, browser: Browser, lead: make.Lead, clock: Any, count_queries: Any
) -> None:
    here = browser(lead.person)
    costs = []
    for number in range(3):
        search = saved_searches.save(
            db, lead.actor, name="n", query=f"mot {number}", filters=NONE, order="fit"
        )
        clock.move(timedelta(hours=1))
        found(db, search, clock)
        with count_queries() as counted:
            assert here.get("/en/saved-searches").status_code == 200
        costs.append(counted.number)
    assert len(set(costs)) == 1


def test_the_mails_one_click_ends_saved_searches_too(
    db: Database, client: FlaskClient, browser: Browser, lead: make.Lead
) -> None:
    saved_searches.save(db, lead.actor, name="n", query="mot", filters=NONE, order="fit")
    with db.transaction() as tx:
        token = letters.mail_token(tx, lead.person.id)
    assert "Switch it off" in client.get(f"/en/unsubscribe/{token}").text
    assert [search.frequency for search in saved(db)] == ["daily"]
    answer = client.post(f"/en/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert [search.frequency for search in saved(db)] == ["off"]
