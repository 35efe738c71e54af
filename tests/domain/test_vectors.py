"""Taking the language out of a vector, and putting it back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.vectors import COMPOSITION, centred, composed, mean_of, nearer, uncentred

NUMBERS = st.floats(-1, 1, allow_nan=False, width=32)
SIX = st.lists(NUMBERS, min_size=6, max_size=6).map(tuple)


@given(SIX, SIX, st.sampled_from([(), (6,), (4, 2)]))
def test_what_was_taken_away_can_be_put_back(raw: Any, mean: Any, parts: Any) -> None:
    again = uncentred(centred(raw, mean, parts), mean, parts)
    if all(any(raw[a:b]) for a, b in ([(0, 4), (4, 6)] if parts == (4, 2) else [(0, 6)])):
        assert again == pytest.approx(raw, abs=1e-6)


def test_the_whole_is_one_unit_long_and_weighs_its_parts_alike() -> None:
    one = centred((3.0, 4.0, 0.0, 2.0), None, (2, 2))
    assert math.hypot(*one.vector) == pytest.approx(1)
    assert math.hypot(*one.vector[:2]) == pytest.approx(math.hypot(*one.vector[2:]))
    assert one.lengths == (5.0, 2.0)


def test_a_model_that_is_missing_leaves_the_other_its_whole_weight() -> None:
    one = centred((3.0, 4.0, 0.0, 0.0), (0.5, 0.5, 0.1, 0.1), (2, 2))
    assert one.vector[2:] == (0.0, 0.0)
    assert math.hypot(*one.vector) == pytest.approx(1)


def test_a_text_that_is_the_mean_itself_means_nothing() -> None:
    assert centred((0.6, 0.8), (0.6, 0.8), ()).vector == (0.0, 0.0)


def test_an_offer_is_the_weighted_sum_of_its_parts() -> None:
    fields = {name: (1.0, 0.0) for name in COMPOSITION if name != "gist"}
    assert composed(fields, [(0.0, 1.0)]) == pytest.approx((2.0 / 2.5, 0.5 / 2.5))
    # What it does not have weighs as the whole does.
    assert composed({"whole": (1.0, 0.0)}, []) == pytest.approx((1.0, 0.0))


def test_means() -> None:
    assert mean_of([(1.0, 0.0), (0.0, 1.0)]) == (2, (0.5, 0.5))
    assert mean_of([]) == (0, ())


def test_a_text_without_grammar_lies_on_one_side() -> None:
    means = {"fr": (1.0, 0.0), "en": (0.0, 1.0)}
    assert nearer((0.8, 0.6), means, "en") == "fr"
    assert nearer((0.6, 0.8), means, "fr") == "en"
    assert nearer((0.6, 0.8), {"fr": (1.0, 0.0)}, "fr") == "fr"
