"""SIGKILL at every point between intent, call and outcome, of every call there is; then the clock and the sweep."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.gateways.payments import Payments
from marketplace.services import ledger
from marketplace.services.payments import carrying
from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, connect
from marketplace.storage.payments import CALL_KINDS
from tests import database as databases
from tests import factories as make
from tests.clock import FakeClock
from tests.factories import Made
from tests.fire import books
from tests.fire.child import POINTS, SECOND, Order, deed, method_of, sweeps
from tests.fire.children import ended, fork
from tests.fire.judge import judge
from tests.fire.walkers import EVENT, PAY_OUT, WALKERS, Stage, confirmed
from tests.services.provider import Provider

KILLED = -9
# The sweep runs this often, this far apart: a stuck call has its chance, and its patience passes.
SWEEPS, APART = 3, timedelta(minutes=2)


@dataclass
class World:
    """A house and a provider of this file's own, on a clock that the test moves."""

    engine: sa.Engine
    stage: Stage
    order: Order

    def told(self, **more: object) -> Order:
        return replace(self.order, now=self.stage.clock(), **more)  # type: ignore[arg-type]


@pytest.fixture
def world(template: tuple[str, str]) -> Iterator[World]:
    with databases.own_database(*template) as url:
        engine, clock = connect(url), FakeClock()
        provider = Provider(url.replace("postgresql+psycopg://", "postgresql://", 1))
        provider.clock = clock
        stage = Stage(Database(engine, clock=clock, reactions=REACTIONS), clock, provider)
        make.operator(stage.db)
        yield World(engine, stage, Order(url, provider.address, clock()))
        provider.stop()
        engine.dispose()


def walk(world: World, name: str, points: tuple[str | None, ...], build: str = "right") -> list[Made]:
    """One booking a point, each killed there; then everything sweeps until nothing is due."""
    if WALKERS[name].alone:
        return [_killed(world, name, (point,), build)[0] for point in points]
    return _killed(world, name, points, build)


def _killed(world: World, name: str, points: tuple[str | None, ...], build: str) -> list[Made]:
    walker = WALKERS[name]
    scenes = [walker.ready(world.stage) for _ in points]
    for made, point in zip(scenes, points, strict=True):
        walker.turn(world.stage, made)
        order = world.told(walker=name, made=made, point=point, build=build)
        status = ended(fork(deed, order))
        assert status == (KILLED if point else 0), f"{name} at {point}: ended with {status}"
        if walker.again:
            world.stage.clock.move(timedelta(seconds=30))
            assert ended(fork(deed, replace(order, point=None, now=world.stage.clock()))) == 0
    began = world.stage.clock()
    world.stage.clock.move(SWEEPS * APART)
    times = [began + number * APART for number in range(1, SWEEPS + 1)]
    assert ended(fork(sweeps, replace(world.order, now=began, build=build), times)) == 0
    return scenes


# Calls that move nothing, each with its reason.
WITHOUT = {
    "create_account": "its key is the expert's: made again, it is the same account",
    "onboarding_link": "for one use within minutes; the next click makes the next",
    "dashboard_link": "the same",
}


def test_every_kind_of_call_has_a_walker() -> None:
    """By the tables themselves: whoever adds a call adds how it is killed, or why it need not be."""
    kinds = {walker.kind for walker in WALKERS.values()} - {EVENT}
    assert kinds - {PAY_OUT} == set(carrying._CALLS) == set(CALL_KINDS)
    changing = {
        name for name, method in vars(Payments).items()
        if inspect.isfunction(method) and "key" in inspect.signature(method).parameters
    }  # fmt: skip
    assert {method_of(kind) for kind in kinds} | set(WITHOUT) == changing


@pytest.mark.parametrize("name", WALKERS)
def test_killed_at_every_point_it_ends_as_if_nothing_had_been(world: World, name: str) -> None:
    points = (None, *POINTS, *([SECOND] if WALKERS[name].twice else []))
    scenes = walk(world, name, points)
    seen = books.read(world.engine)
    whole, *others = [told(seen, name, made) for made in scenes]
    for here, point in zip(others, points[1:], strict=True):
        differs = "\n".join(
            difflib.unified_diff(whole, here, "not killed", f"killed at {point}", lineterm="")
        )
        assert not differs, differs
    assert [str(breach) for breach in judge(seen)] == []
    with world.stage.db.reading() as session:
        assert [one.text for one in ledger.check(session) if not one.shortfall] == []


def told(seen: books.Books, name: str, made: Made) -> list[str]:
    """How the deed ended, on both sides."""
    if WALKERS[name].kind == PAY_OUT:
        return books.told_of_payout(seen, str(made.id))
    return books.told(seen, made.id)


# A build without keys, inbox and looking (flawed.py), and what the same harness finds of it.
CONVICTED = {
    ("refund", "unread"): "double refund",
    ("transfer", "unread"): "double transfer",
    ("reverse_transfer", "unread"): "transfers differ",
    ("capture", "unread"): "lost event",
    ("event", "call"): "lost event",
}


@pytest.mark.parametrize(("name", "point"), CONVICTED)
def test_a_build_without_keys_and_inbox_is_convicted(world: World, name: str, point: str) -> None:
    confirmed(world.stage)  # Money enough at the provider for what is done twice.
    walk(world, name, (point,), build="flawed")
    found = [str(breach) for breach in judge(books.read(world.engine))]
    print("\n".join(found))
    assert any(text.startswith(CONVICTED[name, point]) for text in found), found
