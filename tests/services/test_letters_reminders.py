"""The letter `reminder`, in both languages: how long it is until the session, and both zones."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.services import letters
from marketplace.storage.db import Database
from marketplace.storage.feeds import Reminder
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, opened

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_letter_says_how_long_it_is_and_both_zones(db: Database, clock: FakeClock, language: str) -> None:
    by = make.lead(db, language=language, zone="Europe/Paris")
    of = make.seller(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, of.person.id).zone = "Indian/Reunion"
    made = make.booking(db, state="confirmed", by=by, of=of, days_ahead=10)
    starts = make.read(db, made).starts_at
    said = {}
    for kind, ahead in (("week", 7 * DAY), ("day", DAY), ("hour", HOUR), ("late", HOUR / 3)):
        clock.now = starts - ahead
        if kind == "late":
            with db.transaction() as tx:
                tx.session.execute(sa.delete(Reminder))
                tx.session.execute(sa.delete(Letter))
        letters.remind(db, STATIONERY)
        with db.reading() as session:
            row = session.scalars(
                sa.select(Letter)
                .where(Letter.event == "reminder", Letter.person_id == by.person.id)
                .order_by(Letter.id.desc())
            ).first()
        assert row is not None
        assert "Réunion" in row.subject
        assert "Paris" in row.subject
        body = opened(row.message).get_body(("plain",))
        assert body is not None
        said[kind] = str(body.get_content())
    wanted = {
        "fr": {"week": "dans 7 jours", "day": "dans 24 heures", "hour": "dans 1 heure", "late": "dans 20 minutes"},
        "en": {"week": "in 7 days", "day": "in 24 hours", "hour": "in 1 hour", "late": "in 20 minutes"},
    }[language]  # fmt: skip
    for kind, words in wanted.items():
        assert words in said[kind].replace("\u202f", " ").replace("\u00a0", " ")
