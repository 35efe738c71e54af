"""What every answer says to the browser, whatever its route and status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.storage.db import Database
from marketplace.web.security import HEADERS, HSTS, content_policy
from tests import factories as make
from tests.web.conftest import send
from tests.web.routes import UNSAFE, routes, world

Browser = Callable[[Any], FlaskClient]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "manifest-src 'self'; require-trusted-types-for 'script'"
)
# A letter is shown in a sandbox of its own, which is stricter still.
# A letter and a file of evidence have one of their own, stricter.
OWN_POLICY = {"devmail.html", "buyer.evidence", "expert.evidence", "operator.evidence"}


def complaints(answer: Any, what: str, *, own_policy: bool = False) -> list[str]:
    wanted = dict(HEADERS) | ({} if own_policy else {"Content-Security-Policy": POLICY})
    return [f"{what}: {n}: {answer.headers.get(n)}" for n, v in wanted.items() if answer.headers.get(n) != v]


@pytest.mark.parametrize("who", ["nobody", "lead", "operator"])
def test_every_route(app: Flask, db: Database, browser: Browser, who: str) -> None:
    around = world(db)
    here, wrong, statuses = browser(around.people[who]), [], set()
    for route in routes(app, "GET"):
        for answer in (
            here.get(around.address(route), buffered=True),
            here.post(around.address(route), buffered=True),
        ):
            statuses.add(answer.status_code)
            what = f"{who} {answer.request.method} {route} {answer.status_code}"
            wrong += complaints(answer, what, own_policy=route.endpoint in OWN_POLICY)
            if route.endpoint != "static" and "Cache-Control" not in answer.headers:
                wrong.append(f"{what}: no Cache-Control")
            if (
                who != "nobody"
                and route.endpoint != "static"
                # Nothing of the reader is in what programs read.
                and not route.endpoint.startswith("api.")
                and answer.headers["Cache-Control"] != "no-store"
            ):
                wrong.append(f"{what}: {answer.headers['Cache-Control']}")
    assert not wrong, "\n".join(wrong)
    assert {200, 303, 403, 404, 405} <= statuses | {303}


def test_every_unsafe_route(app: Flask, db: Database, browser: Browser) -> None:
    around = world(db)
    here = browser(around.people["outsider"])
    wrong = []
    for route in routes(app, *UNSAFE):
        wrong += complaints(send(here, around.address(route)), str(route))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/en/none", 404), ("/none", 404), ("/en/%00", 400), ("/en/offers?q=%FF", 400), ("/en/verify/x", 410)],
)
def test_every_error(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert not complaints(answer, path)


def test_the_policy_opens_to_the_provider_only_where_a_form_leads_there() -> None:
    assert content_policy("buyer.check", stripe=False) == POLICY
    assert "form-action 'self' https://checkout.stripe.com;" in content_policy("buyer.check", stripe=True)
    assert "form-action 'self';" in content_policy("public.home", stripe=True)
    assert "form-action 'self';" in content_policy(None, stripe=True)


def test_the_log_ins_cookie(client: FlaskClient, db: Database) -> None:
    person = make.person(db, demo=True)
    answer = send(client, "/dev/login", {"person": person.id})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("declic="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    forms = [
        c for c in client.get("/en/log-in").headers.getlist("Set-Cookie") if c.startswith("declic-form=")
    ]
    assert all("HttpOnly" in c and "SameSite=Lax" in c for c in forms)


def test_over_https_the_cookies_belong_to_the_host(template: tuple[str, str]) -> None:
    import config
    from marketplace import create_app
    from tests import database as databases
    from tests.house.test_settings import PRODUCTION

    with databases.own_database(*template) as url:
        app = create_app(
            config.load({**PRODUCTION, "DATABASE_URL": url, "SITE_URL": "https://declic.example"})
        )
        made = app.test_client()
        page = made.get("/en/log-in", base_url="https://declic.example")
        assert page.headers["Strict-Transport-Security"] == HSTS
        cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-declic-form=")
        assert "Secure" in cookie
        assert made.get("/dev/login", base_url="https://declic.example").status_code == 404
        app.extensions["declic"].db.engine.dispose()


def test_signing_out_makes_the_browser_forget(browser: Browser, db: Database) -> None:
    here = browser(make.person(db))
    answer = send(here, "/en/log-out")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert here.get_cookie("declic") is None
    assert here.get("/en/bookings").status_code == 303


def test_a_planted_cookie_is_worth_nothing_after_the_log_in(client: FlaskClient, db: Database) -> None:
    """Session fixation: the token changes at log-in, and the old form token with it."""
    from tests.web.conftest import form_token

    person = make.person(db, demo=True)
    client.set_cookie("declic", "planted" * 6)
    before = form_token(client)
    client.post("/dev/login", data={"csrf_token": before, "person": str(person.id)})
    assert client.get_cookie("declic").value != "planted" * 6  # type: ignore[union-attr]
    assert client.post("/en/log-out", data={"csrf_token": before}).status_code == 403
