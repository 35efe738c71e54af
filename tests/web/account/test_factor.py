"""The second factor at the door: who must, who may, what is reached meanwhile, and what was typed waits."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.services.people.hashing import hash_password
from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.db import Database
from marketplace.storage.people import LogIn, Person, RecoveryCode
from marketplace.web.access import PUBLIC
from tests import factories as make
from tests.web.conftest import TOKEN, form_token, send
from tests.web.routes import UNSAFE, routes, rule_of, world

GOOD = "trombone vert lune 42"
Browser = Callable[[Any], FlaskClient]
SECRET = re.compile(r'<code class="secret">([^<]+)<')
SEALED = re.compile(r'name="sealed"[^>]*value="([^"]+)"')
CODE = re.compile(r"<li><code>([0-9a-z-]{29})</code>")
KEPT = re.compile(r'name="again"[^>]*value="([^"]+)"')


def half(app: Flask, db: Database, person: Person) -> FlaskClient:
    """A browser after the password alone."""
    made = app.test_client()
    with db.transaction() as tx:
        who = tx.session.get_one(Person, person.id)
        made.set_cookie(
            "declic", open_log_in(tx, who, address="", user_agent="", real_now=datetime.now(UTC)).token
        )
    return made


def fill(here: FlaskClient, page: str, path: str, **fields: str) -> Any:
    token = TOKEN.search(page)
    assert token
    return here.post(path, data={"csrf_token": token.group(1), **fields})


def set_up(here: FlaskClient, path: str = "/en/factor", **more: str) -> tuple[str, list[str], str]:
    """Through the page as a person does; the secret, the recovery codes and the last page."""
    page = here.get(path).text
    secret, sealed = SECRET.search(page), SEALED.search(page)
    assert secret
    assert sealed
    key = secret.group(1).replace(" ", "")
    answer = fill(here, page, path, sealed=sealed.group(1), one_time_code=pyotp.TOTP(key).now(), **more)
    codes = CODE.findall(answer.text)
    assert answer.status_code == 200
    assert len(codes) == 10
    return key, codes, answer.text


def later(secret: str) -> str:
    """The next step's code: the present one is used."""
    return str(pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30)))


def age(db: Database, minutes: int) -> None:
    """Make every proof so old."""
    with db.transaction() as tx:
        tx.session.execute(sa.update(LogIn).values(proved_at=datetime.now(UTC) - timedelta(minutes=minutes)))


@pytest.fixture
def boss(db: Database) -> Person:
    return make.person(
        db, name="Odile Marchal", operator=True, email="odile@acme.example", password_hash=hash_password(GOOD)
    )


