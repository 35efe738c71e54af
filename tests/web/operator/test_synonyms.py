"""The table of synonyms as operators keep it: listed, added, changed, removed, each with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services.search import index_offer
from marketplace.storage.db import Database
from marketplace.storage.vectors import Encoding
from marketplace.storage.vocabulary import Synonyms
from tests import factories as make
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def desk(db: Database, browser: Browser) -> FlaskClient:
    return browser(make.person(db, name="Odile Marchal", operator=True))


def group(db: Database, term: str) -> Synonyms | None:
    with db.reading() as session:
        return session.scalar(sa.select(Synonyms).where(Synonyms.terms.any_() == term))


def test_a_group_is_added_changed_and_removed_and_the_journal_says_it(
    db: Database, desk: FlaskClient
) -> None:
    typed = {"terms": "bidulomètre\ntrucmuche", "reason": "Vu dans les recherches."}
    assert send(desk, "/fr/operator/synonyms", typed).status_code == 303
    made = group(db, "trucmuche")
    assert made is not None
    page = desk.get("/fr/operator/synonyms?q=trucmuche").text
    assert "bidulomètre · trucmuche" in page
    address = f"/fr/operator/synonyms/{made.id}"
    assert "bidulomètre\ntrucmuche" in desk.get(address).text
    typed = {"terms": "bidulomètre, machin", "reason": "Trucmuche dit autre chose."}
    assert send(desk, address, typed).status_code == 303
    assert group(db, "trucmuche") is None
    assert send(desk, f"{address}/remove", {"reason": "Fini."}).status_code == 303
    assert group(db, "machin") is None
    assert desk.get(address).status_code == 404
    journal = desk.get("/fr/operator/journal").text
    for said in (
        "Synonymes ajoutés",
        "Synonymes modifiés",
        "Synonymes retirés",
        "Trucmuche dit autre chose.",
    ):
        assert said in journal


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"terms": "un seul mot", "reason": "x"}, "A group has two terms at least"),
        ({"terms": "bidule, trucmuche", "reason": ""}, "reason"),
        ({"terms": "bidule, the", "reason": "x"}, "grammar alone"),
        ({"terms": "bidule, one two three four five six", "reason": "x"}, "too long"),
        ({"terms": "bidule\x07, truc", "reason": "x"}, "cannot be kept"),
    ],
)
def test_a_refusal_stands_at_its_field_with_what_was_typed(
    db: Database, desk: FlaskClient, typed: dict[str, str], said: str
) -> None:
    first = group(db, "gdpr")
    assert first is not None
    for address in ("/en/operator/synonyms", f"/en/operator/synonyms/{first.id}"):
        answer = send(desk, address, typed)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert typed["terms"].split()[0].rstrip(",\x07") in answer.text
    assert group(db, "bidule") is None


def test_removing_asks_for_its_reason(db: Database, desk: FlaskClient) -> None:
    first = group(db, "gdpr")
    assert first is not None
    answer = send(desk, f"/en/operator/synonyms/{first.id}/remove", {"reason": " "})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 1
    assert group(db, "gdpr") is not None


def test_nobody_else_sees_it(db: Database, browser: Browser) -> None:
    for person in (make.lead(db).person, make.seller(db).person):
        assert browser(person).get("/en/operator/synonyms").status_code == 404


def test_the_page_says_how_far_the_vectors_are(db: Database, desk: FlaskClient) -> None:
    assert "words alone are matched" in desk.get("/en/operator/synonyms").text
    offer = make.offer(db, make.seller(db).expert)
    with db.transaction() as tx:
        index_offer(tx, offer.id)
        for name, state in (("old/1", "serving"), ("new/2", "building"), ("older/0", "retired")):
            tx.session.add(Encoding(name=name, dimension=3, state=state, started_at=tx.now, served_at=None))
    page = desk.get("/en/operator/synonyms").text
    assert "The encoder “old/1” serves: 0 of 1 offers have their vectors." in page
    assert "Vectors of “new/2”: 0 of 1 offers have theirs." in page
    assert "older/0" not in page
