"""The house and a provider for the points: a booking brought to a deed, killed in it, and swept afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa

from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, connect
from tests import factories as make
from tests.clock import FakeClock
from tests.factories import Made
from tests.fire import books
from tests.fire.child import UNREACHED, Order, deed, sweeps
from tests.fire.children import ended, fork
from tests.fire.walkers import PAY_OUT, WALKERS, Stage
from tests.services.provider import Provider

KILLED = -9
# The sweep runs this often, this far apart: a stuck call has its chance, and its patience passes.
SWEEPS, APART = 3, timedelta(minutes=2)
# So soon the same person presses again.
SOON = timedelta(seconds=30)


@dataclass
class World:
    """On a database of its own, and on a clock that the test moves."""

    engine: sa.Engine
    stage: Stage
    order: Order

    def deed(self, name: str, made: Made, point: str | None, build: str = "right") -> None:
        """The walker's deed in a process of its own, killed at this point, or to its end."""
        order = replace(self.order, now=self.stage.clock(), walker=name, made=made, point=point, build=build)
        status = ended(fork(deed, order))
        assert status == (KILLED if point else 0), f"{name} at {point}: ended with {status}"

    def sweep(self, build: str = "right") -> None:
        """The clock moves on, and a fresh process sweeps."""
        began = self.stage.clock()
        self.stage.clock.move(SWEEPS * APART)
        times = [began + number * APART for number in range(1, SWEEPS + 1)]
        assert ended(fork(sweeps, replace(self.order, now=began, build=build), times)) == 0

    def killed_sweep(self, name: str, made: Made, point: str) -> bool:
        """One sweep, itself killed at this point of this kind of call; False when it did not pass there."""
        began = self.stage.clock()
        self.stage.clock.move(APART)
        order = replace(self.order, now=began, walker=name, made=made, point=point)
        status = ended(fork(sweeps, order, [began + APART]))
        assert status in (KILLED, UNREACHED), f"{name}, the sweep at {point}: ended with {status}"
        return status == KILLED

    def again(self, name: str, made: Made, build: str = "right") -> None:
        """Where the sweep leaves it to the person: they press again."""
        if WALKERS[name].again:
            self.stage.clock.move(SOON)
            self.deed(name, made, None, build)


@contextmanager
def open_world(url: str) -> Iterator[World]:
    """Until the end of the block, on this empty migrated database."""
    engine, clock = connect(url), FakeClock()
    provider = Provider(url.replace("postgresql+psycopg://", "postgresql://", 1))
    provider.clock = clock
    stage = Stage(Database(engine, clock=clock, reactions=REACTIONS), clock, provider)
    make.operator(stage.db)
    try:
        yield World(engine, stage, Order(url, provider.address, clock()))
    finally:
        provider.stop()
        engine.dispose()


def walk(world: World, name: str, points: tuple[str | None, ...], build: str = "right") -> list[Made]:
    """One booking a point, each killed there; then everything sweeps until nothing is due."""
    walker, scenes = WALKERS[name], []
    if walker.alone:
        for point in points:
            scenes.append(walker.ready(world.stage))
            world.deed(name, scenes[-1], point, build)
            world.sweep(build)
        return scenes
    scenes = [walker.ready(world.stage) for _ in points]
    for made, point in zip(scenes, points, strict=True):
        walker.turn(world.stage, made)
        world.deed(name, made, point, build)
        world.again(name, made, build)
    world.sweep(build)
    return scenes


def told(seen: books.Books, name: str, made: Made) -> list[str]:
    """How the deed ended, on both sides."""
    if WALKERS[name].kind == PAY_OUT:
        return books.told_of_payout(seen, str(made.id))
    return books.told(seen, made.id)
