"""The operators' queue in a browser without script: tabs, one case, every answer a form, refusals with what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.domain.moderation import DECISIONS
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.moderation import Case
from marketplace.storage.people import LogIn, Person
from marketplace.storage.reviews import Review
from marketplace.web.again import unpack
from marketplace.web.operator import ready
from tests import factories as make
from tests.queries import counting
from tests.services import moderation_world as world
from tests.web.conftest import send

Browser = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _taxonomy(db: Database) -> None:
    world.taxonomy(db)


@pytest.fixture
def odile(db: Database, browser: Browser) -> FlaskClient:
    return browser(make.person(db, name="Odile Marchal", operator=True))


def _review(db: Database) -> tuple[make.Made, Review]:
    made = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        tx.session.get_one(Booking, made.id).reviews_until = tx.now
        review = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_id=made.lead.person.id, author_name="Camille", author_company="Calvière", usefulness=1,
            text="Écrivez-moi à camille@acme.fr : une heure de moins que promis.", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(review)
    return made, review


def _four(db: Database) -> dict[str, Case]:
    lou = world.applicant(db)
    expert = world.submit_application(db, lou)
    _seller, _offer_id, changed = world.changed_offer(db)
    _made, review = _review(db)
    world.notice(db, "review", review.id)
    return {"expert": expert, "offer": changed, "report": world.open_case(db, kind="report")}


def _text(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_due_first_stands_first_and_is_open(db: Database, odile: FlaskClient, language: str) -> None:
    cases = _four(db)
    page = odile.get(f"/{language}/operator/queue")
    assert page.status_code == 200
    numbers = re.findall(r"case=(\d+)", page.text)
    assert numbers[0] == str(cases["report"].number), "24 hours come before 48 and 72"
    assert 'aria-current="true"' in page.text
    for case in cases.values():
        one = odile.get(f"/{language}/operator/queue?case={case.number}")
        assert one.status_code == 200
        assert case.title in one.text.replace("&#39;", "'")


def test_machine_checks_are_shown_with_what_they_looked_at(db: Database, odile: FlaskClient) -> None:
    cases = _four(db)
    said = _text(odile.get(f"/en/operator/queue?case={cases['expert'].number}"))
    assert "732829320" in said
    assert "Both are of the same company." in said
    assert "voltigeo.example" in said
    reported = odile.get(f"/en/operator/queue?case={cases['report'].number}").text
    assert "<mark>camille@acme.fr</mark>" in reported


def test_a_change_is_shown_against_what_is_live(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["offer"]
    page = odile.get(f"/en/operator/queue?case={case.number}")
    assert re.search(r"<del>.*€1,200", page.text, re.S)
    assert re.search(r"<ins>.*€1,500", page.text, re.S)


def test_claimed_snoozed_decided_and_taken_back(db: Database, odile: FlaskClient) -> None:
    number = _four(db)["offer"].number
    send(odile, f"/en/operator/cases/{number}/claim")
    assert "Mine <span" in odile.get("/en/operator/queue").text.replace("\n", "")
    send(odile, f"/en/operator/cases/{number}/release")
    send(odile, f"/en/operator/cases/{number}/snooze", {"days": "3"})
    assert f"case={number}" in odile.get("/en/operator/queue?tab=snoozed").text
    assert f"case={number}" not in odile.get("/en/operator/queue?tab=open").text
    send(odile, f"/en/operator/cases/{number}/snooze", {"days": "0"})
    revision = str(world.case(db, number).revision)
    answer = send(odile, f"/en/operator/cases/{number}/decide", {"decision": "approve", "revision": revision})
    assert answer.status_code == 303
    after = odile.get("/en/operator/queue")
    assert f"/en/operator/cases/{number}/undo" in after.text
    assert f"case={number}" in odile.get("/en/operator/queue?tab=decided").text
    assert send(odile, f"/en/operator/cases/{number}/undo").status_code == 303
    assert world.case(db, number).state == "open"


def test_a_no_without_a_reason_keeps_what_was_typed(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["expert"]
    page = send(
        odile, f"/en/operator/cases/{case.number}/decide",
        {"decision": "refuse", "revision": case.revision, "note.bio": "When was that?", "tab": "mine"},
    )  # fmt: skip
    assert page.status_code == 422
    assert "When was that?" in page.text
    assert 'value="refuse"' in page.text
    assert "checked" in page.text
    assert world.case(db, case.number).state == "open"


def test_field_by_field_also_of_the_first_offer(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["expert"]
    answer = send(
        odile, f"/en/operator/cases/{case.number}/decide",
        {"decision": "changes", "revision": case.revision, "note.bio": "When?", "note.offer.title": "Vague."},
    )  # fmt: skip
    assert answer.status_code == 303
    assert world.case(db, case.number).notes == {"bio": "When?", "offer.title": "Vague."}


def test_the_button_below_the_fields_sends_back_whatever_is_chosen(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["expert"]
    said = {"decision": "approve", "send_back": "1", "revision": case.revision, "note.bio": "When?"}
    assert send(odile, f"/en/operator/cases/{case.number}/decide", said).status_code == 303
    assert world.case(db, case.number).decision == "changes"


def test_the_slower_of_two_reads_that_it_is_decided(
    db: Database, odile: FlaskClient, browser: Browser
) -> None:
    case = _four(db)["report"]
    max_ = browser(make.person(db, name="Max Finance", operator=True))
    said = {"decision": "keep", "revision": case.revision, "reason": "It was held."}
    assert send(odile, f"/en/operator/cases/{case.number}/decide", said).status_code == 303
    late = send(max_, f"/en/operator/cases/{case.number}/decide", said | {"reason": "My own words."})
    assert late.status_code == 409
    assert "another operator decided it" in late.text
    assert "My own words." in late.text


def test_a_decision_on_old_words_is_refused(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["offer"]
    late = send(
        odile,
        f"/en/operator/cases/{case.number}/decide",
        {"decision": "approve", "revision": case.revision - 1},
    )
    assert late.status_code == 409
    assert "has changed meanwhile" in late.text


def test_an_operators_own_case_has_no_answer(db: Database, browser: Browser) -> None:
    seller, _offer_id, case = world.changed_offer(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).operator = True
    own = browser(seller.person)
    page = own.get(f"/en/operator/queue?case={case.number}")
    assert page.status_code == 200
    assert "Another operator decides it." in page.text
    refused = send(
        own, f"/en/operator/cases/{case.number}/decide", {"decision": "approve", "revision": case.revision}
    )
    assert refused.status_code == 409


@pytest.mark.parametrize("asked", ["0", "x", "99999999999999999999", "-1", "²", "4000000000"])
def test_a_case_that_is_none(db: Database, odile: FlaskClient, asked: str) -> None:
    assert odile.get("/en/operator/queue", query_string={"case": asked}).status_code == 404


@pytest.mark.parametrize(
    "form",
    [{}, {"decision": "<script>"}, {"decision": "approve", "revision": "x"}, {"decision": "keep", "revision": "1"},
     {"decision": "changes", "revision": "1", "note.": "x", "note." + "y" * 100: "z"},
     {"decision": "refuse", "revision": "1", "reason": "x" * 3000}, {"decision": "refuse", "revision": "1", "reason": "a\x00b"}],
)  # fmt: skip
def test_a_form_nobody_made(db: Database, odile: FlaskClient, form: dict[str, str]) -> None:
    number = _four(db)["offer"].number
    assert 400 <= send(odile, f"/en/operator/cases/{number}/decide", form).status_code < 500
    assert world.case(db, number).state == "open"


def test_a_script_in_every_text_stays_text(db: Database, odile: FlaskClient) -> None:
    bad = "<script>alert(1)</script>"
    lou = world.applicant(db, bio=bad * 3, headline=bad, startup=bad, legal_name=bad, conflicts=[bad])
    page = odile.get(f"/en/operator/queue?case={world.submit_application(db, lou).number}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_pages_go_on_by_their_last_line(db: Database, odile: FlaskClient, clock: Any) -> None:
    seller = make.seller(db)
    numbers = [world.changed_offer(db, seller)[2].number for _ in range(32)]
    first = odile.get("/en/operator/queue")
    seen = {int(n) for n in re.findall(r"case=(\d+)", first.text)}
    following = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert following
    rest = odile.get(following.group(1).replace("&amp;", "&"))
    seen |= {int(n) for n in re.findall(r"case=(\d+)", rest.text)}
    assert seen == set(numbers)


def test_the_queue_takes_as_many_statements_whatever_stands_in_it(db: Database, odile: FlaskClient) -> None:
    seller = make.seller(db)
    case = world.changed_offer(db, seller)[2]
    taken = []
    for _ in range(2):
        with counting(db.engine) as counted:
            odile.get(f"/en/operator/queue?case={case.number}")
        taken.append(counted.number)
        for _more in range(5):
            world.changed_offer(db, seller)
    assert taken[0] == taken[1]


def test_an_empty_queue_says_so(db: Database, odile: FlaskClient) -> None:
    with db.transaction() as tx:
        assert not tx.session.scalar(sa.select(sa.func.count()).select_from(Case))
    for tab in ("open", "mine", "snoozed", "decided", "whatever"):
        assert odile.get(f"/fr/operator/queue?tab={tab}").status_code == 200


@pytest.mark.parametrize("days", ["", "13", "x", "²", "-1", "99999999999"])
def test_any_number_of_days_is_a_snooze(db: Database, odile: FlaskClient, days: str) -> None:
    number = _four(db)["offer"].number
    assert send(odile, f"/en/operator/cases/{number}/snooze", {"days": days}).status_code == 303
    assert world.case(db, number).snoozed_until


def test_suspending_from_the_queue_asks_for_a_recent_proof_and_keeps_the_words(
    db: Database, odile: FlaskClient
) -> None:
    seller = make.seller(db)
    make.offer(db, seller.expert)
    world.notice(db, "profile", seller.expert.id)
    case = world.open_case(db, kind="report")
    with db.transaction() as tx:
        log_in = tx.session.scalars(sa.select(LogIn)).one()
        log_in.proved_at -= timedelta(minutes=16)
    path = f"/en/operator/cases/{case.number}/decide"
    said = {"decision": "hide", "revision": case.revision, "ground": "terms", "reason": "Nobody knows them."}
    answer = send(odile, path, said)
    assert answer.status_code == 401
    assert "/en/confirm" in answer.text
    assert world.case(db, case.number).state == "open"
    kept = re.search(r'name="again" value="([^"]+)"', answer.text)
    assert kept
    with odile.application.test_request_context():
        again = unpack(kept.group(1))
    assert again
    assert dict(again.fields)["reason"] == "Nobody knows them."
    assert send(odile, path, said | {"decision": "keep"}).status_code == 303, "keeping a text weighs less"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("fr", "Le récit se trouve presque mot pour mot dans un autre texte."),
     ("en", "The story stands almost word for word in another text.")],
)  # fmt: skip
def test_a_ready_sentence_is_sent_in_the_receivers_language(
    db: Database, odile: FlaskClient, language: str, sentence: str
) -> None:
    seller, _offer_id, case = world.changed_offer(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).language = language
    assert f'lang="{language}">{sentence}' in odile.get(f"/en/operator/queue?case={case.number}").text
    path = f"/en/operator/cases/{case.number}/decide"
    said = {"decision": "refuse", "revision": case.revision, "reason": " "}
    assert send(odile, path, said | {"ready": "was_held"}).status_code == 422, "not a sentence for this"
    assert send(odile, path, said | {"ready": "elsewhere"}).status_code == 303
    assert world.case(db, case.number).reason == sentence


def test_what_is_typed_is_sent_whatever_sentence_is_chosen(db: Database, odile: FlaskClient) -> None:
    case = _four(db)["report"]
    said = {"decision": "keep", "revision": case.revision, "reason": "It was held.", "ready": "an_opinion"}
    assert send(odile, f"/en/operator/cases/{case.number}/decide", said).status_code == 303
    assert world.case(db, case.number).reason == "It was held."


def test_every_answer_that_is_owed_words_has_ready_sentences(app: Flask) -> None:
    kinds = (
        "expert",
        "profile",
        "offer_new",
        "offer_changed",
        "report_offer",
        "report_review",
        "report_profile",
    )
    with app.test_request_context():
        for kind in kinds:
            owed = [one for one in DECISIONS[kind.split("_")[0]] if one != "approve"]
            for decision in owed:
                assert len(ready.sentences(kind, decision, "fr")) in (2, 3), (kind, decision)
                assert ready.sentences(kind, decision, "fr") != ready.sentences(kind, decision, "en")
