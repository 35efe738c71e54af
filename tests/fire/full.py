"""`make fire` alone, for it takes long: the sweep is killed too, and the flawed build burns as the right one did."""

from __future__ import annotations

import difflib
import itertools
from pathlib import Path

import pytest

from tests import database as databases
from tests.fire import books
from tests.fire.judge import judge
from tests.fire.site import running
from tests.fire.test_fire import KILLS, SEED, Fire
from tests.fire.walkers import WALKERS
from tests.fire.world import World, told

# Killed here in the deed, then there in the sweep that was to mend it.
FIRST, SECOND = ("intent", "unread", "answered", "outcome"), ("call", "unread", "outcome")
PAIRS = tuple(itertools.product(FIRST, SECOND))


@pytest.mark.parametrize("name", WALKERS)
def test_killed_in_the_deed_and_again_in_the_sweep(world: World, name: str) -> None:
    walker, whole, passed = WALKERS[name], list[str](), 0
    for first, second in ((None, None), *PAIRS):
        made = walker.ready(world.stage)
        walker.turn(world.stage, made)
        world.deed(name, made, first)
        if second is not None and not walker.again:
            passed += world.killed_sweep(name, made, second)
        world.again(name, made)
        world.sweep()
        # At once: time goes on for those that are done as well.
        here = told(books.read(world.engine), name, made)
        whole = whole or here
        where = f"killed at {first}, the sweep at {second}"
        differs = "\n".join(difflib.unified_diff(whole, here, "not killed", where, lineterm=""))
        assert not differs, differs
    assert [str(breach) for breach in judge(books.read(world.engine))] == []
    print(f"{name}: {len(PAIRS)} pairs, {passed} sweeps killed")
    assert walker.again or passed >= len(SECOND), "from the intent on, the sweep passes every point"


def test_the_flawed_build_is_convicted_by_the_same_fire(template: tuple[str, str], tmp_path: Path) -> None:
    with databases.own_database(*template) as url, running(url, tmp_path, "flawed") as site:
        fire = Fire(site, KILLS, SEED)
        fire.burn()
        fire.settle(strictly=False)
        found = fire.breaches()
    print(fire.report())
    print("\n".join(map(str, found[:40])))
    kinds = {one.kind for one in found}
    assert kinds & {
        "double refund",
        "double transfer",
        "double capture",
        "lost event",
        "ledger and provider",
    }, kinds
