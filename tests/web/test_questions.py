"""Asking before booking, page by page: what one may send, what comes back, who sees it where."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.domain.contacts import MASK
from marketplace.services import questions, search
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.questions import Question
from tests import factories as make
from tests.clock import FakeClock
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
TYPED = {"summary": "Des locataires refusent la pose.", "first": "Déjà fait en ville ?", "token": "t"}


@pytest.fixture
def lead(db: Database) -> make.Lead:
    return make.lead(db)


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


def test_only_who_may_ask_is_led_to_asking_and_publishing(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller
) -> None:
    offer = make.offer(db, make.seller(db).expert)
    ways = {f"/en/offers/{offer.slug}": "/question", "/en/offers?q=x": "/en/enquiries/new"}
    for address, way in ways.items():
        assert way in browser(lead.person).get(address).text
        assert way in browser(None).get(address).text
        assert (
            way not in browser(seller.person).get(address).text
        )  # It would lead to a page that is not theirs.


def test_from_an_offers_page_to_the_answer_on_both_bookings(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller
) -> None:
    offer = make.offer(db, seller.expert)
    here, there = browser(lead.person), browser(seller.person)
    assert f'href="/en/offers/{offer.slug}/question"' in here.get(f"/en/offers/{offer.slug}").text
    form = here.get(f"/en/offers/{offer.slug}/question")
    assert form.status_code == 200
    sent = send(here, f"/en/offers/{offer.slug}/question", TYPED | {"second": "Sur x@eaux.fr ?"})
    assert sent.status_code == 303
    page = here.get(sent.location)
    assert "Déjà fait en ville ?" in page.text
    assert MASK in page.text
    assert "contact details were taken out" in page.text
    assert "x@eaux.fr" not in page.text

    address = sent.location.replace("/en/", "/en/expert/")
    assert address in there.get("/en/expert/").text
    assert address in there.get("/en/expert/questions").text
    assert "Foncière Calvière" in there.get(address).text
    assert lead.person.name not in there.get(address).text
    answered = send(there, address, {"verdict0": "partly", "words0": "En périphérie.", "verdict1": "no"})
    assert (answered.status_code, answered.location) == (303, address)
    assert "En périphérie." in here.get(sent.location).text
    assert "Answered" in here.get("/en/questions").text

    made = make.booking(db, state="requested", by=lead, of=seller, offer_of=offer)
    with db.reading() as session:
        reference = session.get_one(Booking, made.id).reference
    for client, path in ((here, "bookings"), (there, "expert/bookings")):
        booked = client.get(f"/en/{path}/{reference}").text
        assert "Asked before booking" in booked
        assert "En périphérie." in booked


def test_what_is_missing_stands_at_its_field_and_what_was_typed_stays(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller
) -> None:
    offer = make.offer(db, seller.expert)
    answer = send(
        browser(lead.person), f"/en/offers/{offer.slug}/question", {"summary": "x" * 601, "second": "Deux ?"}
    )
    assert answer.status_code == 422
    assert "At most 600 characters." in answer.text
    assert 'id="first-error"' in answer.text
    assert 'value="Deux ?"' in answer.text
    assert "x" * 601 in answer.text


def test_limits_and_pauses_are_said_with_what_was_typed(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller
) -> None:
    offer = make.offer(db, seller.expert)
    for _ in range(3):
        make.question(db, by=lead)
    here, address = browser(lead.person), f"/en/offers/{offer.slug}/question"
    full = send(here, address, TYPED)
    assert full.status_code == 409
    assert "You have 3 open questions" in full.text
    assert TYPED["summary"] in full.text
    other, theirs = browser(make.lead(db).person), browser(seller.person)
    assert send(theirs, "/en/expert/questions", {"per_week": "0"}).status_code == 422
    assert send(theirs, "/en/expert/questions", {"per_week": "1", "paused": "y"}).status_code == 303
    assert "takes no questions just now" in other.get(address).text
    assert send(other, address, TYPED).status_code == 409
    assert "Takes no questions just now" in other.get(f"/en/offers/{offer.slug}").text


def test_ones_own_offer_is_not_asked_about(db: Database, browser: Browser, seller: make.Seller) -> None:
    offer = make.offer(db, seller.expert)
    colleague = make.lead(db, domain=seller.person.email.rpartition("@")[2])
    assert send(browser(colleague.person), f"/en/offers/{offer.slug}/question", TYPED).status_code == 422


def test_not_me_but_another_offer_by_choice_and_by_address(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller
) -> None:
    offer = make.offer(db, seller.expert)
    better = make.offer(
        db, make.seller(db, name="Jonas Meier").expert, title="Locataires qui refusent la pose", language="fr"
    )
    with db.transaction() as tx:
        search.index_offer(tx, better.id)
    there = browser(seller.person)
    for number, given in enumerate(
        (
            {"named": str(better.id)},
            {"named": "other", "address": f"https://site.test/fr/offers/{better.slug}?q=x"},
        )
    ):
        made = make.question(db, by=lead, of=seller, offer_of=offer)
        address = f"/en/expert/questions/{made.id}"
        assert "Locataires qui refusent la pose, Jonas Meier" in there.get(address).text
        for wrong in (
            {},
            {"named": "other", "address": "nowhere"},
            {"named": "other", "address": offer.slug},
        ):
            refused = send(there, f"{address}/pass-on", wrong)
            assert refused.status_code == 422, (number, wrong)
        assert send(there, f"{address}/pass-on", given | {"words": "Il l’a fait."}).status_code == 303
        page = browser(lead.person).get(f"/en/questions/{made.id}").text
        assert better.slug in page
        assert "Il l’a fait." in page


def test_too_late_is_said_on_its_page(
    db: Database, browser: Browser, clock: FakeClock, seller: make.Seller
) -> None:
    made = make.question(db, of=seller)
    there = browser(seller.person)
    clock.move(timedelta(days=2))
    sent = send(there, f"/en/expert/questions/{made.id}", {"verdict0": "yes"}, follow_redirects=True)
    assert "The 48 hours to answer are over." in sent.text
    questions.run_clock(db)
    assert "answer rate" in there.get(f"/en/expert/questions/{made.id}").text


def test_a_rate_stands_at_the_offer_from_three_on(
    db: Database, browser: Browser, clock: FakeClock, client: FlaskClient, seller: make.Seller
) -> None:
    offer = make.offer(db, seller.expert)
    made = [make.question(db, of=seller, offer_of=offer).id for _ in range(3)]
    for question_id in made[:2]:
        questions.answer(db, seller.actor, question_id=question_id, answers=[("yes", "")])
    assert "within 48 hours<" not in client.get(f"/en/offers/{offer.slug}").text
    clock.move(timedelta(days=2))
    questions.run_clock(db)
    page = re.sub(r"\s+", " ", client.get(f"/en/offers/{offer.slug}").text)
    assert "Answered 2 of 3 questions within 48 hours" in page


def test_what_somebody_wrote_is_text(db: Database, browser: Browser, seller: make.Seller) -> None:
    made = make.question(db, of=seller, summary="<b>x</b>{{7*7}}", asked=("<script>alert(1)</script>?",))
    page = browser(seller.person).get(f"/fr/expert/questions/{made.id}").text
    assert "<script>alert" not in page
    assert "&lt;b&gt;x&lt;/b&gt;{{7*7}}" in page


def test_to_others_there_is_none(db: Database, browser: Browser) -> None:
    made = make.question(db)
    for who in (make.lead(db).person, make.seller(db).person):
        for path in (f"/en/questions/{made.id}", f"/en/expert/questions/{made.id}"):
            assert browser(who).get(path).status_code == 404
        sent = send(browser(who), f"/en/expert/questions/{made.id}/pass-on", {"named": "other"})
        assert sent.status_code == 404
    with db.reading() as session:
        assert session.get_one(Question, made.id).state == "open"
