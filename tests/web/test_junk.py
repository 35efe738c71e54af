"""What no person types: every route takes it and answers below 500."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from marketplace.storage.db import Database
from marketplace.web.access import PUBLIC
from tests.web.conftest import form_token
from tests.web.routes import UNSAFE, World, allowed, routes, rule_of, world

Browser = Callable[[Any], FlaskClient]
# Raw bytes of a value, as they stand in an address or a form, percent-encoded.
JUNK = {
    "nul": "%00",
    "surrogate": "%ED%A0%80",
    "not utf-8": "%FF%FE",
    "2^31": str(2**31),
    "2^63": str(2**63),
    "minus": "-1",
    "long": "x" * 10_000,
    "emoji": quote("🧨" * 100),
    "combining": quote("e\u0301" * 300),
    "right to left": quote("\u202etxt"),
    "sql": quote("' or 1=1; --"),
    "markup": quote("<script>alert(1)</script>{{7*7}}"),
    "empty": "",
    "date": "9999-99-99T99:99:99",
    "far date": "0001-01-01T00:00:00+23:59",
    "infinite": "1e400",
}
NAMES = (
    "q", "page", "after", "week", "slot", "format", "lang", "theme", "next", "n", "revision", "expected", "by", "to",
    "person", "zone", "sort", "price", "max_price", "topic", "industry", "language", "state", "token", "reason",
    "subject", "context", "answers", "name", "role", "email", "password", "place", "offer_id", "start", "again",
    "legal_name", "street", "postcode", "city", "country", "vat_number", "unlocked", "days_saved", "text", "rules",
    "terms", "from", "until", "kind", "for", "summary", "details", "title", "first", "second", "verdict0", "words0",
    "named", "address", "words", "per_week", "choice", "expert", "offer",
)  # fmt: skip
# The provider does not answer in the tests: these may say so, with a time to come back.
PROVIDERS = {
    "buyer.pay", "buyer.pay_again", "expert.onboarding", "expert.account_again", "operator.pay_out",
}  # fmt: skip


@pytest.fixture
def around(db: Database) -> World:
    return world(db, state="held")


def open_to(app: Flask, db: Database, around: World, who: str, *methods: str) -> list[Rule]:
    """The routes this person gets past the door of; what the others answer, test_every_route.py says."""
    public = who == "nobody"
    return [
        route
        for route in routes(app, *methods)
        if (rule_of(app, route) == PUBLIC) == public and allowed(db, around, who, rule_of(app, route))
    ]


def bad(answer: Any, endpoint: str) -> bool:
    busy = endpoint in PROVIDERS | {"health.healthz"} and answer.status_code == 503
    return answer.status_code >= 500 and not busy


@pytest.mark.parametrize("who", ["nobody", "lead", "expert", "operator"])
def test_in_the_query(app: Flask, db: Database, browser: Browser, around: World, who: str) -> None:
    here, wrong = browser(around.people[who]), []
    for route in open_to(app, db, around, who, "GET"):
        for kind, value in JUNK.items():
            query = "&".join(f"{name}={value[:2000]}" for name in NAMES)
            answer = here.get(f"{around.address(route)}?{query}", buffered=True)
            if bad(answer, route.endpoint):
                wrong.append(f"{route} {kind}: {answer.status_code}")
            if kind in ("nul", "surrogate", "not utf-8") and answer.status_code != 400:
                wrong.append(f"{route} {kind}: {answer.status_code}, not 400")
    assert not wrong, "\n".join(wrong)


def marked(around: World, route: Rule, name: str, mark: str) -> str:
    """The route's address with the mark in one place; also where only a few words can stand."""
    try:
        return around.address(route, **{name: mark})
    except ValueError:
        return around.address(route).replace(f"/{around.values[name]}", f"/{mark}")


@pytest.mark.parametrize("who", ["nobody", "lead", "expert", "operator"])
def test_in_the_path(app: Flask, db: Database, browser: Browser, around: World, who: str) -> None:
    here, wrong = browser(around.people[who]), []
    for route in open_to(app, db, around, who, "GET"):
        for name in sorted(route.arguments - {"lang", "filename"}):
            mark = "11111111-1111-1111-1111-111111111111"
            whole = marked(around, route, name, mark)
            for kind, value in JUNK.items():
                answer = here.get(whole.replace(mark, value or "%20"), buffered=True)
                if bad(answer, route.endpoint):
                    wrong.append(f"{route} {name} {kind}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["nobody", "lead", "expert", "operator"])
def test_in_forms(app: Flask, db: Database, browser: Browser, around: World, who: str) -> None:
    here, wrong = browser(around.people[who]), []
    token = form_token(here)
    for route in open_to(app, db, around, who, *UNSAFE):
        # Signing out or being somebody else would end the walk.
        if route.endpoint in ("account.log_out", "account.end_others"):
            continue
        for kind, value in JUNK.items():
            # Each asks the provider, who does not answer: twice is enough to see it said.
            if route.endpoint in PROVIDERS and kind not in ("2^63", "emoji"):
                continue
            body = f"csrf_token={quote(token)}&" + "&".join(f"{name}={value}" for name in NAMES)
            answer = here.post(
                around.address(route), data=body, content_type="application/x-www-form-urlencoded"
            )
            if bad(answer, route.endpoint):
                wrong.append(f"{route} ({rule_of(app, route)}) {kind}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_million_characters(app: Flask, browser: Browser, around: World) -> None:
    here = browser(around.people["lead"])
    token = form_token(here)
    wrong = []
    for route in routes(app, *UNSAFE):
        answer = here.post(around.address(route), data={"csrf_token": token, "name": "x" * 1_000_000})
        if bad(answer, route.endpoint):
            wrong.append(f"{route}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_field_said_twice_is_read_once(client: FlaskClient) -> None:
    assert client.get("/en/offers?q=a&q=b").status_code == 200
