"""What machines check before a person decides: what was looked at, what was found, by as many statements always."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from marketplace.services import search
from marketplace.services.moderation.checks import Check, offer_checks, profile_checks
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.files import File
from marketplace.storage.people import Person
from tests import factories as make
from tests.queries import counting
from tests.services import moderation_world as world


def _profile(db: Database, lou: make.Seller) -> dict[str, Check]:
    with db.reading() as session:
        content = session.get_one(ProfileDraft, lou.expert.id).content
        return {check.name: check for check in profile_checks(session, lou.expert.id, content, db.clock())}


@pytest.mark.parametrize(
    ("given", "name", "state", "why"),
    [
        ({}, "registration", "good", "form"),
        ({"registration": "732829321"}, "registration", "look", "key"),
        ({"registration": ""}, "registration", "none", "missing"),
        ({}, "vat", "good", "form"),
        ({"vat_number": "FR00732829320"}, "vat", "look", "key"),
        ({"vat_number": ""}, "vat", "look", "missing"),
        ({"vat_status": "exempt", "vat_number": "", "vat_ground": "fr_293b"}, "vat", "good", "exempt"),
        ({}, "vat_company", "good", "same"),
        ({"registration": "303265045"}, "vat_company", "look", "other"),
        ({"country": "DE", "registration": "HRB 1"}, "vat_company", "none", "not_held"),
        ({"website": "https://www.voltigeo.example"}, "mail", "good", "website"),
        ({"website": "https://elsewhere.example"}, "mail", "good", "company"),
        ({"bio": "Écrivez à lou@voltigeo.example"}, "contacts", "look", ""),
        ({}, "contacts", "good", ""),
        ({}, "doubles", "good", ""),
        ({}, "same_text", "good", "bio"),
        ({"bio": ""}, "same_text", "none", "bio"),
    ],
)
def test_each_check_says_what_it_found(
    db: Database, given: dict[str, Any], name: str, state: str, why: str
) -> None:
    check = _profile(db, world.applicant(db, **given))[name]
    assert (check.state, check.why) == (state, why)


def test_an_address_anybody_gets(db: Database) -> None:
    lou = world.applicant(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, lou.person.id).email = "lou@gmail.com"
    assert (_profile(db, lou)["mail"].state, _profile(db, lou)["mail"].looked_at) == ("look", "gmail.com")


def test_doubles_by_name_number_and_photograph(db: Database) -> None:
    lou = world.applicant(db)
    other = make.seller(db, name="LOÙ FABRE", registration="732829320")
    files = [uuid.uuid4(), uuid.uuid4()]
    with db.transaction() as tx:
        for key, person in zip(files, (lou.person.id, other.person.id), strict=True):
            tx.session.add(
                File(
                    id=key,
                    person_id=person,
                    media_type="image/webp",
                    digest="d" * 64,
                    content=b"x",
                    made_at=tx.now,
                )
            )
        draft = tx.session.get_one(ProfileDraft, lou.expert.id)
        draft.content = draft.content | {"photo_id": str(files[0])}
    found = _profile(db, lou)["doubles"]
    assert found.state == "look"
    assert found.found == (("LOÙ FABRE", "name", "registration", "photo_id"),)
    assert found.looked_at == "name legal_name registration vat_number photo_id"


def test_the_same_story_elsewhere_but_not_in_ones_own(db: Database) -> None:
    seller, thief = make.seller(db), make.seller(db, name="Autre Conteur")
    offer = make.offer(db, seller.expert, **world.offer_fields())
    with db.transaction() as tx:
        search.index_offer(tx, offer.id)
    content = world.offer_fields()
    with db.reading() as session:
        theirs = {check.name: check for check in offer_checks(session, thief.expert.id, content, db.clock())}
        own = {check.name: check for check in offer_checks(session, seller.expert.id, content, db.clock())}
    assert theirs["same_text"].state == "look"
    assert theirs["same_text"].found[0][0] == "Solène Castagnères"
    assert own["same_text"].state == "good"


def test_as_many_statements_with_many_others_as_with_none(db: Database) -> None:
    lou = world.applicant(db)
    taken = []
    for _ in range(2):
        with counting(db.engine) as counted:
            _profile(db, lou)
        taken.append(counted.number)
        for _more in range(4):
            seller = make.seller(db)
            offer = make.offer(db, seller.expert, **world.offer_fields())
            with db.transaction() as tx:
                tx.session.get_one(Expert, seller.expert.id).legal_name = "Lou Fabre"
                search.index_offer(tx, offer.id)
    assert taken[0] <= taken[1] <= 14
