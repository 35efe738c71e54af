"""What follows from an event exists, and runs in room order."""

from __future__ import annotations

import inspect

import pytest

from marketplace.domain import events
from marketplace.jobs.tasks import JOBS, PERIODIC
from marketplace.services.reactions import AFTER, WITHIN
from tests.house.test_floors import ROOMS

EVENTS = {
    thing
    for _, thing in inspect.getmembers(events, inspect.isclass)
    if issubclass(thing, events.Event) and thing is not events.Event
}


def test_every_job_named_after_an_event_exists() -> None:
    named = {job for jobs in AFTER.values() for job in jobs}
    assert named <= set(JOBS), named - set(JOBS)


def test_jobs_are_named_after_rooms() -> None:
    assert {name.split(".")[0] for name in JOBS} <= set(ROOMS)
    assert not set(JOBS) & set(PERIODIC)


def test_reactions_are_to_known_events() -> None:
    assert set(WITHIN) | set(AFTER) <= EVENTS


@pytest.mark.parametrize("event", sorted(EVENTS, key=lambda e: e.__name__), ids=lambda e: e.__name__)
def test_an_event_has_somebody_who_listens(event: type) -> None:
    assert event in WITHIN or event in AFTER, "nobody listens: leave it out"


@pytest.mark.parametrize("event", sorted(WITHIN, key=lambda e: e.__name__), ids=lambda e: e.__name__)
def test_reactions_within_run_in_room_order(event: type) -> None:
    places = [ROOMS.index(react.__module__.split(".")[2]) for react in WITHIN[event]]
    assert places == sorted(places)
    for react in WITHIN[event]:
        assert next(iter(inspect.signature(react).parameters)) == "tx"
