"""One running site for all journeys of a run, and visitors to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import database as databases
from tests.journeys.site import Site, running
from tests.journeys.visitor import Visitor


@pytest.fixture(scope="session")
def site(template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The product as `make run` starts it, with a small demo; its clock only ever moves ahead."""
    with (
        databases.own_database(*template) as address,
        running(address, tmp_path_factory.mktemp("site")) as made,
    ):
        yield made


@pytest.fixture
def visitor(site: Site) -> Callable[..., Visitor]:
    """A browser without a screen or scripts; of a demo person when named."""

    def open_one(person: str = "", language: str = "en") -> Visitor:
        made = Visitor(site.url, language)
        if person:
            made.be(person)
        return made

    return open_one
