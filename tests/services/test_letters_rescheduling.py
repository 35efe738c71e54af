"""Letters about another time: who hears of each step, in both zones, with the calendar file where it changes."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import icalendar
import pytest
import sqlalchemy as sa

from marketplace.services import bookings, letters
from marketplace.storage.bookings import BookingMove, Proposal
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_bookings import GATEWAY
from tests.services.test_letters import STATIONERY, complete, html_of, opened, text_of
from tests.services.test_rescheduling import answer, propose, withdraw


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(db: Database, language: str) -> make.Made:
    found = make.booking(db, state="confirmed", days_ahead=20)
    with db.transaction() as tx:
        for person, zone in ((found.lead.person, "Europe/Paris"), (found.seller.person, "Indian/Reunion")):
            row = tx.session.get_one(Person, person.id)
            row.language, row.zone = language, zone
    return found


def hear(db: Database, made: make.Made) -> dict[tuple[str, str], EmailMessage]:
    """What the last step's job writes, run twice: letters by event and side."""
    with db.reading() as session:
        move = session.scalars(
            sa.select(BookingMove.id)
            .where(BookingMove.booking_id == made.id)
            .order_by(BookingMove.at.desc(), BookingMove.id.desc())
            .limit(1)
        ).one()
        known = set(session.scalars(sa.select(Letter.id)))
    for _ in range(2):
        letters.booking_moved(db, STATIONERY, booking_id=made.id, move_id=move)
    with db.reading() as session:
        rows = [one for one in session.scalars(sa.select(Letter)) if one.id not in known]
    sides = {made.lead.person.id: "lead", made.seller.person.id: "expert"}
    return {(one.event, sides[one.person_id]): opened(one.message) for one in rows if one.person_id}


def calendar_of(message: EmailMessage) -> icalendar.Calendar:
    part = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    return icalendar.Calendar.from_ical(part.get_payload(decode=True))  # type: ignore[arg-type]


def whole(found: dict[tuple[str, str], EmailMessage], language: str) -> None:
    zones = ("heure de Paris", "heure de La Réunion") if language == "fr" else ("Paris time", "Réunion time")
    for (event, _side), message in found.items():
        complete(event, message, language)
        for zone in zones:
            assert zone in text_of(message)
            assert zone in html_of(message)
            assert zone in str(message["Subject"])


@pytest.mark.parametrize(("asks", "answers"), [("lead", "expert"), ("expert", "lead")])
def test_proposed_is_told_to_the_other_side_alone(
    db: Database, made: make.Made, language: str, asks: str, answers: str
) -> None:
    propose(db, made, asks, reason="Une <grève> & des <trains>")
    found = hear(db, made)
    assert set(found) == {("reschedule_proposed", answers)}
    whole(found, language)
    message = found["reschedule_proposed", answers]
    assert "Une <grève> & des <trains>" in text_of(message)
    assert "Une &lt;grève&gt;" in html_of(message)
    assert not any(part.get_content_type() == "text/calendar" for part in message.walk())


def test_what_was_answered_meanwhile_is_not_asked(db: Database, made: make.Made) -> None:
    proposal = propose(db, made, "lead")
    with db.transaction() as tx:
        tx.session.get_one(Proposal, proposal.id).state = "withdrawn"
        tx.session.get_one(Proposal, proposal.id).ended_at = tx.now
    assert hear(db, made) == {}


@pytest.mark.parametrize("asks", ["lead", "expert"])
def test_accepted_moves_both_calendars(
    db: Database, clock: FakeClock, made: make.Made, language: str, asks: str
) -> None:
    proposal = propose(db, made, asks)
    clock.now = clock.now.replace(second=59)
    answer(db, made, "expert" if asks == "lead" else "lead", proposal, True)
    found = hear(db, made)
    assert set(found) == {("rescheduled_lead", "lead"), ("rescheduled_expert", "expert")}
    whole(found, language)
    for message in found.values():
        event = calendar_of(message).events[0]
        assert event["SEQUENCE"] == 1
        assert event.start == proposal.starts_at
    said = text_of(found["rescheduled_lead", "lead"])
    free = "intégralement" if language == "fr" else "get everything back"
    assert ("entièrement remboursée" in said or free in said) == (asks == "expert")


def _refuse(db: Database, made: make.Made, proposal: Proposal, clock: FakeClock) -> None:
    answer(db, made, "expert", proposal, False)


def _withdraw(db: Database, made: make.Made, proposal: Proposal, clock: FakeClock) -> None:
    withdraw(db, made, "lead", proposal)


def _time(db: Database, made: make.Made, proposal: Proposal, clock: FakeClock) -> None:
    clock.now = proposal.until
    bookings.run_clock(db, GATEWAY)


@pytest.mark.parametrize(
    ("end", "heard"),
    [
        (_refuse, {("reschedule_refused", "lead")}),
        (_withdraw, {("reschedule_withdrawn", "expert")}),
        (_time, {("reschedule_over", "lead"), ("reschedule_over", "expert")}),
    ],
)
def test_what_comes_to_nothing_is_told_to_who_waited(
    db: Database, clock: FakeClock, made: make.Made, language: str,
    end: Callable[[Database, make.Made, Proposal, FakeClock], None], heard: set[tuple[str, str]],
) -> None:  # fmt: skip
    proposal = propose(db, made, "lead")
    clock.now = clock.now.replace(second=59)
    end(db, made, proposal, clock)
    found = hear(db, made)
    assert set(found) == heard
    whole(found, language)
