"""Filters: what an address says and what it says back; nonsense is left out and named."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.filters import (
    FORMATS,
    LENGTHS,
    NONE,
    RATINGS,
    Filters,
    read_filters,
    read_order,
)  # fmt: skip

TODAY = date(2026, 11, 24)
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)
DAYS = st.dates(TODAY, TODAY + timedelta(days=90))


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    prices = sorted(draw(st.lists(st.integers(0, 99_999), min_size=2, max_size=2)))
    days = sorted(draw(st.lists(DAYS, min_size=2, max_size=2)))
    both = draw(st.booleans()), draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    return Filters(
        topic=tuple(draw(st.lists(SLUGS, max_size=3, unique=True))),
        industry=tuple(draw(st.lists(SLUGS, max_size=3, unique=True))),
        language=tuple(draw(st.lists(st.sampled_from(["fr", "en", "de"]), max_size=3, unique=True))),
        format=tuple(draw(st.lists(st.sampled_from(FORMATS), max_size=2, unique=True))),
        minutes=tuple(draw(st.lists(st.sampled_from(LENGTHS), max_size=3, unique=True))),
        price_min=prices[0] if both[0] else None,
        price_max=prices[1] if both[1] else None,
        from_day=days[0] if both[2] else None,
        to_day=days[1] if both[3] else None,
        rating=draw(st.sampled_from([None, *RATINGS])),
    )


def asked(one: Filters) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in one.pairs():
        found[name].append(value)
    return found


@given(filters())
def test_an_address_read_back_is_the_same(one: Filters) -> None:
    assert read_filters(asked(one), TODAY) == (one, ())


@given(filters())
def test_taking_filters_away_one_by_one_leaves_none(one: Filters) -> None:
    for name in one.set_names():
        assert name in one.set_names()
        one = one.without(name)
        assert name not in one.set_names()
    assert one == NONE
    assert not one


@given(
    st.dictionaries(
        st.sampled_from(
            ["topic", "from", "to", "price_min", "price_max", "minutes", "rating", "week", "format", "x"]
        ),
        st.lists(st.text(max_size=30), max_size=4),
    )
)
def test_anything_in_an_address_reads_as_some_filters(given: dict[str, list[str]]) -> None:
    read, wrong = read_filters(given, TODAY)
    again, none = read_filters(asked(read), TODAY)
    assert (again, none) == (read, ())
    assert set(wrong) <= set(given)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("from", "2026-02-30"), ("to", "tomorrow"), ("price_min", "-1"), ("price_max", "1e9"), ("minutes", "181"),
        ("rating", "9"), ("format", "both"), ("topic", "'; drop table offers"), ("language", "FRA"), ("topic", "x" * 200),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_named(name: str, text: str) -> None:
    assert read_filters({name: [text]}, TODAY) == (NONE, (name,))


def test_turned_round_bounds_are_put_in_order() -> None:
    read, wrong = read_filters(
        {"price_min": ["900"], "price_max": ["100"], "from": ["2026-12-24"], "to": ["2026-12-01"]}, TODAY
    )
    assert (read.price_min, read.price_max, wrong) == (100, 900, ())
    assert (read.from_day, read.to_day) == (date(2026, 12, 1), date(2026, 12, 24))


def test_this_week_is_seven_days_from_today() -> None:
    read, _wrong = read_filters({"week": ["1"]}, TODAY)
    assert (read.from_day, read.to_day) == (TODAY, TODAY + timedelta(days=6))


def test_one_value_of_several_can_go() -> None:
    one = Filters(topic=("a", "b"), minutes=(180,))
    assert one.without("topic", "a") == Filters(topic=("b",), minutes=(180,))
    assert one.without("minutes", 180) == Filters(topic=("a", "b"))


def test_without_words_there_is_no_order_by_fit() -> None:
    assert read_order("fit", asked=False) == "newest"
    assert read_order("", asked=True) == "fit"
    assert read_order("price", asked=False) == "price"
    assert read_order("; drop", asked=True) == "fit"
