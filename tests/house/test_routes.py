"""Every route says who may use it, and every refusal has its sentence."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

import config
from marketplace import create_app
from marketplace.domain import errors
from marketplace.domain.policy import ACTIONS
from marketplace.web import refusals
from tests import database as databases

# The framework's own: files of ours, the same for everybody.
FREE = {"static"}
# No page, so no language in the address (docs/decisions/006).
WITHOUT_LANGUAGE = (
    "/static/",
    "/webhooks/",
    "/healthz",
    "/dev/",
    "/_kit",
    "/api/",
    "/calendar/",
    "/photos/",
    "/robots.txt",
    "/sitemap",
    "/favicon",
)
SAFE = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture(scope="module")
def app(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application as a demo has it: with every route there is."""
    with databases.own_database(*template) as url:
        folder = str(tmp_path_factory.mktemp("routes"))
        made = create_app(config.load({"DATABASE_URL": url, "DATA_DIR": folder}))
        yield made
        made.extensions["declic"].db.engine.dispose()


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FREE]


def test_every_route_has_a_rule(app: Flask) -> None:
    lacking = [str(r) for r in rules(app) if not getattr(app.view_functions[r.endpoint], "rule", None)]
    assert not lacking, f"no @rule: {lacking}"


def test_every_rule_is_public_or_an_action(app: Flask) -> None:
    known = {"public", *ACTIONS}
    unknown = {
        f"{r}: {action}"
        for r in rules(app)
        if (action := getattr(app.view_functions[r.endpoint], "rule", None)) not in known
    }
    assert not unknown, unknown


def test_every_page_lies_under_its_language(app: Flask) -> None:
    outside = [
        str(r)
        for r in rules(app)
        if "lang" not in r.arguments and str(r) != "/" and not str(r).startswith(WITHOUT_LANGUAGE)
    ]
    assert not outside, outside


def test_no_address_changes_anything_by_being_read(app: Flask) -> None:
    """A view takes GET or changes things; where it does both, it is one form and its answer."""
    strange = [str(r) for r in rules(app) if (r.methods or set()) - SAFE - {"POST"}]
    assert not strange, strange


def test_production_has_none_of_the_demos_doors(template: tuple[str, str]) -> None:
    from tests.house.test_settings import PRODUCTION

    with databases.own_database(*template) as url:
        made = create_app(config.load({**PRODUCTION, "DATABASE_URL": url}))
        addresses = [str(rule) for rule in made.url_map.iter_rules()]
        made.extensions["declic"].db.engine.dispose()
    assert not [address for address in addresses if address.startswith(("/dev", "/_kit", "/sandbox"))]


REFUSALS = sorted(
    (
        thing
        for _, thing in inspect.getmembers(errors, inspect.isclass)
        if issubclass(thing, errors.Refusal) and thing is not errors.Refusal
    ),
    key=lambda refusal: refusal.__name__,
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda r: r.__name__)
def test_every_refusal_has_its_sentence(refusal: type[errors.Refusal]) -> None:
    assert refusal in refusals.SENTENCES, f"{refusal.__name__} has no sentence in web/refusals.py"
