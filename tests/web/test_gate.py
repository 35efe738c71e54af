"""Where `next` may lead, and what a signed-in page costs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from marketplace.storage.db import Database
from marketplace.web.gate import safe_next
from tests import factories as make
from tests.web.conftest import send


@pytest.mark.parametrize(
    "text",
    ["/", "/fr/offers?q=a%20b&page=2", "/fr/bookings/x-_9", "/fr/é", "/en/offers?next=https://a.example/"],
)
def test_a_path_of_ours(text: str) -> None:
    assert safe_next(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None, "", "x", "fr/offers", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "https://evil.example/", "javascript:alert(1)",
        "/\u202eevil", "/\x00", "/%\\", "/" + "a" * 2000, " //evil.example", "/\u0000/evil", "/\ud800",
    ],
)  # fmt: skip
def test_anywhere_else(text: str | None) -> None:
    assert safe_next(text) is None


@given(st.text(max_size=40).map(lambda t: "/" + t))
def test_what_is_let_through_stays_here(text: str) -> None:
    found = safe_next(text)
    if found is not None:
        # Browsers read backslashes as slashes and drop tabs and line ends.
        read = found.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
        assert urlsplit(urljoin("https://ours.example/page", read)).netloc == "ours.example"


def test_who_asks_costs_one_statement(
    browser: Callable[[Any], FlaskClient], db: Database, count_queries: Any
) -> None:
    here = browser(make.lead(db).person)
    here.get("/en/terms")
    with count_queries() as counted:
        assert here.get("/en/terms").status_code == 200
    assert counted.number == 1


def test_a_guest_costs_none(client: FlaskClient, db: Database, count_queries: Any) -> None:
    client.get("/en/terms")
    with count_queries() as counted:
        assert client.get("/en/terms").status_code == 200
    assert counted.number == 0


def test_a_refused_post_leaves_ways_back_that_answer(browser: Any, db: Database) -> None:
    """The banner's clock and the footer's appearance come back to a page, not to a POST-only address."""
    ana = browser(make.person(db))
    back = re.compile(r'name="next" value="([^"]+)"')
    for before, wanted in (
        ("http://localhost/en/preferences?x=1", "/en/preferences?x=1"),
        ("http://localhost/en/preferences/log-ins/end-others", "/en/"),
        ("http://elsewhere.example/en/preferences", "/en/"),
        ("http://[", "/en/"),
        ("", "/en/"),
    ):
        refused = send(
            ana, f"/en/preferences/log-ins/{uuid.uuid4()}/end", headers={"Referer": before} if before else {}
        )
        assert refused.status_code == 404
        found = set(back.findall(refused.text))
        assert found == {wanted}
        assert ana.get(wanted).status_code == 200
