"""The desk at the door: pages of people and offers, the one box, the journal, and what is laid on somebody."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.services.people import write_audit
from marketplace.storage.db import Database
from marketplace.storage.moderation import DECISIONS, Restriction
from marketplace.storage.offers import Offer
from marketplace.storage.people import AuditRow, LogIn, Person
from marketplace.storage.reviews import Review
from marketplace.web.formats.acts import ACTS
from tests import factories as make
from tests.house.sources import sources
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def boss(db: Database) -> Person:
    return make.person(db, name="Odile Marchal", operator=True)


@pytest.fixture
def desk(browser: Browser, boss: Person) -> FlaskClient:
    return browser(boss)


@pytest.fixture
def made(db: Database) -> make.Made:
    return make.booking(db, state="confirmed")


def said(db: Database, made: make.Made) -> Review:
    with db.transaction() as tx:
        review = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_id=made.lead.person.id, author_name="Camille", author_company="Acme", unlocked="yes",
            text="Trop court", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(review)
        tx.session.flush()
        return review


def get(db: Database, kind: Any, key: Any) -> Any:
    with db.reading() as session:
        return session.get_one(kind, key)


def test_a_person_and_what_they_do_here(
    desk: FlaskClient, db: Database, browser: Browser, made: make.Made
) -> None:
    browser(made.lead.person)  # Signed in somewhere.
    page = desk.get(f"/en/operator/people/{made.lead.person.id}").text
    booking = make.read(db, made)
    for words in (
        made.lead.person.email,
        made.lead.company.name,
        booking.number,
        "Signed in",
        "Suspend",
        "Taken from clients",
    ):
        assert words in page, words
    page = desk.get(f"/fr/operator/people/{made.seller.person.id}").text
    for words in (
        made.seller.expert.account_id,
        "En tant qu’expert",
        booking.number,
        "Poser 38 000 compteurs",
    ):
        assert words in page, words


def test_an_operator_ends_somebodys_log_in(
    desk: FlaskClient, db: Database, browser: Browser, made: make.Made
) -> None:
    theirs = browser(made.lead.person)
    assert theirs.get("/en/bookings").status_code == 200
    with db.reading() as session:
        login = session.scalars(sa.select(LogIn).where(LogIn.person_id == made.lead.person.id)).one()
    assert send(desk, f"/en/operator/people/{made.lead.person.id}/log-ins/{login.id}/end").status_code == 303
    assert theirs.get("/en/bookings").status_code == 303


def test_the_lists_filter_and_page(desk: FlaskClient, db: Database, made: make.Made) -> None:
    for n in range(25):
        make.person(db, name=f"Nom {n:02d}")
    page = desk.get("/en/operator/people?q=nom").text
    names = set(re.findall(r"Nom \d\d", page))
    after = re.search(r'href="([^"]+)" rel="next"', page)
    assert after
    names |= set(re.findall(r"Nom \d\d", desk.get(after.group(1).replace("&amp;", "&")).text))
    assert len(names) == 25
    assert "Nobody fits" in desk.get("/en/operator/people?q=nom&kind=operator").text
    assert "Poser 38" in desk.get("/en/operator/offers?q=compteurs&status=live").text
    assert "No offer fits" in desk.get("/en/operator/offers?q=compteurs&status=hidden").text
    assert desk.get("/en/operator/people?after=forged&kind=nonsense").status_code == 200


def test_the_one_box_leads_to_the_page(desk: FlaskClient, db: Database, made: make.Made) -> None:
    booking = make.read(db, made)
    intent = make.payment_of(db, made).intent_id
    for text in (booking.number, intent):
        answer = desk.get("/en/operator/search", query_string={"q": text})
        assert (answer.status_code, answer.location) == (303, f"/en/operator/bookings/{booking.reference}")
    answer = desk.get("/en/operator/search", query_string={"q": made.seller.expert.account_id})
    assert answer.location == f"/en/operator/people/{made.seller.person.id}"
    page = desk.get("/en/operator/search?q=castagneres").text
    assert made.seller.person.email in page
    page = desk.get("/en/operator/search", query_string={"q": SCRIPT})
    assert page.status_code == 200
    assert SCRIPT not in page.text


def test_the_journal_says_who_what_and_why(
    desk: FlaskClient, db: Database, made: make.Made, boss: Person
) -> None:
    path = f"/en/operator/offers/{made.offer.id}/hide"
    send(desk, path, {"ground": "terms", "reason": f"It names a client {SCRIPT}"})
    page = desk.get("/en/operator/journal?act=offer.hidden").text
    assert "Offer hidden" in page
    assert "It names a client" in page
    assert SCRIPT not in page
    assert boss.name in page
    page = desk.get("/en/operator/journal", query_string={"who": made.seller.person.email}).text
    assert "It names a client" in page
    assert "Nobody has this address" in desk.get("/en/operator/journal?who=nobody@acme.example").text
    assert send(desk, "/en/operator/journal").status_code == 405


def test_hiding_an_offer_says_what_comes_of_it_first(
    desk: FlaskClient, db: Database, made: make.Made
) -> None:
    path = f"/en/operator/offers/{made.offer.id}/hide"
    page = desk.get(path).text
    assert "1 open booking stays as it is" in page
    assert made.seller.person.name in page
    assert desk.get(f"/en/offers/{made.offer.slug}").status_code == 200
    answer = send(desk, path, {"ground": "terms", "reason": "  "})
    assert answer.status_code == 422
    assert "checked" in answer.text
    answer = send(desk, path, {"ground": "nonsense", "reason": "Words kept"})
    assert answer.status_code == 422
    assert "Words kept" in answer.text
    assert "on which ground" in answer.text
    assert get(db, Offer, made.offer.id).status == "live"
    assert send(desk, path, {"ground": "terms", "reason": "It names a client."}).status_code == 303
    assert get(db, Offer, made.offer.id).status == "hidden"
    assert desk.get(f"/en/offers/{made.offer.slug}").status_code == 404
    answer = send(desk, path, {"ground": "terms", "reason": "Again"})
    assert answer.status_code == 409
    assert "Again" in answer.text
    assert "It names a client." in desk.get(f"/en/operator/offers/{made.offer.id}").text
    assert send(desk, path.replace("hide", "restore"), {"reason": "The name is gone."}).status_code == 303
    assert get(db, Offer, made.offer.id).status == "live"


def test_hiding_a_review(desk: FlaskClient, db: Database, made: make.Made) -> None:
    review = said(db, made)
    path = f"/en/operator/reviews/{review.id}/hide"
    assert "Trop court" in desk.get(path).text
    assert (
        send(desk, path, {"ground": "reviews_policy", "reason": "No session took place."}).status_code == 303
    )
    assert get(db, Review, review.id).hidden_at is not None
    assert "hidden" in desk.get(f"/en/operator/offers/{made.offer.id}").text
    assert send(desk, path.replace("hide", "restore"), {"reason": "It did."}).status_code == 303
    assert get(db, Review, review.id).hidden_at is None


def test_suspending_ends_everything_at_once(
    desk: FlaskClient, db: Database, browser: Browser, made: make.Made
) -> None:
    theirs, path = browser(made.seller.person), f"/en/operator/people/{made.seller.person.id}/suspend"
    page = desk.get(path).text
    assert "1 log-in ends at once" in page
    assert "1 live offer" in page
    assert "1 open booking" in page
    assert send(desk, path, {"ground": "law", "reason": "False papers."}).status_code == 303
    assert theirs.get("/en/bookings").status_code == 303
    page = desk.get(f"/en/operator/people/{made.seller.person.id}").text
    assert "False papers." in page
    assert "End the suspension" in page
    assert send(desk, path.replace("suspend", "restore"), {"reason": "They were right."}).status_code == 303
    with db.reading() as session:
        row = session.scalars(sa.select(Restriction)).one()
    assert (row.lifted_why, row.ground) == ("They were right.", "law")


def test_making_and_unmaking_an_operator(
    desk: FlaskClient, db: Database, boss: Person, made: make.Made
) -> None:
    person = made.lead.person
    path = f"/en/operator/people/{person.id}/operator/grant"
    assert "other operators" in desk.get(path).text
    assert send(desk, path, {"reason": ""}).status_code == 422
    assert send(desk, path, {"reason": "Joins the desk"}).status_code == 303
    assert get(db, Person, person.id).operator
    assert send(desk, path.replace("grant", "revoke"), {"reason": "Leaves"}).status_code == 303
    assert not get(db, Person, person.id).operator
    own = send(desk, f"/en/operator/people/{boss.id}/operator/revoke", {"reason": "I leave"})
    assert own.status_code == 409
    assert get(db, Person, boss.id).operator
    with db.reading() as session:
        acts = session.scalars(sa.select(AuditRow.act).where(AuditRow.actor_id == boss.id)).all()
    assert {"operator.granted", "operator.revoked"} <= set(acts)


def test_a_heavy_deed_asks_for_a_recent_proof_and_keeps_the_words(
    desk: FlaskClient, db: Database, made: make.Made
) -> None:
    path = f"/en/operator/offers/{made.offer.id}/hide"
    with db.transaction() as tx:
        tx.session.execute(sa.update(LogIn).values(proved_at=datetime.now(UTC) - timedelta(minutes=16)))
    assert desk.get(path).location == f"/en/confirm?next={path}"
    answer = send(desk, path, {"ground": "terms", "reason": "Written with care"})
    assert answer.status_code == 401
    assert "/en/confirm" in answer.text
    assert get(db, Offer, made.offer.id).status == "live"
    # What is only looked at needs none.
    assert desk.get(f"/en/operator/offers/{made.offer.id}").status_code == 200


def test_every_act_the_code_writes_has_its_words(app: Flask) -> None:
    """Literals beside `act=`, and the two places that hand a name on."""
    named = re.compile(r'(?:act=|audit\(tx, actor, case, |_note\(tx, person_id, )"([a-z_.]+)"')
    written = {
        act
        for source in sources()
        if source.path.startswith("marketplace/services/")
        for act in named.findall(source.text)
    }
    assert len(written) > 30
    written |= {f"case.{decision}" for decision in DECISIONS}
    assert written - set(ACTS) == set()
    with app.test_request_context("/fr/"):
        french = {act: words() for act, words in ACTS.items()}
    with app.test_request_context("/en/"):
        assert not [act for act, words in ACTS.items() if words() == french[act]]


def test_what_was_taken_back_stands_in_words(desk: FlaskClient, db: Database, boss: Person) -> None:
    with db.transaction() as tx:
        write_audit(tx, actor_id=boss.id, act="case.undone", subject="case:1", reason="hide")
    page = desk.get("/fr/operator/journal").text
    assert "<td>hide</td>" not in page
    assert "<td>Cas tranché\u00a0: texte masqué</td>" in page
