"""SIGKILL at every point between intent, call and outcome, of every call there is; then the clock and the sweep."""

from __future__ import annotations

import difflib
import inspect

import pytest

from marketplace.gateways.payments import Payments
from marketplace.services import ledger
from marketplace.services.payments import carrying
from marketplace.storage.payments import CALL_KINDS
from tests.fire import books
from tests.fire.child import POINTS, SECOND, method_of
from tests.fire.judge import judge
from tests.fire.walkers import EVENT, PAY_OUT, WALKERS, confirmed
from tests.fire.world import World, told, walk

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
