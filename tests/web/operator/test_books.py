"""The ledger's pages: what stands, months and accounts, every cent of a booking, the export; our own payouts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.domain.months import begins
from marketplace.services import ledger
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerCheck
from marketplace.storage.people import Person
from marketplace.web.operator.ledger import safe_cell
from tests import factories as make
from tests.clock import FakeClock
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
DECEMBER = date(2026, 12, 1)


@pytest.fixture
def boss(db: Database) -> Person:
    return make.person(db, name="Odile Marchal", operator=True)


@pytest.fixture
def here(browser: Browser, boss: Person) -> FlaskClient:
    return browser(boss)


def words(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", text)


def note(db: Database, **values: Any) -> None:
    with db.transaction() as tx:
        told = {"took_ms": 1, "since": tx.now, "schedule": "manual", "defects": 0, "shortfall_minor": 0,
                "findings": [], "stopped": False}  # fmt: skip
        tx.session.add(LedgerCheck(at=tx.now, **(told | values)))


class TestEveryCent:
    def test_a_booking_is_told_in_sentences_and_adds_up(self, db: Database, here: FlaskClient) -> None:
        made = make.booking(db, state="confirmed")
        payment = make.payment_of(db, made)
        page = words(here.get(f"/en/operator/bookings/{make.read(db, made).reference}"))
        assert "Foncière Calvière paid €1,584.00 by card" in page
        assert "The provider kept €23.15 for the payment" in page
        assert str(payment.intent_id) in page
        number = make.read(db, made).number
        assert f"Held for booking {number}" in page
        assert "It adds up: both sides are €1,584.00, to the cent." in page

    def test_the_same_in_french(self, db: Database, here: FlaskClient) -> None:
        made = make.booking(db, state="confirmed")
        page = words(here.get(f"/fr/operator/bookings/{make.read(db, made).reference}"))
        assert "a payé 1 584,00 € par carte" in page.replace("\u202f", " ").replace("\xa0", " ")
        assert "Le compte est juste" in page

    def test_more_entries_are_not_more_statements(
        self, db: Database, here: FlaskClient, count_queries: Any
    ) -> None:
        make.booking(db, state="confirmed")
        with count_queries() as few:
            here.get("/en/operator/ledger")
        for _ in range(3):
            make.booking(db, state="confirmed")
        with count_queries() as many:
            here.get("/en/operator/ledger")
        assert many.number == few.number


class TestTheLedger:
    def test_what_the_last_check_found_is_told(self, db: Database, here: FlaskClient) -> None:
        assert "Not checked yet" in words(here.get("/en/operator/ledger"))
        note(db)
        assert "The books hold" in words(here.get("/en/operator/ledger"))
        finding = ledger.Finding("amount", "tr_1", "transfer", 100, 200)
        note(db, defects=1, findings=[finding.as_dict()], stopped=True)
        page = words(here.get("/en/operator/ledger"))
        assert "Transfers and payouts are stopped" in page
        assert "tr_1: €1.00 in the ledger, €2.00 by our records." in page
        note(db, shortfall_minor=2_315, schedule="daily")
        page = words(here.get("/en/operator/ledger"))
        assert "€23.15 are missing" in page
        assert "The provider pays our money out by itself" in page

    def test_every_finding_has_its_words(self, db: Database, here: FlaskClient) -> None:
        kinds = ledger.checking._TEXTS
        findings = [ledger.Finding(kind, "x", "captured", 1, 2).as_dict() for kind in kinds]
        note(db, defects=len(findings), findings=findings)
        assert here.get("/fr/operator/ledger").status_code == 200

    def test_a_month_its_accounts_and_their_entries(self, db: Database, here: FlaskClient) -> None:
        made = make.booking(db, state="confirmed")
        number = make.read(db, made).number
        month = words(here.get("/en/operator/ledger/2026-11"))
        assert "Open: it still changes." in month
        assert "Held for bookings 1 account €0.00 €0.00 €1,440.00 −€1,440.00" in month
        accounts = words(here.get("/en/operator/ledger/2026-11/held"))
        assert f"Held for booking {number}" in accounts
        entries = words(here.get(f"/en/operator/ledger/2026-11/held/held:{made.id}"))
        assert "Payment taken" in entries
        assert number in entries

    @pytest.mark.parametrize(
        "path", ["2026-13", "x", "2026-11/nothing", "2026-11/held/service_fee", "2026-11.txt"]
    )
    def test_what_is_no_month_and_no_account_is_not_there(self, here: FlaskClient, path: str) -> None:
        assert here.get(f"/en/operator/ledger/{path}").status_code == 404

    def test_a_month_is_closed_by_hand_once_it_is_over(
        self, db: Database, here: FlaskClient, clock: FakeClock
    ) -> None:
        make.booking(db, state="confirmed")
        assert send(here, "/en/operator/ledger/close", {"month": "2026-11"}).status_code == 422
        clock.move_to(begins(DECEMBER) + timedelta(hours=2))
        assert "Close November 2026" in words(here.get("/en/operator/ledger"))
        assert send(here, "/en/operator/ledger/close", {"month": "2026-11"}).status_code == 303
        page = words(here.get("/en/operator/ledger/2026-11"))
        assert "by Odile Marchal: it stands for ever" in page
        assert send(here, "/en/operator/ledger/close", {"month": "2026-11"}).status_code == 422


class TestTheExport:
    def rows(self, here: FlaskClient, lang: str = "en") -> list[list[str]]:
        answer = here.get(f"/{lang}/operator/ledger/2026-11.csv")
        assert answer.mimetype == "text/csv"
        text = answer.text.removeprefix("\ufeff")
        return list(csv.reader(io.StringIO(text), delimiter=";" if lang == "fr" else ","))

    def test_every_entry_with_both_times_number_and_object(self, db: Database, here: FlaskClient) -> None:
        made = make.booking(db, state="confirmed")
        head, *rows = self.rows(here)
        assert head[:2] == ["Time, UTC", "Time, Paris"]
        with db.reading() as session:
            entries = [entry for group in ledger.entries_of(session, made.id) for entry in group.entries]
        assert len(rows) == len(entries)
        first = rows[0]
        assert first[0] < first[1], "Paris is ahead"
        assert first[6] == make.read(db, made).number
        assert sum(round(float(row[9] or 0) * 100) for row in rows) == sum(
            round(float(row[10] or 0) * 100) for row in rows
        )

    def test_french_spreadsheets_read_commas(self, db: Database, here: FlaskClient) -> None:
        make.booking(db, state="confirmed")
        assert "1584,00" in {row[9] for row in self.rows(here, "fr")}

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=x"])
    def test_no_cell_is_a_formula(self, text: str) -> None:
        assert safe_cell(text) == f"'{text}"
        assert safe_cell("CA3 11/26") == "CA3 11/26"


class TestOurOwnMoney:
    def test_the_page_stands_while_the_provider_is_silent(self, here: FlaskClient) -> None:
        page = words(here.get("/en/operator/payouts"))
        assert "The provider does not say now what the balance is" in page
        assert send(here, "/en/operator/payouts", {"amount": "10", "seen": "20.00"}).status_code == 503

    def test_vat_is_noted_with_its_day_and_reference(
        self, db: Database, here: FlaskClient, clock: FakeClock
    ) -> None:
        make.booking(db, state="confirmed")
        clock.move_to(begins(DECEMBER) + timedelta(days=1))
        ledger.close_due(db)
        asked = {"month": "2026-11", "paid_on": "2026-12-02", "reference": ""}
        refused = send(here, "/en/operator/payouts/vat", asked)
        assert refused.status_code == 422
        assert "The reference of the payment is missing." in words(refused)
        assert 'value="2026-12-02"' in refused.text
        assert send(here, "/en/operator/payouts/vat", asked | {"reference": "CA3 11/26"}).status_code == 303
        assert "€24.00, paid on" in words(here.get("/en/operator/payouts"))
        assert send(here, "/en/operator/payouts/vat", asked | {"month": "x"}).status_code == 404
