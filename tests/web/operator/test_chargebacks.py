"""Chargebacks on the operators' pages: the list by deadline, the evidence as it is sent, the books otherwise."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.gateways.payments import ChargebackState
from marketplace.services import bookings, chargebacks
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.db import Database
from tests import factories as make
from tests.clock import FakeClock
from tests.queries import counting
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
SITE = "Déclic"


@pytest.fixture
def desk(db: Database, browser: Browser) -> FlaskClient:
    return browser(make.person(db, name="Odile Marchal", operator=True))


def contested(
    db: Database, state: ChargebackState = ChargebackState.OPEN, **more: Any
) -> tuple[make.Made, Chargeback]:
    made = make.booking(db, state="confirmed")
    row = make.bank_says(db, make.payment_of(db, made).id, state, **more)
    chargebacks.stage(db, row.id, site=SITE)
    return made, read(db, row)


def read(db: Database, row: Chargeback) -> Chargeback:
    with db.reading() as session:
        return session.get_one(Chargeback, row.id)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_list_leads_to_one_with_its_evidence(db: Database, desk: FlaskClient, language: str) -> None:
    made, row = contested(db)
    number = make.read(db, made).number
    page = desk.get(f"/{language}/operator/chargebacks").text
    assert number in page
    assert f"/{language}/operator/chargebacks/{row.id}" in page
    one = desk.get(f"/{language}/operator/chargebacks/{row.id}")
    assert one.status_code == 200
    assert row.provider_id in one.text
    for text in row.evidence.values():
        assert text.splitlines()[0] in html.unescape(one.text)
    about = desk.get(f"/{language}/operator/bookings/{make.read(db, made).reference}").text
    assert f"/{language}/operator/chargebacks/{row.id}" in about


def test_own_words_are_kept_and_sent_once(db: Database, desk: FlaskClient) -> None:
    _made, row = contested(db)
    address = f"/en/operator/chargebacks/{row.id}"
    said = {"words": "The session is booked & agreed; <b>nobody</b> cancelled it."}
    assert send(desk, f"{address}/statement", said).status_code == 303
    page = desk.get(address).text
    assert "&lt;b&gt;nobody" in page
    stale = {"shown": chargebacks.digest(row.evidence)}
    refused = send(desk, f"{address}/send", stale)
    assert refused.status_code == 409
    assert "built anew" in refused.text
    shown = {"shown": chargebacks.digest(read(db, row).evidence)}
    assert send(desk, f"{address}/send", shown).status_code == 303
    assert read(db, row).sent_at is not None
    again = send(desk, f"{address}/send", shown)
    assert again.status_code == 409
    assert "can be sent once" in again.text
    assert "Send the evidence" not in desk.get(address).text


def test_the_books_otherwise_need_a_reason_and_keep_what_was_typed(db: Database, desk: FlaskClient) -> None:
    _made, row = contested(db)
    address = f"/en/operator/chargebacks/{row.id}"
    missing = send(desk, f"{address}/books", {"booked_as": "loss", "reason": ""})
    assert missing.status_code == 422
    assert 'value="loss" checked' in missing.text
    unsaid = send(desk, f"{address}/books", {"reason": "Agreed."})
    assert unsaid.status_code == 409
    assert "Choose how it is booked." in unsaid.text
    assert send(desk, f"{address}/books", {"booked_as": "loss", "reason": "Agreed."}).status_code == 303
    assert "our loss, whatever became of the session" in desk.get(address).text
    assert send(desk, f"{address}/books", {"booked_as": "gift", "reason": "x"}).status_code == 404


@pytest.mark.parametrize("state", list(ChargebackState))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_state_has_its_page(
    db: Database, clock: FakeClock, desk: FlaskClient, state: ChargebackState, language: str
) -> None:
    made = make.booking(db, state="confirmed")
    payment = make.payment_of(db, made)
    clock.move_to(make.read(db, made).ends_at)
    bookings.run_clock(db, None)  # type: ignore[arg-type]
    quiet = state.value.startswith("inquiry") or state is ChargebackState.PREVENTED
    money = {"taken_minor": 0, "fee_minor": 0} if quiet else {}
    if state is ChargebackState.WON:
        make.bank_says(db, payment.id, ChargebackState.OPEN)
        money = {"taken_minor": 0}
    row = make.bank_says(db, payment.id, state, **money)
    assert desk.get(f"/{language}/operator/chargebacks/{row.id}").status_code == 200
    tabs = [desk.get(f"/{language}/operator/chargebacks?tab={tab}").text for tab in chargebacks.TABS]
    assert sum(str(row.id) in page for page in tabs) == 1


def test_a_booked_loss_becomes_a_refund_by_a_button(
    db: Database, clock: FakeClock, desk: FlaskClient
) -> None:
    made = make.booking(db, state="confirmed")
    clock.move_to(make.read(db, made).ends_at)
    bookings.run_clock(db, None)  # type: ignore[arg-type]
    row = make.bank_says(db, make.payment_of(db, made).id, ChargebackState.LOST)
    address = f"/en/operator/chargebacks/{row.id}"
    assert "Make it a refund" in desk.get(address).text
    typed = {"booked_as": "refund", "reason": "The expert never came."}
    assert send(desk, f"{address}/books", typed).status_code == 303
    assert "Make it a refund" not in desk.get(address).text
    assert send(desk, f"{address}/books", typed).status_code == 409
    assert read(db, row).covered_minor == read(db, row).loss_minor


def test_the_list_takes_as_many_statements_whatever_stands_in_it(db: Database, desk: FlaskClient) -> None:
    contested(db)
    with counting(db.engine) as few:
        desk.get("/en/operator/chargebacks")
    for _ in range(3):
        contested(db)
    with counting(db.engine) as many:
        desk.get("/en/operator/chargebacks")
    assert many.number == few.number


def test_without_a_deadline_it_says_so(db: Database, desk: FlaskClient) -> None:
    _made, row = contested(db, evidence_due=None)
    assert "sent only when you send it" in desk.get(f"/en/operator/chargebacks/{row.id}").text
    with db.reading() as session:
        assert session.scalar(sa.select(Chargeback.evidence_due)) is None


def test_pages_go_on_by_their_last_line(db: Database, desk: FlaskClient, clock: FakeClock) -> None:
    ids = []
    for _ in range(21):
        _made, row = contested(db)
        ids.append(str(row.id))
        clock.move(timedelta(minutes=1))
    first = desk.get("/en/operator/chargebacks").text
    assert sum(one in first for one in ids) == 20
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following
    assert ids[-1] in desk.get(following.group(1).replace("&amp;", "&")).text
