"""Which reminder is due: at most one of each kind, never after its start, never one that came too late to be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.reminders import AHEAD, reminder_due

START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)
MINUTES = st.integers(-60, 20 * 24 * 60)


@pytest.mark.parametrize(
    ("ahead", "firm", "due"),
    [
        (timedelta(days=7, seconds=1), timedelta(days=10), None),
        (timedelta(days=7), timedelta(days=10), "week"),
        (timedelta(days=2), timedelta(days=10), "week"),
        (timedelta(days=2), timedelta(days=6), None),
        (timedelta(days=1), timedelta(days=6), "day"),
        (timedelta(hours=2), timedelta(hours=2), None),
        (timedelta(hours=1), timedelta(hours=2), "hour"),
        (timedelta(hours=1), timedelta(hours=1), "hour"),
        (timedelta(minutes=59), timedelta(minutes=59), None),
        (timedelta(0), timedelta(days=10), None),
    ],
)
def test_examples(ahead: timedelta, firm: timedelta, due: str | None) -> None:
    assert reminder_due(START - ahead, START, START - firm) == due


@given(now=MINUTES, firm=MINUTES)
def test_what_is_due_is_the_last_whose_instant_came_after_the_session_stood(now: int, firm: int) -> None:
    at, since = START - timedelta(minutes=now), START - timedelta(minutes=firm)
    kind = reminder_due(at, START, since)
    if kind is not None:
        assert since <= START - AHEAD[kind] <= at < START
        assert not any(START - AHEAD[kind] < START - ahead <= at for ahead in AHEAD.values())


@given(firm=st.integers(61, 20 * 24 * 60))
def test_minute_by_minute_each_kind_has_one_run_and_the_furthest_is_first(firm: int) -> None:
    seen: list[str] = []
    for minute in range(firm, -5, -1):
        kind = reminder_due(START - timedelta(minutes=minute), START, START - timedelta(minutes=firm))
        if kind is not None and (not seen or seen[-1] != kind):
            seen.append(kind)
    assert seen == [kind for kind in AHEAD if AHEAD[kind] <= timedelta(minutes=firm)]
