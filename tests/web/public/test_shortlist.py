"""A shortlist: kept by its owner, read by whoever has the link, until it is taken back; and offers compared."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.domain.errors import NotFound, ShortlistFull
from marketplace.services import shortlists
from marketplace.services.search import index_offer
from marketplace.storage.db import Database, connect
from marketplace.storage.offers import Offer
from tests import factories as make
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]


def link_of(text: str) -> str:
    found = re.search(r"http://localhost:8000(/en/shared/[\w-]{43})", text)
    assert found
    return found[1]


def test_an_offer_is_kept_shared_and_dropped(client: FlaskClient, db: Database, browser: Browser) -> None:
    lead, offer = make.lead(db), make.offer(db, make.seller(db).expert, title="Compter les litres")
    here = browser(lead.person)
    assert "Keep for later" in here.get(f"/en/offers/{offer.slug}").text
    for _ in range(2):
        assert send(here, f"/en/shortlist/{offer.slug}/keep").status_code == 303
    page = here.get("/en/shortlist").text
    assert page.count('class="hit"') == 1
    assert "On your shortlist" in here.get(f"/en/offers/{offer.slug}").text
    address = link_of(send(here, "/en/shortlist/share").text)
    read = client.get(address)
    assert "Compter les litres" in read.text
    assert "Take off the list" not in read.text
    assert "noindex" in read.text
    send(here, f"/en/shortlist/{offer.slug}/drop")
    assert "Compter les litres" not in client.get(address).text


def test_a_new_link_ends_the_old_one_and_one_can_end_it(
    client: FlaskClient, db: Database, browser: Browser
) -> None:
    here = browser(make.lead(db).person)
    first = link_of(send(here, "/en/shortlist/share").text)
    second = link_of(send(here, "/en/shortlist/share").text)
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    send(here, "/en/shortlist/end-sharing")
    assert client.get(second).status_code == 404


def test_the_link_of_a_suspended_person_leads_nowhere(
    client: FlaskClient, db: Database, browser: Browser
) -> None:
    lead = make.lead(db)
    address = link_of(send(browser(lead.person), "/en/shortlist/share").text)
    with db.transaction() as tx:
        tx.session.get_one(type(lead.person), lead.person.id).suspended_at = tx.now
    assert client.get(address).status_code == 404


def test_what_is_no_longer_offered_is_counted_not_shown(db: Database, browser: Browser) -> None:
    lead, offer = make.lead(db), make.offer(db, make.seller(db).expert, title="Compter les litres")
    shortlists.keep(db, lead.actor, offer.id)
    with db.transaction() as tx:
        tx.session.get_one(Offer, offer.id).status = "closed"
    page = browser(lead.person).get("/en/shortlist").text
    assert "Compter les litres" not in page
    assert "1 offer on this list is no longer there" in page
    with pytest.raises(NotFound):
        shortlists.keep(db, lead.actor, offer.id)


def test_a_full_list_says_so(db: Database, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.setattr(shortlists, "MOST", 1)
    lead, expert = make.lead(db), make.seller(db).expert
    shortlists.keep(db, lead.actor, make.offer(db, expert).id)
    more = make.offer(db, expert)
    with pytest.raises(ShortlistFull):
        shortlists.keep(db, lead.actor, more.id)
    answer = send(browser(lead.person), f"/en/shortlist/{more.slug}/keep")
    assert answer.status_code == 303


def test_windows_at_once_never_pass_the_limit(own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlists, "MOST", 3)
    engine = connect(own_url)
    from tests.clock import FakeClock

    db = Database(engine, clock=FakeClock())
    lead, expert = make.lead(db), make.seller(db).expert
    offers = [make.offer(db, expert).id for _ in range(8)]
    refused: list[int] = []

    def add(offer_id: Any) -> None:
        try:
            shortlists.keep(db, lead.actor, offer_id)
        except ShortlistFull:
            refused.append(1)

    threads = [threading.Thread(target=add, args=(one,)) for one in offers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        kept = shortlists.of_person(session, lead.person.id)
    engine.dispose()
    assert (len(kept.lines), len(refused)) == (3, 5)


def test_results_let_one_tick_what_is_compared(client: FlaskClient, db: Database) -> None:
    expert = make.seller(db).expert
    made = [make.offer(db, expert, title=f"Titre {n}") for n in range(3)]
    with db.transaction() as tx:
        for one in made:
            index_offer(tx, one.id)
    slugs = {one.slug for one in made}
    page = client.get("/en/offers").text
    (form,) = re.findall(r'<form class="compare-bar[^>]*id="(\w+)" method="get" action="/en/compare"', page)
    assert set(re.findall(rf'type="checkbox" form="{form}" name="offer" value="([^"]+)"', page)) == slugs


def test_two_to_four_are_compared(client: FlaskClient, db: Database, count_queries: Any) -> None:
    expert = make.seller(db).expert
    slugs = [make.offer(db, expert, title=f"Titre {n}").slug for n in range(6)]
    one = client.get("/en/compare", query_string={"offer": slugs[0]})
    assert (one.status_code, "Choose at least two" in one.text) == (200, True)
    with count_queries() as two:
        page = client.get("/en/compare", query_string={"offer": slugs[:2]}).text
    assert "Titre 0" in page
    assert "Titre 1" in page
    with count_queries() as many:
        page = client.get("/en/compare", query_string={"offer": slugs}).text
    assert "Titre 3" in page
    assert "Titre 4" not in page
    assert "At most four" in page
    assert two.number == many.number
    assert (
        client.get("/en/compare", query_string={"offer": ["x", "'; drop table offers", "🙂"]}).status_code
        == 200
    )
