"""The payment provider for the tests of money: one a run, its books empty at each test's start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace.storage.db import Database
from tests import database as databases
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


@pytest.fixture(scope="session")
def sandbox_provider(template: tuple[str, str]) -> Iterator[Provider]:
    """The sandbox on a database of its own, behind a loopback port."""
    with databases.own_database(template[0], None) as url:
        made = Provider(url.replace("postgresql+psycopg://", "postgresql://", 1))
        yield made
        made.stop()


@pytest.fixture
def provider(sandbox_provider: Provider, clock: FakeClock) -> Provider:
    sandbox_provider.clock = clock
    sandbox_provider.forget()
    return sandbox_provider


@pytest.fixture
def money(db: Database, provider: Provider) -> Money:
    return Money(db, provider)
