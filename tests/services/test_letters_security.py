"""The word to whoever's password, second factor or standing changed: each kind, both languages, once."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa

from marketplace.domain.events import SecurityChanged
from marketplace.services import letters
from marketplace.services.reactions import AFTER
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from tests import factories as make
from tests.services.test_letters import STATIONERY, html_of, opened, text_of

WHAT = (
    "password", "factor.set", "factor.replaced", "factor.removed", "factor.codes", "factor.recovered",
    "factor.reset", "operator.granted", "operator.revoked",
)  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_change_has_its_own_words_and_is_told_once(db: Database, language: str) -> None:
    person, subjects, texts = make.person(db, language=language), set(), set()
    for what in WHAT:
        change = uuid.uuid4()
        for _twice in range(2):
            letters.security_changed(db, STATIONERY, person_id=person.id, what=what, change_id=change)
        with db.reading() as session:
            row = session.scalars(sa.select(Letter).where(Letter.token.contains(str(change)))).one()
        message = opened(row.message)
        subjects.add(row.subject)
        texts.add(text_of(message))
        assert person.email in str(message["To"])
        assert "log_in" in html_of(message)
    assert len(texts) == len(WHAT)
    assert len(subjects) == len(WHAT) - 1, "a factor taken away is one thing, whoever did it"


def test_two_changes_of_a_kind_are_two_letters() -> None:
    one, two = (SecurityChanged(uuid.UUID(int=1), "password").as_arguments() for _ in range(2))
    assert one["change_id"] != two["change_id"]
    assert AFTER[SecurityChanged] == ("letters.security_changed",)


def test_nobody_is_told_nothing(db: Database) -> None:
    letters.security_changed(db, STATIONERY, person_id=uuid.uuid4(), what="password", change_id=uuid.uuid4())
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 0
