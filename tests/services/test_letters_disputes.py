"""Letters about a reported problem: both sides at each step, in both languages, with amounts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.services import letters
from marketplace.storage.bookings import BookingMove
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests.clock import FakeClock
from tests.services.test_disputes import DAY, Case
from tests.services.test_letters import STATIONERY, complete, opened, text_of


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def heard(case: Case, move: str, language: str) -> dict[tuple[str, str], str]:
    """What the last move of this name has written: (letter, to whom) → its text."""
    db, people = case.db, {case.made.lead.person.id: "lead", case.made.seller.person.id: "expert"}
    with db.transaction() as tx:
        tx.session.execute(sa.update(Person).where(Person.id.in_(people)).values(language=language))
    with db.reading() as session:
        row = session.scalars(
            sa.select(BookingMove)
            .where(BookingMove.booking_id == case.made.id, BookingMove.move == move)
            .order_by(BookingMove.at.desc(), BookingMove.id.desc())
        ).first()
        assert row is not None
    letters.booking_moved(db, STATIONERY, booking_id=case.made.id, move_id=row.id)
    letters.booking_moved(db, STATIONERY, booking_id=case.made.id, move_id=row.id)
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter).where(Letter.token.contains(str(row.id)))).all()
    found = {}
    for one in rows:
        message = opened(one.message)
        complete(one.event, message, language)
        found[one.event, people[one.person_id]] = text_of(message)  # type: ignore[index]
    return found


def test_each_step_is_told_to_whom_it_concerns(db: Database, clock: FakeClock, language: str) -> None:
    case = Case(db, clock)
    case.report("lead", share=100)
    reported = heard(case, "report", language)
    assert set(reported) == {("dispute_reported", "lead"), ("dispute_reported", "expert")}
    assert "100" in reported["dispute_reported", "expert"]
    case.answer("expert", share=20)
    assert set(heard(case, "answer", language)) == {("dispute_answered", "lead")}
    case.after_two_days()
    case.decide(share=50)
    decided = heard(case, "decide", language)
    assert "to the lead" in decided["dispute_decided", "lead"]
    assert "to the lead" not in decided["dispute_decided", "expert"]
    case.appeal("expert")
    assert set(heard(case, "appeal", language)) == {
        ("dispute_appealed", "lead"),
        ("dispute_appealed", "expert"),
    }
    case.decide(share=60, by=case.other)
    assert len(heard(case, "five_days_pass", language)) == 2


def test_the_end_is_told_with_its_amounts(db: Database, clock: FakeClock, language: str) -> None:
    case = Case(db, clock)
    case.report("lead", share=100)
    case.agree("expert", 100)
    settled = heard(case, "agree", language)
    assert set(settled) == {("dispute_settled", "lead"), ("dispute_settled", "expert")}
    whole = f"{case.payment().amount_minor // 100:,}"[-3:]
    assert whole in settled["dispute_settled", "lead"]


def test_taken_back(db: Database, clock: FakeClock, language: str) -> None:
    case = Case(db, clock)
    case.report("lead")
    case.withdraw("lead")
    assert set(heard(case, "withdraw_report", language)) == {
        ("dispute_taken_back", "lead"),
        ("dispute_taken_back", "expert"),
    }


def test_a_later_refund_says_who_bears_it(db: Database, clock: FakeClock, language: str) -> None:
    case = Case(db, clock)
    clock.move(3 * DAY + timedelta(hours=1))
    case.tick()
    case.refund(10_000, "expert")
    told = heard(case, "refund", language)
    assert set(told) == {("refund_by_operators", "lead"), ("refund_by_operators", "expert")}
