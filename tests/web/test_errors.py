"""Error pages: in both languages, with their status, keeping what was typed, and without a database."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.domain import errors
from marketplace.storage.db import Database, connect
from marketplace.web import refusals
from tests import factories as make
from tests.clock import START
from tests.web.conftest import form_token, send

Browser = Callable[[Any], FlaskClient]
FACTS: dict[str, dict[str, Any]] = {
    "ApprovalAnswered": {"answer": "approved"},
    "CurrencyMismatch": {"ours": "EUR", "theirs": "USD"},
    "MonthRefused": {"why": "open"},
    "ChargebackRefused": {"why": "sent"},
    "RepaymentRefused": {"why": "reference"},
    "PlatformPayoutRefused": {"why": "too_much", "most": 100},
    "VatPaymentRefused": {"why": "day"},
    "MoveNotOpen": {"state": "held", "move": "accept"},
    "TooLate": {"deadline": START},
    "SlotTaken": {"nearest": [(START, START)]},
    "TooManyHolds": {"limit": 2, "whose": "person"},
    "BriefIncomplete": {"missing": ("context", "decision")},
    "TermsNotAccepted": {"missing": ("charter", "conflict")},
    "BillingMissing": {"missing": ("city",)},
    "VatNumberWrong": {
        "why": "short",
        "country": "FR",
        "prefix": "FR",
        "needed": 11,
        "least": 11,
        "missing": 2,
    },
    "PaymentWindowClosed": {"last": START},
    "NoTimeToApprove": {"until": START, "least": START - START},
    "RefundTooLarge": {"asked": 500, "left": 400},
    "RefundChanged": {"shown": 500, "now": 400},
    "ReviewClosed": {"why": "over"},
    "FreeMailAddress": {"domain": "gmail.com"},
    "TooManyTries": {"until": START},
    "WeakPassword": {"why": "short", "least": 12, "most": 128},
    "DataFileWrong": {"problems": [("offers.jsonl", 3, "price", "missing")]},
    "ShortlistFull": {"most": 30},
    "TooManyQuestions": {"limit": 3, "whose": "person"},
    "TooManyEnquiries": {"limit": 3},
    "TooManyInvited": {"limit": 8},
    "SavedSearchesFull": {"most": 20},
    "TextRefused": {"why": "too_long", "most": 200},
    "PriceRefused": {"least": 20000, "most": 2000000},
    "HoursRefused": {"why": "too_many", "most": 50},
    "RegistrationWrong": {"country": "FR", "why": "short"},
    "CountryNotServed": {"country": "BR"},
    "AddressOfAnotherCompany": {"domain": "firm.example"},
    "ApprovalNeeded": {"total": 158_400},
    "ApproverStands": {"name": "Nadia"},
    "ApproverWrong": {"why": "elsewhere", "domain": "firm.example"},
    "BetweenTheSides": {"until": START},
    "BusyCalendarRefused": {"why": "name_missing"},
    "EvidenceRefused": {"why": "size", "name": "photo.png"},
    "QueueRefused": {"why": "order"},
    "RescheduleOver": {"state": "withdrawn"},
    "RescheduleRefused": {"why": "three"},
}
KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refusal)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not errors.Refusal], ids=lambda k: k.__name__)
def test_every_refusal_is_said_in_both_languages(app: Flask, kind: type[errors.Refusal]) -> None:
    refusal = kind(**FACTS.get(kind.__name__, {}))
    said = []
    for language in ("fr", "en"):
        with app.test_request_context(f"/{language}/"):
            said.append(refusals.sentence(refusal))
            assert 400 <= refusals.status(refusal) < 600
    assert said[0] != said[1]
    assert all(len(text) > 10 and "%(" not in text and "<" not in text for text in said)


def test_the_vat_sentence_says_what_is_missing(app: Flask) -> None:
    wrong = errors.VatNumberWrong(**FACTS["VatNumberWrong"])
    with app.test_request_context("/en/"):
        assert refusals.sentence(wrong) == (
            "2 characters are missing: a VAT number of this country (France) has 11 after FR."
        )


@pytest.mark.parametrize(
    ("path", "status", "french"),
    [
        ("/fr/rien", 404, "Cette page n’existe pas"),
        ("/fr/%00", 400, "illisible"),
        ("/fr/verify/x", 410, "plus valable"),
    ],
)
def test_pages_in_french(client: FlaskClient, path: str, status: int, french: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert french in answer.text
    assert '<html lang="fr"' in answer.text


def test_a_method_a_page_does_not_take(client: FlaskClient) -> None:
    answer = client.put("/en/terms")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_too_much_at_once(client: FlaskClient) -> None:
    answer = client.post("/en/sign-up", data={"name": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "one megabyte" in answer.text


class Sent(io.BytesIO):
    """A body that knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        part = super().read(size)
        self.taken += len(part)
        return part


