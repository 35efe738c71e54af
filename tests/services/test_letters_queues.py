"""Letters about places in the queue and times that a buyer proposes: who hears of what, in both languages."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from marketplace.services import bookings, letters, queues
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from marketplace.storage.queues import AskedTimes, QueuePlace
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, complete, opened, text_of
from tests.services.test_queues import full, join, later, let_go

__all__ = ["later"]
ZONES = {"fr": ("heure de Paris", "heure de La Réunion"), "en": ("Paris time", "Réunion time")}


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def speaks(db: Database, person: Person, language: str, zone: str = "Europe/Paris") -> None:
    with db.transaction() as tx:
        found = tx.session.get_one(Person, person.id)
        found.language, found.zone = language, zone


def written(db: Database) -> dict[str, EmailMessage]:
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter)).all()
    assert len({row.event for row in rows}) == len(rows)
    return {row.event: opened(row.message) for row in rows}


def moved(db: Database, place: QueuePlace) -> None:
    """The letter of where the place stands, twice: it is one."""
    with db.reading() as session:
        state = session.get_one(QueuePlace, place.id).state
    for _again in range(2):
        letters.place_moved(db, STATIONERY, place_id=place.id, state=state)


@pytest.mark.parametrize(
    ("end", "event"),
    [
        ("open", "times_asked"),
        ("taken", "times_taken"),
        ("declined", "times_declined"),
        ("unanswered", "times_unanswered"),
        ("withdrawn", None),
    ],
)
def test_who_hears_of_proposed_times(
    db: Database, clock: FakeClock, language: str, end: str, event: str | None
) -> None:
    by, seller = make.lead(db), make.seller(db)
    speaks(db, by.person, language)
    speaks(db, seller.person, language, "Indian/Reunion")
    asked = make.asked_times(db, by=by, of=seller, words="Nous sommes à Nouméa.")
    if end == "taken":
        queues.take(
            db, seller.actor, times_id=asked.id, start=make.ASKED[1], place="https://meet.example.com/x",
            accepted=make.ACCEPTED,
        )  # fmt: skip
    elif end == "declined":
        queues.decline(db, seller.actor, times_id=asked.id, words="Je suis à Séoul.")
    elif end == "withdrawn":
        queues.withdraw(db, by.actor, times_id=asked.id)
    elif end == "unanswered":
        clock.move(timedelta(hours=72))
        queues.run_times_clock(db)
    letters.times_asked(db, STATIONERY, times_id=asked.id)
    if end != "open":
        letters.times_closed(db, STATIONERY, times_id=asked.id)
        letters.times_closed(db, STATIONERY, times_id=asked.id)
    found = written(db)
    assert set(found) == ({event} if event else set())
    for name, message in found.items():
        complete(name, message, language)
        to = message["To"].addresses[0].addr_spec
        assert to == (seller.person.email if name == "times_asked" else by.person.email)
        text = text_of(message)
        if name == "times_asked":
            assert ZONES[language][1] in text
            assert "Nouméa" in text
            assert by.person.name not in text
        if name == "times_taken":  # Both zones, in subject and text.
            assert all(zone in text and zone in str(message["Subject"]) for zone in ZONES[language])
        if name == "times_declined":
            assert "Séoul" in text


@pytest.mark.parametrize("end", ["held", "run out", "let go", "over"])
def test_who_waits_hears_of_each_turn(db: Database, clock: FakeClock, language: str, end: str) -> None:
    seller, offer, held = full(db)
    by = make.lead(db)
    speaks(db, by.person, language)
    speaks(db, seller.person, language, "Indian/Reunion")
    place = join(db, by, offer)
    if end == "over":
        clock.move(timedelta(days=20))
        queues.run_clock(db)
    else:
        let_go(db, held)
        queues.serve(db, seller.expert.id)
    if end in ("run out", "let go"):
        with db.reading() as session:
            booking_id = session.get_one(QueuePlace, place.id).booking_id
        assert booking_id is not None
        if end == "let go":
            bookings.let_go(db, by.actor, booking_id=booking_id, token="g")
        else:
            clock.move(timedelta(hours=4))
            bookings.run_clock(db, None)  # type: ignore[arg-type]
    moved(db, place)
    found = written(db)
    said = {"held": {"place_held"}, "run out": {"place_passed"}, "let go": set(), "over": {"place_over"}}
    assert set(found) == said[end]
    for name, message in found.items():
        complete(name, message, language)
        assert message["To"].addresses[0].addr_spec == by.person.email
        if name == "place_held":
            for zone in ZONES[language]:
                assert zone in text_of(message)
                assert zone in str(message["Subject"])


def test_a_swap_is_told_with_both_times(
    db: Database,
    language: str,
    later: tuple[make.Seller, make.Offer, make.Made, make.Made],
) -> None:
    seller, offer, held, booked = later
    speaks(db, booked.lead.person, language)
    place = join(db, booked.lead, offer)
    let_go(db, held)
    queues.serve(db, seller.expert.id)
    moved(db, place)
    message = written(db)["place_proposed"]
    complete("place_proposed", message, language)
    text = text_of(message)
    for day in ("11", "18"):
        assert f"{day} d" in text or f"December {day}" in text or f"{day} December" in text


def test_a_letter_that_comes_late_says_nothing_that_is_over(db: Database, clock: FakeClock) -> None:
    seller, offer, held = full(db)
    by = make.lead(db)
    place = join(db, by, offer)
    let_go(db, held)
    queues.serve(db, seller.expert.id)
    clock.move(timedelta(hours=4))
    bookings.run_clock(db, None)  # type: ignore[arg-type]
    letters.place_moved(db, STATIONERY, place_id=place.id, state="offered")
    asked = make.asked_times(db, by=by, of=seller)
    queues.withdraw(db, by.actor, times_id=asked.id)
    letters.times_asked(db, STATIONERY, times_id=asked.id)
    assert written(db) == {}
    with db.reading() as session:
        assert session.get_one(AskedTimes, asked.id).state == "withdrawn"
