"""Each route × each kind of person: the policy table says who may, and the answer is what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.storage.db import Database
from marketplace.web.access import PUBLIC, needs_a_thing, refuse_unruled
from tests.web.conftest import send
from tests.web.routes import UNSAFE, World, allowed, routes, rule_of, world

Browser = Callable[[Any], FlaskClient]
# Pages of things that not every booking has, and this one has not: 404 for its own people too.
NOT_ALWAYS = {"buyer.rescue"}
WHO = ("nobody", "outsider", "other_lead", "other_expert", "lead", "expert", "operator")


@pytest.fixture
def around(db: Database) -> World:
    return world(db)


@pytest.mark.parametrize("who", WHO)
def test_reading(app: Flask, db: Database, browser: Browser, around: World, who: str) -> None:
    here, wrong = browser(around.people[who]), []
    for route in routes(app, "GET"):
        action, address = rule_of(app, route), around.address(route)
        answer = here.get(address, buffered=True)
        if action == PUBLIC:
            right = (
                answer.status_code in (200, 301, 302, 303, 308, 404, 410)
                or route.endpoint == "health.healthz"
            )
        elif who == "nobody":
            right = answer.status_code == 303 and answer.location.startswith("/en/log-in?next=")
        elif allowed(db, around, who, action):
            right = answer.status_code in (200, 302, 303) or route.endpoint in NOT_ALWAYS
        else:
            right = answer.status_code == 404
        if not right:
            wrong.append(f"{who} {address} ({action}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", WHO)
def test_acting(app: Flask, db: Database, browser: Browser, around: World, who: str) -> None:
    """Whoever may not gets 404, and 401 when nobody; what they may is tried elsewhere, field by field."""
    here, wrong = browser(around.people[who]), []
    for route in routes(app, *UNSAFE):
        action, address = rule_of(app, route), around.address(route)
        if allowed(db, around, who, action):
            continue
        answer = send(here, address, {"token": "x"})
        if answer.status_code != (401 if who == "nobody" else 404):
            wrong.append(f"{who} {address} ({action}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["outsider", "other_lead", "other_expert"])
def test_a_foreign_thing_looks_like_a_missing_one(
    app: Flask, browser: Browser, around: World, who: str
) -> None:
    here, seen = browser(around.people[who]), 0
    missing = "x" * len(around.values["reference"])
    for route in routes(app, "GET"):
        if "reference" not in route.arguments or rule_of(app, route) == PUBLIC:
            continue
        foreign = here.get(around.address(route), buffered=True)
        absent = here.get(around.address(route, reference=missing))
        assert (foreign.status_code, foreign.headers.get("Content-Type")) == (
            404,
            absent.headers.get("Content-Type"),
        )
        assert plain(foreign.text).replace(around.values["reference"], missing) == plain(absent.text)
        seen += 1
    assert seen > 5


def plain(page: str) -> str:
    """Without the tokens, which are drawn anew for each page."""
    return re.sub(r'(name="csrf_token" value=)"[^"]*"', r"\1", page)


def test_the_walk_reaches_both_kinds_of_rule(app: Flask) -> None:
    found = {rule_of(app, route) for route in routes(app, "GET", "POST")}
    assert any(action != PUBLIC and needs_a_thing(action) for action in found)
    assert any(action != PUBLIC and not needs_a_thing(action) for action in found)
    assert len(routes(app, "GET")) > 30


def test_a_route_without_a_rule_stops_the_start() -> None:
    app = Flask("bare")
    app.add_url_rule("/bare", "bare", lambda: "")
    with pytest.raises(RuntimeError, match="/bare"):
        refuse_unruled(app)


def test_a_role_taken_away_is_gone_at_the_next_request(db: Database, browser: Browser, around: World) -> None:
    boss = around.people["operator"]
    assert boss is not None
    here = browser(boss)
    assert here.get("/en/operator/bookings").status_code == 200
    with db.transaction() as tx:
        tx.session.get_one(type(boss), boss.id).operator = False
    assert here.get("/en/operator/bookings").status_code == 404


def test_the_suspended_are_out_at_once(db: Database, browser: Browser, around: World) -> None:
    lead = around.people["lead"]
    assert lead is not None
    here = browser(lead)
    assert here.get("/en/bookings").status_code == 200
    with db.transaction() as tx:
        tx.session.get_one(type(lead), lead.id).suspended_at = tx.now
    assert here.get("/en/bookings").status_code == 303


def test_every_form_is_refused_without_its_token(app: Flask, browser: Browser, around: World) -> None:
    """Each unsafe route × (no token, a wrong one, another session's, another site): 403, whoever asks."""
    lead, stranger = browser(around.people["lead"]), browser(around.people["other_lead"])
    from tests.web.conftest import form_token

    mine, theirs = form_token(lead), form_token(stranger)
    wrong = []
    for route in routes(app, *UNSAFE):
        if getattr(app.view_functions[route.endpoint], "signed", False):
            continue
        address = around.address(route)
        tries = {
            "none": lead.post(address, data={}),
            "wrong": lead.post(address, data={"csrf_token": "x"}),
            "another’s": lead.post(address, data={"csrf_token": theirs}),
            "foreign origin": lead.post(
                address, data={"csrf_token": mine}, headers={"Origin": "https://evil.example"}
            ),
            "null origin": lead.post(address, data={"csrf_token": mine}, headers={"Origin": "null"}),
            "cross-site": lead.post(
                address, data={"csrf_token": mine}, headers={"Sec-Fetch-Site": "cross-site"}
            ),
            "same-site": lead.post(
                address, data={"csrf_token": mine}, headers={"Sec-Fetch-Site": "same-site"}
            ),
        }
        wrong += [f"{address} {how}: {a.status_code}" for how, a in tries.items() if a.status_code != 403]
    assert not wrong, "\n".join(wrong)


def test_only_these_carry_their_own_signature(app: Flask, client: FlaskClient) -> None:
    signed = [r for r in routes(app, *UNSAFE) if getattr(app.view_functions[r.endpoint], "signed", False)]
    # A webhook's is its signature; the daily mail's way out is an address nobody guesses (RFC 8058).
    assert {route.endpoint for route in signed} == {
        "webhooks.stripe", "public.unsubscribe_now", "public.mute_reminders",
    }  # fmt: skip
    assert client.post("/webhooks/stripe", data=b"{}").status_code == 400
