"""A refund that failed, from what we owe to the note that it was paid, and who may write it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.domain.refunds import refund_amount
from marketplace.services import ledger, payments
from marketplace.services.disputes import quote_and_before
from marketplace.services.payments.outcomes import fail_refund
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, Refund, Repayment
from marketplace.storage.people import AuditRow
from tests import factories as make
from tests.web.conftest import send


class Owed:
    """A confirmed booking of which a refund has failed."""

    def __init__(self, db: Database, minor: int) -> None:
        self.db = db
        self.made = make.booking(db, state="confirmed")
        with db.transaction() as tx:
            booking = tx.session.get_one(Booking, self.made.id)
            quote, before, payment = quote_and_before(tx.session, booking)
            assert payment is not None
            refund = payments.decide_refund(
                tx,
                payment,
                lines=refund_amount(quote, minor, before).lines,
                token=f"r/{self.made.id}",
                why="test",
            )
            fail_refund(tx, payment, refund, "expired_or_canceled_card")
            self.refund_id, self.company_id = refund.id, payment.payer_company_id
        self.url = f"/en/operator/bookings/{make.read(db, self.made).reference}/repay"

    @property
    def owed(self) -> int:
        with self.db.reading() as session:
            assert [one.text for one in ledger.check(session) if not one.shortfall] == []
            return ledger.balance(session, f"buyer:{self.company_id}:owed")

    def note(self, browser: FlaskClient, reference: str = "SEPA 2026-11-17 0042") -> Any:
        return send(browser, self.url, data={"refund": str(self.refund_id), "reference": reference})

    def waiting(self) -> uuid.UUID:
        with self.db.reading() as session:
            return session.scalars(sa.select(Repayment.id).where(Repayment.dropped_at.is_(None))).one()


@pytest.fixture
def boss(db: Database, browser: Any) -> FlaskClient:
    found: FlaskClient = browser(make.person(db, name="Odile Marchal", operator=True))
    return found


@pytest.fixture
def other(db: Database, browser: Any) -> FlaskClient:
    found: FlaskClient = browser(make.person(db, name="Paul Roussel", operator=True))
    return found


def test_what_we_owe_is_shown_and_noted_as_paid(db: Database, boss: FlaskClient) -> None:
    case = Owed(db, 50_000)
    assert case.url in boss.get(case.url.removesuffix("/repay")).text
    page = boss.get(case.url).text
    assert "€500.00" in page
    assert "expired_or_canceled_card" in page
    empty = case.note(boss, "  ")
    assert empty.status_code == 422
    assert "Give the reference" in empty.text
    assert case.owed == -50_000
    assert case.note(boss).status_code == 303
    assert case.owed == 0
    assert "SEPA 2026-11-17 0042" in boss.get(case.url).text
    again = case.note(boss)
    assert again.status_code == 422
    with db.reading() as session:
        acts = session.scalars(sa.select(AuditRow.act).where(AuditRow.act.startswith("repayment."))).all()
    assert acts == ["repayment.made"]


def test_above_the_limit_a_second_operator_confirms(
    db: Database, boss: FlaskClient, other: FlaskClient
) -> None:
    case = Owed(db, 120_000)
    case.note(boss)
    assert case.owed == -120_000
    yes = f"{case.url}/{case.waiting()}/yes"
    assert yes not in boss.get(case.url).text
    assert re.search(re.escape(yes), other.get(case.url).text)
    assert send(boss, yes).status_code == 409
    assert case.note(boss).status_code == 422  # It waits already.
    assert send(other, f"{case.url}/{case.waiting()}/no").status_code == 303
    case.note(other, "SEPA 2")
    assert send(boss, f"{case.url}/{case.waiting()}/yes").status_code == 303
    assert case.owed == 0
    assert send(boss, f"{case.url}/{case.waiting()}/yes").status_code == 422


def test_of_another_booking_or_not_failed_it_is_nothing(db: Database, boss: FlaskClient) -> None:
    case, stranger = Owed(db, 50_000), Owed(db, 60_000)
    for refund in (str(stranger.refund_id), str(uuid.uuid4()), "nonsense", ""):
        assert send(boss, case.url, data={"refund": refund, "reference": "x"}).status_code == 404
    with db.transaction() as tx:
        tx.session.execute(sa.update(Refund).where(Refund.id == case.refund_id).values(state="done"))
    assert case.note(boss).status_code == 404


def test_an_operator_pays_nothing_to_themselves(db: Database, browser: Any) -> None:
    case = Owed(db, 50_000)
    with db.transaction() as tx:
        lead = tx.session.merge(case.made.lead.person)
        lead.operator = True
        payment = tx.session.scalars(sa.select(Payment).where(Payment.subject == case.made.id)).one()
        assert payment.payer_company_id == case.company_id
    assert case.note(browser(case.made.lead.person)).status_code == 409
    assert case.owed == -50_000