def test_what_is_too_much_is_let_arrive_so_that_the_answer_does(client: FlaskClient) -> None:
    """A browser sends all before it reads: a server that hangs up meanwhile shows it a cut line."""
    body = Sent(b"x" * 3_000_000)
    answer = client.post(
        "/en/sign-up", input_stream=body, content_length=3_000_000,
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert (answer.status_code, body.taken) == (413, 3_000_000)


def test_a_form_open_too_long_keeps_what_was_typed(browser: Browser, db: Database) -> None:
    here = browser(make.lead(db).person)
    typed = {"name": 'Camille "C" <D>', "language": "en", "zone": "Europe/Paris", "csrf_token": "old"}
    answer = here.post("/en/preferences", data=typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 403
    assert "Nothing was lost" in answer.text
    assert f'value="{html.escape(typed["name"]).replace("&quot;", "&#34;")}"' in answer.text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', answer.text)[-1]
    assert here.post("/en/preferences", data={**typed, "csrf_token": token}).status_code == 303


def test_another_sites_words_are_not_offered_to_be_sent(browser: Browser, db: Database) -> None:
    """Else a foreign page could have one confirm its own words by a click on ours."""
    here = browser(make.lead(db).person)
    typed = {"name": "Words of theirs", "language": "en", "zone": "Europe/Paris"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = here.post("/en/preferences", data=typed, headers=headers)
        assert answer.status_code == 403
        assert "Words of theirs" not in answer.text


def test_the_autosave_gets_a_sentence(client: FlaskClient, db: Database) -> None:
    reference = make.read(db, make.booking(db)).reference
    data = {"csrf_token": form_token(client), "subject": "x"}
    answer = client.post(f"/en/bookings/{reference}/brief/subject", data=data, headers={"X-Autosave": "1"})
    assert answer.status_code == 401
    assert "Sign in again" in answer.get_json()["error"]


def test_a_refusal_nobody_caught_has_its_page(browser: Browser, db: Database) -> None:
    made = make.booking(db, state="held")
    here = browser(made.lead.person)
    reference = make.read(db, made).reference
    answer = send(
        here,
        f"/en/bookings/{reference}/confirm",
        headers={"Referer": f"http://localhost/en/bookings/{reference}"},
    )
    assert answer.status_code == 409
    assert f'href="/en/bookings/{reference}"' in answer.text


@pytest.fixture
def unreachable(app: Flask) -> Any:
    """The application with a database that does not answer."""
    whole = app.extensions["declic"]
    engine = connect("postgresql+psycopg://postgres@127.0.0.1:9/none")
    app.extensions["declic"] = dataclasses.replace(whole, db=Database(engine, clock=whole.clock))
    yield app
    app.extensions["declic"] = whole
    engine.dispose()


@pytest.mark.parametrize("path", ["/fr/offers?q=compteurs", "/en/verify/xyz", "/dev/login"])
def test_without_a_database_everything_says_when_to_come_back(unreachable: Flask, path: str) -> None:
    guest = unreachable.test_client()
    answer = guest.get(path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "<h1>" in answer.text
    guest.set_cookie("declic", "x" * 43)
    assert guest.get("/en/terms").status_code == 503


def test_a_fault_of_ours_has_a_number(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> str:
        raise KeyError("secret detail")

    kept = app.view_functions["public.terms"]
    app.view_functions["public.terms"] = broken
    try:
        answer = client.get("/en/terms")
    finally:
        app.view_functions["public.terms"] = kept
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    number = re.search(r"\b[0-9a-f]{8}\b", answer.text)
    assert number
    assert number.group() in caplog.text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "You already hold 2 slots"), ("fr", "Vous gardez déjà 2 créneaux")]
)
def test_who_holds_too_many_is_led_to_each_of_them(
    browser: Browser, db: Database, language: str, words: str
) -> None:
    lead = make.lead(db)
    held = [make.booking(db, by=lead) for _ in range(2)]
    offer = make.offer(db, make.seller(db).expert)
    slot = make.first_slot(db, offer.id).isoformat()
    answer = send(
        browser(lead.person), f"/{language}/offers/{offer.slug}/slots", {"slot": slot, "format": "remote"}
    )
    assert answer.status_code == 409
    assert words in answer.text
    for made in held:
        line = answer.text.split(f'<li><a href="/{language}/bookings/{make.read(db, made).reference}">')[1]
        assert line.startswith('<span lang="fr">Poser 38 000 compteurs</span>, ')
    theirs = make.booking(db)
    assert make.read(db, theirs).reference not in answer.text