@pytest.mark.parametrize("has_factor", [False, True])
def test_an_operator_reaches_nothing_else_first(
    app: Flask, db: Database, boss: Person, has_factor: bool
) -> None:
    """Each route, read and sent: public as to a guest, the way on, or back to the way on."""
    if has_factor:
        set_up(half(app, db, boss))
    around, here = world(db), half(app, db, boss)
    way, open_ = (
        ("/en/prove", {"account.prove"})
        if has_factor
        else ("/en/factor", {"account.factor", "account.confirm"})
    )
    wrong = []
    for route in routes(app, "GET"):
        address = around.address(route)
        if rule_of(app, route) == PUBLIC or route.endpoint in open_:
            continue
        answer = here.get(address)
        if answer.status_code != 303 or not answer.location.startswith(f"{way}?next="):
            wrong.append(f"GET {address}: {answer.status_code} {answer.location}")
    for route in routes(app, *UNSAFE):
        address = around.address(route)
        if rule_of(app, route) == PUBLIC or route.endpoint in open_:
            continue
        answer = send(here, address, {"token": "x"})
        if answer.status_code != 401 or way not in answer.text:
            wrong.append(f"POST {address}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    # What is public does not know them, and changes nothing of theirs.
    assert "Odile" not in here.get("/en/preferences").text
    assert send(here, "/en/log-out").status_code == 303
    assert here.get("/en/factor").location.startswith("/en/log-in")


@pytest.mark.parametrize("who", ["outsider", "lead", "expert", "operator"])
@pytest.mark.parametrize("state", ["none", "unproved", "proved"])
def test_who_is_led_where(app: Flask, db: Database, browser: Browser, who: str, state: str) -> None:
    person = {
        "outsider": lambda: make.person(db), "lead": lambda: make.lead(db).person,
        "expert": lambda: make.seller(db).person, "operator": lambda: make.person(db, operator=True),
    }[who]()  # fmt: skip
    if state != "none":
        set_up(half(app, db, person))
    here = browser(person) if state == "proved" else half(app, db, person)
    due = {"none": "/en/factor" if who == "operator" else None, "unproved": "/en/prove", "proved": None}[
        state
    ]
    answer = here.get("/en/bookings")
    if due is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 303
        assert answer.location.startswith(due)
    assert here.get("/en/operator/bookings").status_code == (
        303 if due else 200 if who == "operator" else 404
    )


def test_the_whole_way_in(client: FlaskClient, boss: Person) -> None:
    page = client.get("/en/log-in?next=/en/operator/bookings").text
    answer = fill(client, page, "/en/log-in", email=boss.email, password=GOOD, next="/en/operator/ledger")
    assert answer.location == "/fr/factor?next=/en/operator/ledger"
    secret, codes, page = set_up(client, "/en/factor", next="/en/operator/ledger")
    assert 'href="/en/operator/ledger"' in page
    assert client.get("/en/operator/ledger").status_code == 200
    send(client, "/en/log-out")
    page = client.get("/en/log-in").text
    answer = fill(client, page, "/en/log-in", email=boss.email, password=GOOD, next="/en/operator/ledger")
    assert answer.location == "/fr/prove?next=/en/operator/ledger"
    assert client.get("/en/log-in").location.startswith("/en/prove")
    before = client.get_cookie("declic")
    page = client.get("/en/prove?next=/en/operator/ledger").text
    wrong = fill(client, page, "/en/prove", one_time_code="000000", next="/en/operator/ledger")
    assert wrong.status_code == 422
    assert "not right" in wrong.text
    assert 'value="000000"' in wrong.text
    answer = fill(client, page, "/en/prove", one_time_code=later(secret), next="/en/operator/ledger")
    assert (answer.status_code, answer.location) == (303, "/en/operator/ledger")
    after = client.get_cookie("declic")
    assert before
    assert after
    assert before.value != after.value
    assert client.get("/en/operator/ledger").status_code == 200
    assert len(codes) == 10


def test_what_was_typed_waits_over_every_proof(app: Flask, db: Database, browser: Browser) -> None:
    """Sent, led to the factor, then sent again with the words it had."""
    person = make.lead(db).person
    secret, _codes, _page = set_up(half(app, db, person))
    here = half(app, db, person)
    answer = send(
        here, "/en/preferences/log-ins/end-others", {"words": "kept <b>as typed</b>", "one_time_code": "1"}
    )
    assert answer.status_code == 401
    assert not KEPT.search(answer.text), "a code is never kept"
    answer = send(here, "/en/preferences/log-ins/end-others", {"words": "kept <b>as typed</b>"})
    kept = KEPT.search(answer.text)
    assert answer.status_code == 401
    assert kept
    assert "kept" in answer.text
    page = fill(here, answer.text, "/en/prove", again=kept.group(1))
    assert page.status_code == 200
    assert 'name="one_time_code"' in page.text
    done = fill(here, page.text, "/en/prove", again=kept.group(1), one_time_code=later(secret))
    assert 'action="/en/preferences/log-ins/end-others"' in done.text
    assert "kept <b>as typed</b>" in html.unescape(done.text)


def test_what_was_typed_waits_over_the_setting_up(app: Flask, db: Database, boss: Person) -> None:
    here = half(app, db, boss)
    answer = send(here, "/en/operator/bookings/x/stop", {"reason": "A reason"})
    kept = KEPT.search(answer.text)
    assert answer.status_code == 401
    assert kept
    page = fill(here, answer.text, "/en/factor", again=kept.group(1)).text
    secret, sealed = SECRET.search(page), SEALED.search(page)
    assert secret
    assert sealed
    code = pyotp.TOTP(secret.group(1).replace(" ", "")).now()
    done = fill(here, page, "/en/factor", again=kept.group(1), sealed=sealed.group(1), one_time_code=code)
    assert 'action="/en/operator/bookings/x/stop"' in done.text
    assert "A reason" in done.text


def test_a_wrong_code_keeps_the_picture(app: Flask, db: Database, boss: Person) -> None:
    here = half(app, db, boss)
    page = here.get("/en/factor").text
    sealed, secret = SEALED.search(page), SECRET.search(page)
    assert sealed
    assert secret
    assert "<svg" in page
    answer = fill(here, page, "/en/factor", sealed=sealed.group(1), one_time_code="000000")
    assert answer.status_code == 422
    assert secret.group(1) in answer.text
    assert sealed.group(1) in answer.text
    assert here.get("/en/operator/bookings").status_code == 303


def test_a_stale_proof_is_renewed_by_password(app: Flask, db: Database) -> None:
    person = make.person(db, password_hash=hash_password(GOOD))
    here = half(app, db, person)
    assert here.get("/en/factor").status_code == 200
    age(db, 16)
    answer = here.get("/en/factor")
    assert answer.location == "/en/confirm?next=/en/factor"
    page = here.get(answer.location).text
    assert (
        fill(here, page, "/en/confirm", how="password", password="wrong", next="/en/factor").status_code
        == 422
    )
    done = fill(here, page, "/en/confirm", how="password", password=GOOD, next="/en/factor")
    assert (done.status_code, done.location) == (303, "/en/factor")
    assert here.get("/en/factor").status_code == 200


def test_a_stale_proof_is_renewed_by_the_factor_where_there_is_one(app: Flask, db: Database) -> None:
    person = make.person(db, password_hash=hash_password(GOOD))
    here = half(app, db, person)
    secret, codes, _page = set_up(here)
    age(db, 16)
    answer = send(here, "/en/factor/remove", {})
    assert answer.status_code == 401
    page = here.get("/en/confirm").text
    assert 'name="password"' not in page
    assert fill(here, page, "/en/confirm", how="password", password=GOOD).status_code == 422
    assert fill(here, page, "/en/confirm", how="code", one_time_code=codes[0]).status_code == 303
    assert send(here, "/en/factor/remove", {}).status_code == 303
    assert len(secret) == 32
    assert SECRET.search(here.get("/en/factor").text)


def test_a_demo_person_confirms_by_a_click(app: Flask, db: Database) -> None:
    person = make.person(db, demo=True)
    here = half(app, db, person)
    age(db, 16)
    page = here.get("/en/confirm?next=/en/factor").text
    assert "one click" in page
    assert fill(here, page, "/en/confirm", how="button", next="/en/factor").location == "/en/factor"
    real = half(app, db, make.person(db))
    page = real.get("/en/confirm").text
    assert fill(real, page, "/en/confirm", how="button").status_code == 422


def test_the_demos_one_click_counts_as_proved(app: Flask, db: Database, client: FlaskClient) -> None:
    demo = make.person(db, demo=True, operator=True)
    send(client, "/dev/login", {"person": str(demo.id)})
    assert client.get("/en/operator/bookings").status_code == 200


def test_codes_are_shown_once_and_renewed(app: Flask, db: Database, boss: Person) -> None:
    here = half(app, db, boss)
    _secret, codes, _page = set_up(here)
    page = here.get("/en/factor").text
    assert not CODE.search(page)
    assert ">10<" in page
    fresh = CODE.findall(send(here, "/en/factor/codes", {}).text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 10


def test_an_operator_replaces_and_never_removes(app: Flask, db: Database, boss: Person) -> None:
    here = half(app, db, boss)
    secret, _codes, _page = set_up(here)
    assert send(here, "/en/factor/remove", {}).status_code == 409
    assert "/en/factor/remove" not in here.get("/en/factor").text
    other, _codes, _page = set_up(here, "/en/factor/replace")
    assert other != secret
    assert here.get("/en/operator/bookings").status_code == 200


def test_a_factor_reset_meanwhile_ends_the_log_in(app: Flask, db: Database, boss: Person) -> None:
    from marketplace.services.people import factors

    here = half(app, db, boss)
    set_up(here)
    assert here.get("/en/operator/bookings").status_code == 200
    factors.reset_factor(db, email=boss.email, real_now=datetime.now(UTC))
    assert here.get("/en/operator/bookings").location.startswith("/en/log-in")


def test_guesses_run_out(app: Flask, db: Database, boss: Person) -> None:
    set_up(half(app, db, boss))
    here = half(app, db, boss)
    page = here.get("/en/prove").text
    # Five to a window of five minutes; the run may stand astride two of them.
    answers = [fill(here, page, "/en/prove", one_time_code="000000") for _ in range(11)]
    assert [answer.status_code for answer in answers[:5]] == [422] * 5
    answer = next(answer for answer in answers if answer.status_code == 429)
    assert int(answer.headers["Retry-After"]) <= 301


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 61, "<script>alert(1)</script>", "١٢٣٤٥٦", "\u2028123456", "12345"]
)
def test_junk_is_a_wrong_code(app: Flask, db: Database, boss: Person, text: str) -> None:
    set_up(half(app, db, boss))
    here = half(app, db, boss)
    page = here.get("/en/prove").text
    answer = fill(here, page, "/en/prove", one_time_code=text)
    assert answer.status_code in (422, 400)
    assert "<script>alert" not in answer.text
    assert form_token(here)
