"""A provider for the tests of the payment door: one a run, recorded, its books empty at each test's start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import database as databases
from tests.clock import START, FakeClock
from tests.gateways.recording import Recorder
from tests.gateways.shop import Shop
from tests.provider import Provider, provider

_CLOCK = FakeClock()


@pytest.fixture(scope="package")
def one_provider(template: tuple[str, str]) -> Iterator[tuple[Provider, Recorder]]:
    """On a database of its own, behind a loopback port, with a wire that keeps what was asked."""
    wires: list[Recorder] = []

    def recorded(api: object) -> Recorder:
        wires.append(Recorder(api))
        return wires[0]

    with databases.own_database(template[0], None) as url, provider(url, _CLOCK, wire=recorded) as made:
        yield made, wires[0]


@pytest.fixture
def clock() -> FakeClock:
    """The provider's own, set anew."""
    _CLOCK.now = START
    return _CLOCK


@pytest.fixture
def at(one_provider: tuple[Provider, Recorder], clock: FakeClock) -> Provider:
    made, wire = one_provider
    made.sandbox.api.store.forget()
    wire.requests.clear()
    wire.expanding = True
    return made


@pytest.fixture
def wire(at: Provider, one_provider: tuple[Provider, Recorder]) -> Recorder:
    return one_provider[1]


@pytest.fixture
def shop(at: Provider, clock: FakeClock) -> Shop:
    return Shop(at, clock)
