"""Enquiries, page by page: published, invited, answered, taken; and the daily mail's one-click way out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.services import bookings, enquiries, letters, search
from marketplace.storage.db import Database
from marketplace.storage.enquiries import Enquiry, EnquiryProposal
from marketplace.storage.offers import Offer
from tests import factories as make
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
WORDS = "Des locataires refusent la pose des compteurs"
TYPED = {"title": "Compteurs refusés", "summary": WORDS, "details": "Quartier des Tanneurs", "token": "t"}
SLOT = re.compile(r'<option value="(2026-[^"]+)"')
CHOICE = re.compile(r'name="choice" value="([^"]+)"')


@pytest.fixture
def lead(db: Database) -> make.Lead:
    return make.lead(db)


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


@pytest.fixture
def offer(db: Database, seller: make.Seller) -> Offer:
    made = make.offer(db, seller.expert, title=WORDS, problem=WORDS)
    with db.transaction() as tx:
        search.index_offer(tx, made.id)
    return made


def yes(page: str, **more: str) -> dict[str, str]:
    """A whole answer, with slots of the page."""
    slots = list(dict.fromkeys(SLOT.findall(page)))
    return {
        "price": "990,50", "first": slots[0], "second": slots[20], "place": "https://meet.example.com/x",
        "words": "Je l’ai fait.", "charter": "y", "confidentiality": "y", "conflict": "y",
    } | more  # fmt: skip


def test_from_the_results_to_a_confirmed_brief(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller, offer: Offer
) -> None:
    here, there = browser(lead.person), browser(seller.person)
    assert 'href="/en/enquiries/new?q=refus"' in here.get("/en/offers?q=refus").text
    assert WORDS in here.get(f"/en/enquiries/new?q={WORDS}").text
    sent = send(here, "/en/enquiries/new", TYPED)
    assert sent.status_code == 303
    mine = sent.location
    theirs = mine.replace("/en/", "/en/expert/")
    assert "No proposal yet" in here.get(mine).text
    assert mine in here.get("/en/enquiries").text

    closed = there.get(theirs).text
    assert WORDS in closed
    assert "Tanneurs" not in closed
    assert lead.company.name not in closed
    assert send(here, f"{mine}/invite", {"expert": str(seller.expert.id)}).status_code == 303
    assert theirs in there.get("/en/expert/").text
    open_to_them = there.get(theirs).text
    assert "Tanneurs" in open_to_them
    assert lead.company.name in open_to_them
    assert lead.person.name not in open_to_them

    assert send(there, theirs, yes(open_to_them)).status_code == 303
    assert "Your proposal" in there.get(theirs).text
    page = here.get(mine).text
    assert "€990.50" in page
    choice = CHOICE.search(page)
    assert choice
    taken = send(here, f"{mine}/take", {"choice": choice[1], "token": "t"})
    assert taken.status_code == 303
    assert taken.location.endswith("/brief")
    brief = here.get(taken.location)
    assert brief.status_code == 200
    assert "will read this before the session" in brief.text
    assert "Add 15 minutes" not in brief.text
    assert "Compteurs refusés" in brief.text
    assert "A proposal was taken" in here.get(mine).text
    assert send(here, f"{mine}/withdraw").status_code == 409


def test_what_is_missing_stands_at_its_field_and_what_was_typed_stays(
    browser: Browser, lead: make.Lead, seller: make.Seller, offer: Offer, db: Database
) -> None:
    refused = send(browser(lead.person), "/en/enquiries/new", {"details": "Quartier des Tanneurs"})
    assert refused.status_code == 422
    assert 'id="title-error"' in refused.text
    assert "Quartier des Tanneurs" in refused.text
    made = make.enquiry(db, by=lead)
    there, address = browser(seller.person), f"/en/expert/enquiries/{made.id}"
    whole = yes(there.get(address).text)
    for wrong, said in (
        ({"price": "12"}, "Between 200 and 20,000 euros."),
        ({"price": "x"}, 'id="price-error"'),
        ({"second": whole["first"]}, "Choose two or three different slots."),
        ({"second": "2026-12-01T03:00:00+00:00"}, 'id="second-error"'),
        ({"place": "http://x"}, "https"),
        ({"conflict": ""}, "declar"),
    ):
        answer = send(there, address, {k: v for k, v in (whole | wrong).items() if v})
        assert answer.status_code == 422, wrong
        assert said in answer.text, wrong
        assert "Je l’ai fait." in answer.text


def test_another_offer_is_chosen_by_the_address(
    db: Database, browser: Browser, seller: make.Seller, offer: Offer
) -> None:
    other = make.offer(db, seller.expert, title="Une autre séance", minutes=240, price_minor=250_000)
    made = make.enquiry(db)
    near = make.enquiry(db, summary=WORDS)
    assert f"?offer={offer.slug}" in browser(seller.person).get(f"/en/expert/enquiries/{near.id}").text
    page = browser(seller.person).get(f"/en/expert/enquiries/{made.id}?offer={other.slug}").text
    assert 'value="2500.00"' in page
    assert f"?offer={other.slug}" in page


def test_a_closed_enquiry_promises_no_more_mails(db: Database, browser: Browser, lead: make.Lead) -> None:
    mine = f"/en/enquiries/{make.enquiry(db, by=lead).id}"
    here = browser(lead.person)
    assert "You get a mail each time." in here.get(mine).text
    assert send(here, f"{mine}/withdraw").status_code == 303
    assert "You get a mail each time." not in here.get(mine).text


def test_slots_to_choose_from_are_words_alone(
    db: Database, browser: Browser, seller: make.Seller, offer: Offer
) -> None:
    made = make.enquiry(db)
    page = browser(seller.person).get(f"/fr/expert/enquiries/{made.id}?offer={offer.slug}").text
    # Sixty days hold a first of a month: its "er" cannot be raised in an option.
    assert re.search(r"<option[^>]*>[a-z]+ 1er [^<&]+</option>", page)
    assert "&lt;" not in page


def test_an_expert_without_an_offer_reads_and_is_told_why_not(db: Database, browser: Browser) -> None:
    made = make.enquiry(db)
    page = browser(make.seller(db).person).get(f"/en/expert/enquiries/{made.id}")
    assert "You need a published offer to answer." in page.text
    unpaid = make.seller(db, account_status="restricted")
    make.offer(db, unpaid.expert)
    page = browser(unpaid.person).get(f"/en/expert/enquiries/{made.id}")
    assert "your payout account is not active" in page.text


def test_a_slot_lost_meanwhile_is_said_and_the_enquiry_stays(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller, offer: Offer
) -> None:
    made = make.enquiry(db, by=lead)
    there = browser(seller.person)
    address = f"/en/expert/enquiries/{made.id}"
    send(there, address, yes(there.get(address).text))
    here = browser(lead.person)
    choice = CHOICE.search(here.get(f"/en/enquiries/{made.id}").text)
    assert choice
    start = datetime.fromisoformat(choice[1].partition("/")[2])
    bookings.hold(db, make.lead(db).actor, offer=offer.id, start=start, format="remote", token="t")
    answer = send(here, f"/en/enquiries/{made.id}/take", {"choice": choice[1]})
    assert answer.status_code == 409
    assert "This slot has just been taken." in answer.text
    with db.reading() as session:
        assert session.get_one(Enquiry, made.id).state == "open"
        proposal = session.query(EnquiryProposal).one()
    for junk in (
        "x",
        f"{proposal.id}/x",
        f"{proposal.id}/2026-12-01T10:00",
        f"{uuid.uuid4()}/{start.isoformat()}",
    ):
        assert send(here, f"/en/enquiries/{made.id}/take", {"choice": junk}).status_code == 404, junk
    assert send(here, f"/en/enquiries/{made.id}/take").status_code == 422


def test_to_others_it_does_not_exist(
    db: Database, browser: Browser, seller: make.Seller, offer: Offer
) -> None:
    made = make.enquiry(db)
    for who in (make.lead(db).person, seller.person):
        here = browser(who)
        assert here.get(f"/en/enquiries/{made.id}").status_code == 404
        for act in ("invite", "take", "withdraw"):
            assert send(here, f"/en/enquiries/{made.id}/{act}", {"choice": "x"}).status_code == 404
    with db.transaction() as tx:
        tx.session.get_one(Enquiry, made.id).state = "withdrawn"
        row = tx.session.get_one(Enquiry, made.id)
        row.deadline, row.closed_at = None, tx.now
    assert browser(seller.person).get(f"/en/expert/enquiries/{made.id}").status_code == 404
    applying = make.seller(db, status="applying")
    assert browser(applying.person).get("/en/expert/enquiries").status_code == 404


def test_the_daily_mail_ends_in_one_click_signed_in_or_not(
    db: Database, client: FlaskClient, browser: Browser, seller: make.Seller
) -> None:
    with db.transaction() as tx:
        token = letters.mail_token(tx, seller.person.id)

    def on() -> bool:
        with db.reading() as session:
            return enquiries.mails_on(session, seller.expert.id)

    page = client.get(f"/fr/unsubscribe/{token}")
    assert page.status_code == 200
    assert on()
    # As a mail reader sends it: no cookie, no token of a form, another origin.
    answer = client.post(
        f"/fr/unsubscribe/{token}",
        data={"List-Unsubscribe": "One-Click"},
        headers={"Origin": "https://mail.example"},
    )
    assert answer.status_code == 200
    assert not on()
    assert client.post(f"/fr/unsubscribe/{token}").status_code == 200
    for wrong in ("x" * 22, token[:-1], "%00"):
        assert client.post(f"/fr/unsubscribe/{wrong}").status_code in (400, 404)
    here = browser(seller.person)
    assert "The daily mail is off." in here.get("/en/expert/enquiries").text
    assert send(here, "/en/expert/enquiries/mails", {"mails": "on"}).status_code == 303
    assert on()


def test_lists_cost_the_same_whatever_they_hold(
    db: Database, browser: Browser, lead: make.Lead, seller: make.Seller, count_queries: Any, clock: Any
) -> None:
    here, there = browser(lead.person), browser(seller.person)

    def cost() -> tuple[int, int]:
        with count_queries() as mine:
            assert here.get("/en/enquiries").status_code == 200
        with count_queries() as theirs:
            assert there.get("/en/expert/enquiries").status_code == 200
        return mine.number, theirs.number

    make.enquiry(db, by=lead)
    before = cost()
    for _ in range(22):
        clock.move(timedelta(seconds=1))
        make.enquiry(db)
    assert cost() == before
    assert 'rel="next"' in there.get("/en/expert/enquiries").text
