"""Where no slot suits, page by page: waiting for one, proposing three times, and the expert's answer."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.services import queues
from marketplace.storage.db import Database
from marketplace.storage.queues import AskedTimes, QueuePlace
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_queues import SLOT, full, later, let_go
from tests.web.conftest import send

__all__ = ["later"]
Browser = Callable[[Any], FlaskClient]
DAYS = {"first": "2026-12-11", "last": "2026-12-11", "token": "t"}
# The reader's clock is that of Paris.
TYPED = {
    "first": "2026-12-05T10:30", "second": "2026-12-08T20:30", "third": "2026-12-11T00:30",
    "words": "Nous sommes à Nouméa.", "token": "t",
}  # fmt: skip
YES = {"place": "https://meet.example.com/x", "charter": "y", "confidentiality": "y", "conflict": "y"}


@pytest.fixture
def lead(db: Database) -> make.Lead:
    return make.lead(db, zone="Europe/Paris")


def test_from_a_full_offer_to_the_slot_that_frees(db: Database, browser: Browser, lead: make.Lead) -> None:
    seller, offer, held = full(db)
    here = browser(lead.person)
    slots = here.get(f"/en/offers/{offer.slug}/slots").text
    assert "Every slot is taken" in slots
    assert f'href="/en/offers/{offer.slug}/queue"' in slots
    assert here.get(f"/en/offers/{offer.slug}/queue").status_code == 200
    sent = send(here, f"/en/offers/{offer.slug}/queue", DAYS)
    assert (sent.status_code, sent.location) == (303, "/en/places")
    assert "Waiting" in here.get("/en/places").text
    assert "You wait for this session" in here.get(f"/en/offers/{offer.slug}/slots").text
    let_go(db, held)
    queues.serve(db, seller.expert.id)
    page = here.get("/en/places").text
    assert "Your turn, until" in page
    assert "Take the slot" in page


def test_a_place_is_left_by_its_own_lead_alone(db: Database, browser: Browser, lead: make.Lead) -> None:
    place = make.place(db, by=lead)
    address = f"/en/places/{place.id}/leave"
    assert send(browser(make.lead(db).person), address, {}).status_code == 404
    here = browser(lead.person)
    assert send(here, address, {}).status_code == 303
    assert "Left" in here.get("/en/places").text
    with db.reading() as session:
        assert session.get_one(QueuePlace, place.id).state == "left"


def test_days_that_make_no_sense_are_said_at_the_field_and_stay(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    _seller, offer, _held = full(db)
    here, address = browser(lead.person), f"/en/offers/{offer.slug}/queue"
    wrong = send(here, address, DAYS | {"last": "2026-12-01"})
    assert wrong.status_code == 422
    assert "The last day comes before the first." in wrong.text
    assert 'id="last-error"' in wrong.text
    assert 'value="2026-12-11"' in wrong.text
    for junk in ({}, {"first": "x", "last": "9999-99-99"}, {"first": "0001-01-01", "last": "9999-12-31"}):
        assert send(here, address, junk).status_code == 422


def test_where_a_slot_is_free_it_is_shown_instead(db: Database, browser: Browser, lead: make.Lead) -> None:
    offer = make.offer(db, make.seller(db).expert)
    here = browser(lead.person)
    assert f"/en/offers/{offer.slug}/queue" not in here.get(f"/en/offers/{offer.slug}/slots").text
    free = send(here, f"/en/offers/{offer.slug}/queue", DAYS)
    assert free.status_code == 422
    assert "A slot is free already" in free.text
    assert f"/en/offers/{offer.slug}/slots?slot=" in free.text


def test_who_has_a_later_session_may_wait_for_an_earlier_one(
    db: Database,
    browser: Browser,
    later: tuple[make.Seller, make.Offer, make.Made, make.Made],
) -> None:
    seller, offer, held, booked = later
    here = browser(booked.lead.person)
    sent = send(here, f"/en/offers/{offer.slug}/queue", DAYS)
    assert sent.status_code == 303
    let_go(db, held)
    assert f"/en/offers/{offer.slug}/queue" not in here.get(f"/en/offers/{offer.slug}/slots").text
    queues.serve(db, seller.expert.id)
    assert "Proposed in place of your session" in here.get("/en/places").text


def picked(page: str) -> list[str]:
    return re.findall(r'name="slot" value="([^"]+)" checked', page)


def test_the_slot_that_is_free_is_chosen_where_its_link_leads(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    offer = make.offer(db, make.seller(db).expert)
    here = browser(lead.person)
    free = send(here, f"/en/offers/{offer.slug}/queue", DAYS).text
    link = re.search(rf'href="(/en/offers/{offer.slug}/slots\?slot=[^"]+)"', free)
    assert link
    assert picked(here.get(html.unescape(link[1])).text) == ["2026-12-11T07:00:00+00:00"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "in place of your session:"), ("fr", "à la place de votre séance")]
)
def test_who_has_a_later_session_is_led_to_another_time_for_it(
    db: Database,
    browser: Browser,
    later: tuple[make.Seller, make.Offer, make.Made, make.Made],
    language: str,
    words: str,
) -> None:
    _seller, offer, held, booked = later
    here = browser(booked.lead.person)
    let_go(db, held)
    free = send(here, f"/{language}/offers/{offer.slug}/queue", DAYS)
    assert free.status_code == 422
    assert words in free.text
    assert f"/offers/{offer.slug}/slots?slot=" not in free.text
    reference = make.read(db, booked).reference
    link = re.search(rf'href="(/{language}/bookings/{reference}/reschedule\?slot=[^"]+)"', free.text)
    assert link
    assert picked(here.get(html.unescape(link[1])).text) == [SLOT.isoformat()]


def test_from_three_times_to_the_hold(db: Database, browser: Browser, lead: make.Lead) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    here, there = browser(lead.person), browser(seller.person)
    assert f'href="/en/offers/{offer.slug}/times"' in here.get(f"/en/offers/{offer.slug}/slots").text
    assert here.get(f"/en/offers/{offer.slug}/times").status_code == 200
    sent = send(here, f"/en/offers/{offer.slug}/times", TYPED)
    assert (sent.status_code, sent.location) == (303, "/en/places")
    with db.reading() as session:
        asked = session.query(AskedTimes).one()
    assert asked.starts == make.ASKED
    address = f"/en/expert/times/{asked.id}"
    assert address in there.get("/en/expert/").text
    assert address in there.get("/en/expert/times").text
    page = there.get(address).text
    assert "Nous sommes à Nouméa." in page
    assert "Foncière Calvière" in page
    assert lead.person.name not in page
    taken = send(there, address, YES | {"start": make.ASKED[1].isoformat()})
    assert (taken.status_code, taken.location) == (303, address)
    assert "You took one of them" in there.get(address).text
    mine = here.get("/en/places").text
    assert "One is taken" in mine
    held = make.Made(asked.id, lead, seller, offer)
    with db.reading() as session:
        reference = session.get_one(AskedTimes, held.id).booking_id
    assert reference is not None
    # A second yes, from a page left open, is told what stands.
    assert send(there, address, YES | {"start": make.ASKED[2].isoformat()}).status_code in (303, 422)


def test_what_is_wrong_with_a_time_stands_at_it(db: Database, browser: Browser, lead: make.Lead) -> None:
    offer = make.offer(db, make.seller(db).expert)
    here, address = browser(lead.person), f"/en/offers/{offer.slug}/times"
    soon = send(here, address, TYPED | {"second": "2026-11-25T10:00"})
    assert soon.status_code == 422
    assert 'id="second-error"' in soon.text
    assert "the expert needs time to answer" in soon.text
    assert "Nous sommes à Nouméa." in soon.text
    same = send(here, address, TYPED | {"second": TYPED["first"]})
    assert "Propose three different times." in same.text
    for junk in (
        {},
        TYPED | {"first": "x"},
        TYPED | {"first": "0001-01-01T00:00"},
        TYPED | {"words": "x" * 601},
    ):
        assert send(here, address, junk).status_code == 422


def test_the_expert_declines_with_words_that_the_lead_reads(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, by=lead, of=seller)
    there = browser(seller.person)
    address = f"/en/expert/times/{asked.id}/decline"
    assert send(there, address, {"words": " "}).status_code == 422
    assert send(browser(make.seller(db).person), address, {"words": "w"}).status_code == 404
    assert send(there, address, {"words": "Je suis à Séoul."}).status_code == 303
    assert "Je suis à Séoul." in browser(lead.person).get("/en/places").text


def test_a_yes_without_declarations_or_place_keeps_what_was_typed(db: Database, browser: Browser) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, of=seller)
    there, address = browser(seller.person), f"/en/expert/times/{asked.id}"
    bare = send(there, address, {"start": make.ASKED[0].isoformat(), "place": "https://meet.example.com/x"})
    assert bare.status_code == 422
    assert "https://meet.example.com/x" in bare.text
    wrong = send(there, address, YES | {"start": make.ASKED[0].isoformat(), "place": "nowhere"})
    assert wrong.status_code == 422
    assert 'id="place-error"' in wrong.text
    assert send(there, address, YES | {"start": "x"}).status_code == 422


def test_who_withdraws_asks_no_more(
    db: Database, browser: Browser, clock: FakeClock, lead: make.Lead
) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, by=lead, of=seller)
    here = browser(lead.person)
    assert send(here, f"/en/times/{asked.id}/withdraw", {}).status_code == 303
    assert "Withdrawn" in here.get("/en/places").text
    assert "Take one of them" not in browser(seller.person).get(f"/en/expert/times/{asked.id}").text
    late = make.asked_times(db, by=lead, of=seller)
    clock.move(timedelta(hours=72))
    queues.run_times_clock(db)
    assert send(here, f"/en/times/{late.id}/withdraw", {}).status_code == 303
    assert "Not answered" in here.get("/en/places").text
