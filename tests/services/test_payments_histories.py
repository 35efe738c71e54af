"""Any permutation, duplication and loss of a payment's events, followed by one sweep, ends in the same state
and the same ledger (payments.md, "Webhooks"): over every course a payment may take, tests/services/histories.py
says how."""

from __future__ import annotations

import difflib
import json
import random
from collections.abc import Iterator

import pytest
import requests

from marketplace.storage.db import Database
from tests import database as databases
from tests.clock import FakeClock
from tests.services.histories import Course, HeldProvider, Walk, World, session_to

TAKEN = ("pay", "accept")
CONTESTED = (*TAKEN, "dispute")
PAID_OUT = (*TAKEN, "complete", "transfer")
# What happens, and what the payment and its ledger come to: its state, what of it is refunded, and how its
# chargeback ended.
COURSES: dict[Course, tuple[str, int, str | None]] = {
    ("card_declined", "pay", "accept"): ("captured", 0, None),
    ("card_declined", "page_ends"): ("closed", 0, None),
    ("pay", "accept_unanswered"): ("captured", 0, None),
    ("pay", "decline"): ("released", 0, None),
    ("pay", "decline_unanswered"): ("released", 0, None),
    ("pay", "reserve_ends"): ("lost", 0, None),
    ("pay", "will_fail", "accept"): ("lost", 0, None),
    # Paid before the page could be closed, and the slot is still held for it.
    ("give_up", "pay"): ("authorised", 0, None),
    ("give_up", "page_ends"): ("closed", 0, None),
    (*TAKEN, "refund", "refund_again"): ("captured", 118_800, None),
    (*TAKEN, "refund_unanswered", "refund_fails"): ("captured", 79_200, None),
    (*TAKEN, "refund_all", "refund_fails"): ("captured", 158_400, None),
    (*TAKEN, "slow_refunds", "refund", "refund_arrives", "refund_fails"): ("captured", 79_200, None),
    (*TAKEN, "slow_refunds", "refund", "dispute", "won"): ("captured", 79_200, "won"),
    (*TAKEN, "slow_refunds", "refund", "dispute", "lost"): ("captured", 158_400, "lost"),
    (*CONTESTED, "won"): ("captured", 0, "won"),
    (*CONTESTED, "lost"): ("captured", 158_400, "lost"),
    (*CONTESTED, "refund", "lost"): ("captured", 158_400, "lost"),
    (*CONTESTED, "refund", "won"): ("captured", 79_200, "won"),
    (*TAKEN, "inquiry", "comes_to_nothing"): ("captured", 0, "inquiry_closed"),
    (*TAKEN, "inquiry", "escalates", "won"): ("captured", 0, "won"),
    (*TAKEN, "inquiry", "escalates", "lost"): ("captured", 158_400, "lost"),
    (*TAKEN, "prevented"): ("captured", 0, "prevented"),
    (*TAKEN, "resolved"): ("captured", 158_400, "prevented"),
    PAID_OUT: ("captured", 0, None),
    (*PAID_OUT, "refund", "refund_fails"): ("captured", 79_200, None),
    (*PAID_OUT, "dispute", "lost"): ("captured", 0, "lost"),
    (*PAID_OUT, "dispute", "won"): ("captured", 0, "won"),
}
DRAWN = 28


@pytest.fixture
def world(
    template: tuple[str, str], db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with databases.own_database(template[0], None) as url:
        provider = HeldProvider(url.replace("postgresql+psycopg://", "postgresql://", 1), clock)
        session = session_to(provider.wire)
        monkeypatch.setattr(requests, "Session", lambda: session)
        try:
            yield World(db, clock, provider)
        finally:
            provider.stop()


def test_any_history_ends_the_same(world: World, record_property: pytest.RecordProperty) -> None:
    walk = Walk(world, tuple(COURSES))
    walk.run()
    for course, expected in COURSES.items():
        ends = walk.ends[course]
        assert len(ends) == 1, _apart(ends)
        assert _come_to(next(iter(ends))) == (*expected, []), course
        assert walk.histories(course) >= 1_000
    record_property("histories", sum(walk.histories(course) for course in COURSES))
    record_property("transitions", walk.delivered)

    # And some of them from their start to their end, so that the graph is no dream of its own.
    draw = random.Random(20_261_201)
    for number in range(DRAWN):
        course = list(COURSES)[number % len(COURSES)]
        way, end = walk.play(course, draw)
        assert end in walk.ends[course], _apart({**walk.ends[course], end: way})


def _come_to(end: str) -> tuple[str, int, str | None, list[str]]:
    """State, refunded, the chargeback's end, and what the ledger's check finds wrong."""
    rows = [json.loads(line) for line in end.splitlines() if line.startswith("[")]
    wrong = [line for line in end.splitlines() if not line.startswith("[")]
    (payment,) = (data for name, data in rows if name == "payments")
    contested = [data["state"] for name, data in rows if name == "chargebacks"]
    return payment["state"], payment["refunded_minor"], contested[0] if contested else None, wrong


def _apart(ends: dict[str, list[str]]) -> str:
    """Two ways that do not end the same, and in what."""
    (one, this), (other, that) = list(ends.items())[:2]
    apart = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0)
    return "\n".join([" ".join(this), " ".join(that), *apart])
