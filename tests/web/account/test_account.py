"""Accounts as a browser meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.domain.events import AddressKnownAlready, LinkAsked
from marketplace.services import people
from marketplace.storage.db import Database
from marketplace.storage.people import LogIn, Person
from tests import factories as make
from tests.clock import FakeClock
from tests.web.conftest import form_token, send

GOOD = "trombone vert lune 42"
WORDS = {"email": "ana@acme.example", "name": "Ana Ruiz", "company": "", "terms": "y"}
Browser = Callable[[Any], FlaskClient]


def link(db: Database, person_id: Any, purpose: str) -> str:
    with db.transaction() as tx:
        return people.new_link(tx, person_id, purpose)


def visible(page: str) -> str:
    """A page without what is drawn anew each time."""
    return re.sub(r'name="csrf_token"[^>]*>', "", page)


def test_from_signing_up_to_being_in(client: FlaskClient, db: Database, announced: list[Any]) -> None:
    asked = send(client, "/fr/sign-up", WORDS)
    assert (asked.status_code, asked.location) == (303, "/fr/check-mail")
    assert "48 heures" in client.get("/fr/check-mail").text
    (event,) = announced
    assert event == LinkAsked(event.person_id, "verify")
    address = f"/fr/verify/{link(db, event.person_id, 'verify')}"
    for _ in range(2):  # A mail scanner opens it first: nothing happens by looking.
        page = client.get(address)
        assert page.status_code == 200
        assert "ana@acme.example" in page.text
    weak = send(client, address, {"password": "motdepasse123"})
    assert weak.status_code == 422
    assert "tout le monde essaie" in weak.text
    done = send(client, address, {"password": GOOD})
    assert (done.status_code, done.location) == (303, "/fr/bookings")
    assert "Ana Ruiz" in client.get("/fr/").text
    assert client.get(address).status_code == 410
    send(client, "/fr/log-out")
    assert "Ana Ruiz" not in client.get("/fr/").text
    back = send(client, "/fr/log-in", {"email": "ANA@acme.example ", "password": GOOD})
    assert (back.status_code, back.location) == (303, "/fr/bookings")


def test_signing_up_answers_the_same_for_a_known_address(
    client: FlaskClient, db: Database, announced: list[Any]
) -> None:
    known = make.person(db, email="known@acme.example")
    answers = [
        send(client, "/en/sign-up", WORDS | {"email": e}) for e in ("known@acme.example", "new@acme.example")
    ]
    assert len({(a.status_code, a.location, a.data) for a in answers}) == 1
    assert announced[0] == AddressKnownAlready(known.id)


def test_asking_for_a_reset_answers_the_same_for_all(client: FlaskClient, db: Database) -> None:
    make.person(db, email="known@acme.example")
    answers = [send(client, "/en/forgot", {"email": e}) for e in ("known@acme.example", "none@acme.example")]
    assert len({(a.status_code, a.location, a.data) for a in answers}) == 1


def test_log_in_answers_the_same_for_unknown_and_wrong(client: FlaskClient, db: Database) -> None:
    make.person(db, email="known@acme.example")
    pages = [
        send(client, "/en/log-in", {"email": e, "password": "wrong words entirely"})
        for e in ("known@acme.example", "other@acme.example")
    ]
    texts = {visible(page.text).replace("known@", "other@") for page in pages}
    assert [page.status_code for page in pages] == [422, 422]
    assert len(texts) == 1
    assert "do not go together" in texts.pop()


def test_what_is_wrong_stands_at_its_field(client: FlaskClient) -> None:
    page = send(client, "/en/sign-up", {"email": "ana@gmail.com", "name": "Ana Ruiz", "terms": "y"})
    assert page.status_code == 422
    assert "anybody can have one at gmail.com" in page.text
    assert 'value="Ana Ruiz"' in page.text
    empty = send(client, "/en/sign-up", {"email": "no address"})
    for sentence in ("This is not an address", "Give your name", "Without the terms"):
        assert sentence in empty.text
    assert 'aria-invalid="true"' in empty.text
    assert "<title>Error: " in empty.text


def test_managers_know_the_fields(client: FlaskClient, db: Database) -> None:
    assert 'autocomplete="current-password"' in client.get("/en/log-in").text
    assert 'autocomplete="username"' in client.get("/en/log-in").text
    person = make.person(db)
    page = client.get(f"/en/reset/{link(db, person.id, 'reset')}").text
    assert re.search(r'<input[^>]*autocomplete="new-password"[^>]*>', page)
    assert 'type="password"' in page


def test_a_new_password_ends_the_other_browser(client: FlaskClient, browser: Browser, db: Database) -> None:
    person = make.person(db, email="ana@acme.example")
    elsewhere = browser(person)
    assert elsewhere.get("/en/bookings").status_code == 200
    done = send(client, f"/en/reset/{link(db, person.id, 'reset')}", {"password": GOOD})
    assert (done.status_code, done.location) == (303, "/en/log-in")
    assert elsewhere.get("/en/bookings").location == "/en/log-in?next=/en/bookings"


def test_a_link_has_its_half_hour(client: FlaskClient, db: Database, clock: FakeClock) -> None:
    address = f"/en/reset/{link(db, make.person(db).id, 'reset')}"
    clock.move(timedelta(minutes=31))
    assert client.get(address).status_code == 410
    assert send(client, address, {"password": GOOD}).status_code == 410


def test_too_many_tries_say_when(client: FlaskClient, db: Database) -> None:
    words = {"email": "ana@acme.example", "password": "wrong words entirely"}
    answers = [send(client, "/en/log-in", words) for _ in range(6)]
    assert [a.status_code for a in answers] == [422] * 5 + [429]
    assert 1 <= int(answers[5].headers["Retry-After"]) <= 61
    assert "You can try again from" in answers[5].text


def test_signing_in_leads_where_one_was_going(client: FlaskClient, db: Database) -> None:
    person = make.person(db, demo=True)
    sent = client.get("/en/bookings?after=x")
    assert sent.status_code == 303
    assert "next=/en/bookings?after%3Dx" in sent.location
    assert 'value="/en/bookings?after=x"' in client.get(sent.location).text
    answer = send(client, "/dev/login", {"person": person.id, "next": "/en/bookings?after=x"})
    assert (answer.status_code, answer.location) == (303, "/en/bookings?after=x")
    assert send(client, "/dev/login", {"person": person.id, "next": "//evil.example/"}).location == "/fr/"


def test_what_was_typed_waits_for_the_log_in(client: FlaskClient, browser: Browser, db: Database) -> None:
    made = make.booking(db, state="held")
    with db.transaction() as tx:
        tx.session.get_one(Person, made.lead.person.id).demo = True
    reference = make.read(db, made).reference
    brief = {"subject": "Une phrase & <b>plus</b>", "revision": "1"}
    lost = send(client, f"/en/bookings/{reference}/brief/subject", brief)
    assert lost.status_code == 401
    kept = re.search(r'name="again" value="([^"]+)"', lost.text)
    assert kept
    page = send(client, "/en/log-in", {"again": kept.group(1)})
    assert page.status_code == 200
    assert "What you wrote is kept" in page.text
    chosen = send(client, "/dev/login", {"again": kept.group(1), "person": made.lead.person.id})
    assert chosen.status_code == 200
    assert f'action="/en/bookings/{reference}/brief/subject"' in chosen.text
    assert 'value="Une phrase &amp; &lt;b&gt;plus&lt;/b&gt;"' in chosen.text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', chosen.text)[-1]
    saved = client.post(f"/en/bookings/{reference}/brief/subject", data={"csrf_token": token, **brief})
    assert saved.status_code == 303


def test_a_bundle_of_words_is_ours_or_nothing(client: FlaskClient, db: Database) -> None:
    person = make.person(db, demo=True)
    for forged in ("x.y", "00.eJyLjgUAARUAuQ==", "é.é", "." * 50):
        answer = send(client, "/dev/login", {"again": forged, "person": person.id})
        assert answer.status_code == 303


def test_no_password_is_ever_kept(client: FlaskClient) -> None:
    client.get("/en/log-in")
    page = client.post(
        "/en/log-in",
        data={"email": "a@b.example", "password": GOOD},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert page.status_code == 403
    assert GOOD not in page.text


def test_preferences_of_somebody_signed_in(browser: Browser, db: Database) -> None:
    lead = make.lead(db)
    here, elsewhere = browser(lead.person), browser(lead.person)
    page = here.get("/fr/preferences")
    assert lead.person.email in page.text
    assert "Foncière Calvière" in page.text
    kept = send(here, "/fr/preferences", {"name": "Camille D.", "language": "en", "zone": "Indian/Reunion"})
    assert kept.location == "/en/preferences"
    assert "Camille D." in here.get("/en/preferences").text
    bad = send(here, "/fr/preferences", {"name": " ", "language": "en", "zone": "Indian/Reunion"})
    assert bad.status_code == 422
    with db.reading() as session:
        other = session.scalars(
            sa.select(LogIn.id).where(LogIn.person_id == lead.person.id).order_by(LogIn.id)
        ).all()[1]
    assert send(here, f"/en/preferences/log-ins/{other}/end").status_code == 303
    assert elsewhere.get("/en/bookings").status_code == 303
    third = browser(lead.person)
    send(here, "/en/preferences/log-ins/end-others")
    assert third.get("/en/bookings").status_code == 303
    assert here.get("/en/bookings").status_code == 200


def test_strangers_end_nobodys_log_in(browser: Browser, db: Database) -> None:
    mine, theirs = make.person(db), make.person(db)
    here, there = browser(mine), browser(theirs)
    with db.reading() as session:
        login = session.scalars(sa.select(LogIn.id).where(LogIn.person_id == theirs.id)).one()
    assert send(here, f"/en/preferences/log-ins/{login}/end").status_code == 404
    assert there.get("/en/bookings").status_code == 200


def test_appearance_and_zone_without_an_account(client: FlaskClient) -> None:
    dark = send(client, "/en/preferences", {"theme": "dark", "next": "/en/terms"})
    assert dark.location == "/en/terms"
    assert '<html lang="en" class="theme-dark">' in client.get("/en/").text
    send(client, "/en/preferences", {"theme": "neon"})
    assert 'class="theme-dark"' in client.get("/en/").text
    assert "data-zone-form" in client.get("/en/").text
    send(client, "/en/preferences", {"zone": "Indian/Reunion"})
    assert "data-zone-form" not in client.get("/en/").text
    send(client, "/en/preferences", {"zone": "Nowhere/Land"})
    assert client.get_cookie("zone").value == "Indian/Reunion"  # type: ignore[union-attr]


def test_the_entry_page_speaks_the_guests_language(
    client: FlaskClient, browser: Browser, db: Database
) -> None:
    assert client.get("/", headers={"Accept-Language": "en-GB,en"}).location == "/en/"
    assert client.get("/", headers={"Accept-Language": "de"}).location == "/fr/"
    assert (
        browser(make.person(db, language="en")).get("/", headers={"Accept-Language": "fr"}).location == "/en/"
    )


def test_moving_the_demo_clock(client: FlaskClient, clock: FakeClock) -> None:
    before = clock.now
    moved = send(client, "/dev/clock", {"by": "1d", "next": "/fr/terms"})
    assert (moved.status_code, moved.location) == (303, "/fr/terms")
    assert clock.now == before + timedelta(days=1)
    assert "Il est maintenant" in client.get("/fr/terms").text
    assert send(client, "/dev/clock", {"by": "-1d"}).status_code == 422
    assert form_token(client)


def test_one_click_is_for_demo_people(client: FlaskClient, db: Database) -> None:
    shown, real = make.lead(db, demo=True, name="Fabrice Entraygues"), make.person(db, name="Real Person")
    page = client.get("/dev/login").text
    assert "Fabrice Entraygues" in page
    assert "Real Person" not in page
    assert send(client, "/dev/login", {"person": real.id}).status_code == 404
    assert send(client, "/dev/login", {"person": "x"}).status_code == 404
    assert send(client, "/dev/login", {"person": shown.person.id}).location == "/fr/bookings"
