"""Letters about chargebacks: operators, the expert whose money waits, the lead whose bank contests it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.gateways.payments import ChargebackState
from marketplace.services import bookings, chargebacks, letters
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, complete, opened, text_of


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Scene:
    """A confirmed booking, an operator, and what is heard of each step."""

    def __init__(self, db: Database, clock: FakeClock, language: str) -> None:
        self.db, self.clock, self.language = db, clock, language
        self.made = make.booking(db, state="confirmed")
        self.boss = make.operator(db)
        self.payment = make.payment_of(db, self.made)
        with db.transaction() as tx:
            tx.session.execute(sa.update(Person).values(language=language))

    def says(self, state: ChargebackState, **more: int) -> Chargeback:
        return make.bank_says(self.db, self.payment.id, state, **more)

    def heard(self, row: Chargeback, state: str) -> dict[tuple[str, str], str]:
        """(letter, to whom) → its text, of those that this step has written; written once though asked twice."""
        before = self.all()
        for _ in range(2):
            letters.chargeback_moved(self.db, STATIONERY, chargeback_id=row.id, state=state)
        return {key: text for key, text in self.all().items() if key not in before}

    def all(self) -> dict[tuple[str, str], str]:
        people = {
            self.made.lead.person.id: "lead", self.made.seller.person.id: "expert", self.boss.person_id: "operator",
        }  # fmt: skip
        with self.db.reading() as session:
            rows = session.scalars(sa.select(Letter).where(Letter.event.startswith("chargeback_"))).all()
        found = {}
        for one in rows:
            message = opened(one.message)
            complete(one.event, message, self.language)
            found[one.event, people[one.person_id]] = text_of(message)
        assert len(found) == len(rows)
        return found

    def ended(self) -> None:
        self.clock.move_to(make.read(self.db, self.made).ends_at)
        bookings.run_clock(self.db, None)  # type: ignore[arg-type]


@pytest.fixture
def scene(db: Database, clock: FakeClock, language: str) -> Scene:
    return Scene(db, clock, language)


def test_opened_is_told_to_operators_and_both_sides(scene: Scene) -> None:
    row = scene.says(ChargebackState.OPEN)
    heard = scene.heard(row, "open")
    assert set(heard) == {
        ("chargeback_opened", "operator"), ("chargeback_lead", "lead"), ("chargeback_expert", "expert"),
    }  # fmt: skip
    assert f"chargeback/{row.id}" in heard["chargeback_opened", "operator"]
    assert scene.heard(row, "inquiry") == {}  # It has left that state.


def test_an_inquiry_that_becomes_one_is_news_to_operators_alone(scene: Scene) -> None:
    row = scene.says(ChargebackState.INQUIRY, taken_minor=0, fee_minor=0)
    assert len(scene.heard(row, "inquiry")) == 3
    scene.says(ChargebackState.OPEN)
    letters.chargeback_moved(scene.db, STATIONERY, chargeback_id=row.id, state="open")
    with scene.db.reading() as session:
        events = session.scalars(
            sa.select(Letter.event).where(Letter.event.startswith("chargeback_")).order_by(Letter.id)
        ).all()
    assert sorted(events) == [
        "chargeback_expert",
        "chargeback_lead",
        "chargeback_opened",
        "chargeback_opened",
    ]


def test_the_deadline_is_told_once_while_nobody_has_sent(scene: Scene) -> None:
    row = scene.says(ChargebackState.OPEN)
    assert letters.remind_of_chargebacks(scene.db, STATIONERY) == 0
    assert row.evidence_due is not None
    scene.clock.move_to(row.evidence_due - timedelta(hours=49))
    assert letters.remind_of_chargebacks(scene.db, STATIONERY) == 1
    assert letters.remind_of_chargebacks(scene.db, STATIONERY) == 1
    assert set(scene.all()) == {("chargeback_due", "operator")}
    scene.clock.move(timedelta(hours=24))
    assert letters.remind_of_chargebacks(scene.db, STATIONERY) == 0
    chargebacks.run_clock(scene.db, site="Déclic")


@pytest.mark.parametrize("state", [ChargebackState.WON, ChargebackState.LOST, ChargebackState.INQUIRY_CLOSED])
def test_the_end_is_told_to_operators_and_the_expert(scene: Scene, state: ChargebackState) -> None:
    scene.ended()
    asked = state is ChargebackState.INQUIRY_CLOSED
    money = {"taken_minor": 0, "fee_minor": 0} if asked else {}
    row = scene.says(ChargebackState.INQUIRY if asked else ChargebackState.OPEN, **money)
    scene.says(state, **({"taken_minor": 0} if state is ChargebackState.WON else money))
    if state is ChargebackState.LOST:
        assert scene.heard(row, "lost") == {}  # Told once it is in the books.
    heard = scene.heard(row, "booked" if state is ChargebackState.LOST else state.value)
    assert set(heard) == {("chargeback_ended", "operator"), ("chargeback_over_expert", "expert")}


def test_a_booking_called_off_by_it_has_its_own_letters(scene: Scene) -> None:
    row = scene.says(ChargebackState.LOST)
    assert set(scene.heard(row, "booked")) == {("chargeback_ended", "operator")}


def test_a_share_that_goes_back_is_told_with_its_amount(scene: Scene) -> None:
    scene.ended()
    row = scene.says(ChargebackState.OPEN)
    chargebacks.say_otherwise(
        scene.db, scene.boss, chargeback_id=row.id, booked_as="refund", reason="Nobody came."
    )
    scene.says(ChargebackState.LOST)
    over = scene.heard(row, "booked")["chargeback_over_expert", "expert"]
    # The price with its VAT, less the commission of 10 % and the VAT on it.
    assert ("1\u202f296,00\u202f€" if scene.language == "fr" else "€1,296.00") in over


def test_one_settled_beforehand_is_told_to_operators_alone(scene: Scene) -> None:
    row = scene.says(ChargebackState.PREVENTED, taken_minor=0, fee_minor=0)
    assert set(scene.heard(row, "prevented")) == {("chargeback_ended", "operator")}
