"""Money pages of both sides: a session's course, statements, payments and receipts; each for its own people alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.domain.money import EUR
from marketplace.domain.pricing import Quote
from marketplace.services.statements import statement
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import Payment, Refund
from marketplace.web.buyer.receipts import receipt_paper
from marketplace.web.expert.statements import statement_paper
from tests import factories as make
from tests.clock import FakeClock

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def made(db: Database) -> make.Made:
    return make.booking(db, state="confirmed")


def refund(db: Database, made: make.Made, **values: Any) -> None:
    payment = make.payment_of(db, made)
    with db.transaction() as tx:
        told = {"payment_id": payment.id, "amount_minor": 79_200, "lines": {"price": 60_000, "seller_vat": 12_000},
                "after_share": False, "why": "test", "decided_at": tx.now, "currency": EUR}  # fmt: skip
        tx.session.add(Refund(token=f"t{payment.id}", **(told | values)))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_course_of_a_sessions_money_names_the_providers_objects(
    db: Database, browser: Browser, made: make.Made, language: str
) -> None:
    payment = make.payment_of(db, made)
    reference = make.read(db, made).reference
    page = browser(made.seller.person).get(f"/{language}/expert/money/{reference}").text
    assert str(payment.intent_id) in page
    assert str(payment.charge_id) in page
    assert made.lead.company.name in page


def test_nobody_else_reads_it(db: Database, browser: Browser, made: make.Made) -> None:
    reference = make.read(db, made).reference
    for other in (make.seller(db).person, made.lead.person, make.person(db)):
        assert browser(other).get(f"/en/expert/money/{reference}").status_code == 404
    for path in (f"/en/bookings/{reference}/receipt", f"/en/bookings/{reference}/receipt.pdf"):
        assert browser(made.seller.person).get(path).status_code == 404
        assert browser(made.lead.person).get(path).status_code == 200


def test_what_the_bank_contests_is_frozen_in_words(db: Database, browser: Browser, made: make.Made) -> None:
    with db.transaction() as tx:
        tx.session.get_one(Payment, make.payment_of(db, made).id).frozen_by = "du_1"
    page = browser(made.seller.person).get("/en/expert/money").text
    assert "Frozen" in page
    assert "the client’s bank contests the payment" in page


def test_what_is_asked_stands_on_the_page_with_its_cure(db: Database, browser: Browser) -> None:
    seller = make.seller(
        db, account_status="restricted", account_asks=["identity.individual.date_of_birth", "new.word"]
    )
    page = browser(seller.person).get("/en/expert/money").text
    for words in (
        "your date of birth",
        "what the provider calls “new.word”",
        'action="/en/expert/account/onboarding"',
    ):
        assert words in page


def test_payments_tell_where_each_refund_is(db: Database, browser: Browser, made: make.Made) -> None:
    here = browser(made.lead.person)
    assert str(make.payment_of(db, made).intent_id) in here.get("/en/payments").text
    refund(db, made, state="failed")
    page = here.get("/en/payments").text
    assert "your bank refused it" in page
    assert "€792.00 did not arrive: we owe them to you." in page
    assert "No payment yet" in browser(make.lead(db).person).get("/en/payments").text


def test_more_payments_cost_no_more_statements(
    db: Database, browser: Browser, made: make.Made, count_queries: Any
) -> None:
    here = browser(made.lead.person)
    here.get("/en/payments")
    costs = []
    for _ in range(2):
        with count_queries() as counted:
            here.get("/en/payments")
        costs.append(counted.number)
        make.booking(db, state="confirmed", by=made.lead)
    assert costs[0] == costs[1]


def test_a_statement_is_a_pdf_and_says_the_ledgers_amounts(
    app: Flask, db: Database, browser: Browser, made: make.Made, clock: FakeClock
) -> None:
    here = browser(made.seller.person)
    answer = here.get("/en/expert/money/statements/2026-11.pdf")
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    for month in ("2027-01", "november", "0000-00"):
        assert here.get(f"/en/expert/money/statements/{month}.pdf").status_code == 404
    with app.test_request_context("/fr/"), db.reading() as session:
        expert = session.get_one(Expert, made.seller.expert.id)
        paper = statement_paper(
            statement(session, expert.id, clock.now.date().replace(day=1), clock.now), expert, {}
        )
    assert paper.tables[0].rows[0].cells[-1] == paper.tables[0].rows[-1].cells[-1] == "0,00"


def test_a_receipts_paper_adds_up(app: Flask, db: Database, made: make.Made) -> None:
    from marketplace.services.bookings.reading import booking_page
    from marketplace.storage.bookings import Booking

    with app.test_request_context("/en/"), db.reading() as session:
        page = booking_page(session, session.get_one(Booking, made.id))
        quote = page.quote
        assert isinstance(quote, Quote)
        paper = receipt_paper(page, quote, "Europe/Paris")
    assert [row.cells[1] for row in paper.tables[0].rows] == [
        "€1,200.00",
        "€240.00",
        "€120.00",
        "€24.00",
        "€1,584.00",
    ]
    assert made.lead.company.legal_name in " ".join(paper.parties[2][1])
