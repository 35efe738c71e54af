"""Guests at the door: the whole application on the test's own records, browsers with real cookies and tokens."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import config
from marketplace import create_app
from marketplace.domain.events import AddressKnownAlready, LinkAsked
from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.db import Database
from marketplace.storage.people import Person
from tests import database as databases

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
# Nothing answers there: what needs the provider is refused as busy, at once.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def built(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application, wired once a run; each test gives it its own records."""
    folder = tmp_path_factory.mktemp("site")
    address = databases.address(*template)
    app = create_app(
        config.load({"DATABASE_URL": address, "DATA_DIR": str(folder), "STRIPE_API_BASE": NOWHERE})
    )
    app.extensions["declic"].db.engine.dispose()
    return app


@pytest.fixture
def app(built: Flask, db: Database) -> Iterator[Flask]:
    whole = built.extensions["declic"]
    built.extensions["declic"] = dataclasses.replace(whole, db=db, clock=db.clock)
    yield built
    built.extensions["declic"] = whole


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody's browser, signed out."""
    return app.test_client()


@pytest.fixture
def announced(db: Database) -> list[Any]:
    """What was announced about accounts, in order."""
    heard: list[Any] = []

    def hear(tx: Any, event: Any) -> None:
        heard.append(event)

    db.reactions = SimpleNamespace(within={LinkAsked: (hear,), AddressKnownAlready: (hear,)}, after={})
    return heard


@pytest.fixture
def browser(app: Flask, db: Database) -> Callable[[Person | uuid.UUID | None], FlaskClient]:
    """A browser of its own in which this person is signed in."""

    def open_one(person: Person | uuid.UUID | None) -> FlaskClient:
        made = app.test_client()
        if person is not None:
            made.set_cookie("declic", token_of(db, person))
        return made

    return open_one


def token_of(db: Database, person: Person | uuid.UUID) -> str:
    """A live log-in of this person, its second factor proved: what their cookie holds."""
    with db.transaction() as tx:
        who = tx.session.get_one(Person, person if isinstance(person, uuid.UUID) else person.id)
        now = datetime.now(UTC)
        return open_log_in(tx, who, address="127.0.0.1", user_agent="", real_now=now, factor_at=now).token


def form_token(client: FlaskClient) -> str:
    """The anti-forgery token of this browser's session, read off a page."""
    found = TOKEN.search(client.get("/en/preferences").text)
    assert found, "the page holds no form"
    return found.group(1)


def send(client: FlaskClient, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
    """Post as a page of ours does, with its token."""
    return client.post(path, data={"csrf_token": form_token(client), **(data or {})}, **more)
