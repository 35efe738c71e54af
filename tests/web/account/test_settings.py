"""The settings page: address, password, signed-in sessions and one's own data, as a browser meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services import people
from marketplace.services.people.addresses import give_token
from marketplace.services.people.hashing import hash_password
from marketplace.storage.db import Database
from marketplace.storage.people import LogIn, MailedLink, Person
from tests import factories as make
from tests.web.conftest import send

GOOD = "trombone vert lune 42"
OTHER = "parapluie bleu midi 77"
Browser = Callable[[Any], FlaskClient]


def somebody(db: Database, **more: Any) -> Person:
    return make.person(
        db, email="ana@home.example", name="Ana Ruiz", password_hash=hash_password(GOOD), **more
    )


def link(db: Database, person: Person, purpose: str, carries: str) -> str:
    """A link as its letter makes it."""
    with db.transaction() as tx:
        give_token(people.unmailed_link(tx, person.id, purpose, carries), f"token-{purpose}")
    return f"token-{purpose}"


def test_another_address_from_the_page_to_the_mailed_link(
    browser: Browser, client: FlaskClient, db: Database
) -> None:
    person = somebody(db)
    ana = browser(person)
    assert "/en/preferences/address" in ana.get("/en/preferences").text
    wrong = send(ana, "/en/preferences/address", {"email": "new@home.example", "password": "no"})
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    assert 'value="new@home.example"' in wrong.text
    asked = send(ana, "/en/preferences/address", {"email": "new@home.example", "password": GOOD})
    assert (asked.status_code, asked.location) == (303, "/en/preferences")
    assert "new@home.example is not yours yet" in ana.get("/en/preferences").text
    address = f"/en/new-address/{link(db, person, 'change', 'new@home.example')}"
    for _ in range(2):  # A mail scanner opens it first: nothing happens by looking.
        assert "new@home.example" in client.get(address).text
    assert send(client, address).location == "/en/log-in"
    assert "new@home.example" in ana.get("/en/preferences").text
    assert client.get(address).status_code == 410
    assert send(client, address).status_code == 410


def test_the_wish_can_be_let_go(browser: Browser, db: Database) -> None:
    ana = browser(somebody(db))
    send(ana, "/fr/preferences/address", {"email": "new@home.example", "password": GOOD})
    assert send(ana, "/fr/preferences/address/forget").location == "/fr/preferences"
    assert "new@home.example" not in ana.get("/fr/preferences").text.split("<h1")[1]


def test_a_known_address_answers_like_any(browser: Browser, db: Database) -> None:
    make.person(db, email="known@home.example")
    ana = browser(somebody(db))
    pages = []
    for email in ("known@home.example", "other@home.example"):
        asked = send(ana, "/en/preferences/address", {"email": email, "password": GOOD})
        pages.append((asked.status_code, asked.location, ana.get("/en/preferences").text.replace(email, "…")))
    assert [page[:2] for page in pages] == [(303, "/en/preferences")] * 2
    assert ["is not yours yet" in page[2] for page in pages] == [True, True]


def test_who_buys_for_a_company_keeps_its_domain(browser: Browser, db: Database) -> None:
    lead = make.lead(db, domain="acme.example", password_hash=hash_password(GOOD))
    page = send(
        browser(lead.person), "/fr/preferences/address", {"email": "a@other.example", "password": GOOD}
    )
    assert page.status_code == 422
    assert "acme.example" in page.text.split("a@other.example")[0]


def test_it_was_not_me(browser: Browser, client: FlaskClient, db: Database) -> None:
    person = somebody(db)
    thief = browser(person)
    address = f"/fr/keep-address/{link(db, person, 'keep', 'ana@home.example')}"
    with db.transaction() as tx:
        tx.session.get_one(Person, person.id).email = "thief@evil.example"
    assert "ana@home.example" in client.get(address).text
    assert send(client, address).location == "/fr/check-mail?for=reset"
    assert thief.get("/fr/bookings").location == "/fr/log-in?next=/fr/bookings"
    with db.reading() as session:
        assert session.get_one(Person, person.id).email == "ana@home.example"


def test_another_password_ends_the_other_browser(browser: Browser, db: Database) -> None:
    person = somebody(db)
    here, elsewhere = browser(person), browser(person)
    weak = send(here, "/en/preferences/password", {"current": GOOD, "password": "short"})
    assert weak.status_code == 422
    wrong = send(here, "/en/preferences/password", {"current": "no", "password": OTHER})
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    page = here.get("/en/preferences/password").text
    assert 'autocomplete="current-password"' in page
    assert 'autocomplete="new-password"' in page
    done = send(here, "/en/preferences/password", {"current": GOOD, "password": OTHER})
    assert (done.status_code, done.location) == (303, "/en/preferences")
    assert here.get("/en/bookings").status_code == 200
    assert elsewhere.get("/en/bookings").status_code == 303


def test_where_one_is_signed_in(browser: Browser, db: Database) -> None:
    person = somebody(db)
    here, elsewhere = browser(person), browser(person)
    elsewhere.get("/en/", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537"})
    page = here.get("/en/preferences").text
    assert page.count("End it") == 1
    with db.reading() as session:
        ids = session.scalars(sa.select(LogIn.id).order_by(LogIn.created_at.desc())).all()
    assert send(here, f"/en/preferences/log-ins/{ids[0]}/end").location == "/en/preferences"
    assert elsewhere.get("/en/bookings").status_code == 303
    assert here.get("/en/preferences").text.count("End it") == 0


def test_ones_own_data_is_a_file(browser: Browser, db: Database) -> None:
    person = somebody(db)
    ana = browser(person)
    answer = send(ana, "/en/preferences/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="declic-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads(answer.text)["person"]["email"] == "ana@home.example"
    assert ana.get("/en/preferences/export").status_code == 405
    with db.transaction() as tx:
        log_in = tx.session.scalars(sa.select(LogIn)).one()
        log_in.proved_at -= timedelta(minutes=16)
    late = send(ana, "/en/preferences/export")
    assert late.status_code == 401, "asked once more who they are, then on with what was posted"
    assert "/en/confirm" in late.text


def test_nobody_in_particular_sees_a_zone_only(client: FlaskClient) -> None:
    page = client.get("/fr/preferences").text
    assert 'name="zone"' in page
    for address in ("/fr/preferences/address", "/fr/preferences/password"):
        assert client.get(address).location.startswith("/fr/log-in")
        assert address not in page
    assert 'value="Asia/Kolkata"' in page
    assert "Asia/Calcutta" not in page


def test_a_zone_of_a_former_name_stays_until_another_is_chosen(browser: Browser, db: Database) -> None:
    page = browser(somebody(db, zone="Asia/Calcutta")).get("/fr/preferences").text
    assert '<option selected value="Asia/Calcutta">' in page


def test_links_of_one_purpose_open_nothing_else(client: FlaskClient, db: Database) -> None:
    person = somebody(db)
    tokens = {purpose: link(db, person, purpose, "a@b.example") for purpose in ("change", "keep")}
    with db.transaction() as tx:
        tokens |= {purpose: people.new_link(tx, person.id, purpose) for purpose in ("verify", "reset")}
    pages = {"change": "new-address", "keep": "keep-address", "verify": "verify", "reset": "reset"}
    for purpose, token in tokens.items():
        for other, path in pages.items():
            assert client.get(f"/en/{path}/{token}").status_code == (200 if other == purpose else 410)
            if other != purpose:
                assert send(client, f"/en/{path}/{token}", {"password": OTHER}).status_code == 410
    with db.reading() as session:
        assert session.scalars(sa.select(MailedLink.used_at)).all() == [None] * 4
