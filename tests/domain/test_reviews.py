"""When reviews may be sent and are shown, and what is said of several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.reviews import (
    average_hundredths,
    both_sent,
    days_median,
    rating_score,
    visible,
    why_closed,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_neither_side_sees_the_others_before_both_are_in_or_the_window_ends():
    assert not visible(both_in=False, until=NOW + MOMENT, now=NOW)
    assert visible(both_in=True, until=NOW + MOMENT, now=NOW)
    assert visible(both_in=False, until=NOW, now=NOW)


def test_both_sides_are_two_different_ones():
    assert both_sent(["lead", "expert"])
    assert not both_sent(["lead"])
    assert not both_sent([])


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({}, None),
        ({"sent": ["expert"]}, None),
        ({"sent": ["lead"]}, "sent"),
        ({"reported": True}, "reported"),
        ({"delivered": False}, "not_yet"),
        ({"until": None}, "not_yet"),
        ({"until": NOW}, "over"),
        ({"until": NOW - MOMENT, "sent": ["lead"]}, "sent"),
    ],
)
def test_a_side_sends_once_within_the_window(terms, why):
    given_terms = {"sent": [], "delivered": True, "reported": False, "until": NOW + MOMENT} | terms
    assert why_closed("lead", now=NOW, **given_terms) == why


@pytest.mark.parametrize(
    ("marks", "average"),
    [([], None), ([5, 5], None), ([5, 5, 4], 467), ([5, 4, 4], 433), ([5, 5, 5], 500), ([1, 1, 1, 2], 125)],
)
def test_an_average_needs_three(marks, average):
    assert average_hundredths(marks) == average


@pytest.mark.parametrize(("days", "middle"), [([1, 9], None), ([9, 1, 4], 4.0), ([1, 2, 3, 10], 2.5)])
def test_days_saved_are_a_median_from_three_answers(days, middle):
    assert days_median(days) == middle


def test_one_top_mark_ranks_below_many_good_ones():
    assert rating_score([]) == 4_000
    assert rating_score([5]) < rating_score([5, 5, 5, 5, 4])
    assert rating_score([1, 1, 1]) < rating_score([])


@given(st.lists(st.integers(1, 5), min_size=3))
def test_averages_lie_between_the_least_and_the_most(marks):
    average = average_hundredths(marks)
    assert average is not None
    assert min(marks) * 100 <= average <= max(marks) * 100
    assert abs(average * len(marks) - 100 * sum(marks)) * 2 <= len(marks)
    low, high = sorted((4_000, 1000 * sum(marks) // len(marks)))
    assert low - 1 <= rating_score(marks) <= high
