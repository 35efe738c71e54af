"""What an offer needs, what changed, what is refused, and its address."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import PriceRefused, TextRefused
from marketplace.domain.offers import (
    BLANK,
    FIELDS,
    FORMATS,
    LEAST_PRICE,
    LENGTHS,
    MOST_PRICE,
    NOTICES,
    POLICIES,
    TEXTS,
    changes,
    missing,
    slug,
    tidied,
    whole,
)

WHOLE: dict[str, Any] = {
    "language": "fr", "title": "Relever des machines de 1987 sans automate", "problem": "p" * 150, "failed": "",
    "unlocked": "u" * 150, "takeaways": ["un", "deux", "trois"], "for_whom": "Pour un responsable industriel.",
    "not_for_whom": "", "topics": ["iot-sensors"], "industries": ["manufacturing"], "minutes": 210,
    "price_minor": 115000, "format": "remote", "area": "", "languages": ["fr"], "notice_hours": 72,
    "policy": "moderate", "instant": False, "promises_plan": False, "questions": [],
}  # fmt: skip

few = st.text(st.characters(categories=["L", "Nd"]), max_size=6)
lines = st.lists(few, max_size=3)
contents = st.fixed_dictionaries(
    dict.fromkeys(TEXTS, few)
    | dict.fromkeys(("takeaways", "topics", "industries", "languages", "questions"), lines)
    | {
        "language": st.sampled_from(("fr", "en")), "minutes": st.sampled_from(LENGTHS),
        "price_minor": st.none() | st.integers(LEAST_PRICE, LEAST_PRICE + 2), "format": st.sampled_from(FORMATS),
        "notice_hours": st.sampled_from(NOTICES), "policy": st.sampled_from(POLICIES),
        "instant": st.booleans(), "promises_plan": st.booleans(),
    }
)  # fmt: skip


@given(contents, contents)
def test_nothing_differs_just_where_the_contents_are_equal(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (changes(one, other) == []) == (whole(one) == whole(other))
    assert changes(one, dict(one)) == []


@given(contents, contents)
def test_what_differs_is_all_that_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    put_back = dict(other) | {name: before for name, before, _after in changes(one, other)}
    assert whole(put_back) == whole(one)
    names = [name for name, _before, _after in changes(one, other)]
    assert names == [name for name in FIELDS if name in names]


def test_the_order_of_topics_says_nothing() -> None:
    other = WHOLE | {"topics": ["b", "a"], "industries": ["y", "x", "y"]}
    assert changes(other, WHOLE | {"topics": ["a", "b"], "industries": ["x", "y"]}) == []


def test_against_nothing_all_that_is_written_is_new() -> None:
    named = [name for name, before, _after in changes(None, WHOLE) if before is None]
    assert "title" in named
    assert "instant" in named
    assert "failed" not in named
    assert "questions" not in named


def test_a_whole_draft_misses_nothing() -> None:
    assert missing(WHOLE) == ()


def test_a_blank_one_misses_what_has_to_be_thought_of() -> None:
    assert missing(BLANK) == (
        "title", "problem", "unlocked", "takeaways", "for_whom", "topics", "industries", "price_minor", "languages",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "Trop court"), ("problem", "p" * 149), ("unlocked", ""), ("takeaways", ["un", "deux"]),
        ("for_whom", "Tous"), ("topics", []), ("industries", []), ("price_minor", None), ("languages", []),
        ("notice_hours", 4),
    ],
)  # fmt: skip
def test_one_answer_short(name: str, value: Any) -> None:
    assert missing(WHOLE | {name: value}) == (name,)


def test_who_travels_says_where() -> None:
    assert missing(WHOLE | {"format": "both"}) == ("area",)
    assert missing(WHOLE | {"format": "on_site", "area": "Lyon et à 100 km"}) == ()


def test_an_instant_offer_may_have_four_hours_notice() -> None:
    assert missing(WHOLE | {"notice_hours": 4, "instant": True}) == ()


@pytest.mark.parametrize("minor", [0, -1, 1, LEAST_PRICE - 1, MOST_PRICE + 1, 10_000_000_00])
def test_a_price_that_is_none(minor: int) -> None:
    with pytest.raises(PriceRefused) as refused:
        tidied("price_minor", minor)
    assert refused.value.facts == {"least": LEAST_PRICE, "most": MOST_PRICE}


@pytest.mark.parametrize("minor", [LEAST_PRICE, 115050, MOST_PRICE, None])
def test_a_price_or_none_yet(minor: int | None) -> None:
    assert tidied("price_minor", minor) == minor


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minutes", 60), ("format", "by post"), ("policy", "none"), ("language", "xx"), ("notice_hours", 0),
        ("notice_hours", 10_000),
    ],
)  # fmt: skip
def test_what_is_none_of_the_choices(name: str, value: Any) -> None:
    with pytest.raises(TextRefused):
        tidied(name, value)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_have_an_end_and_hold_no_nul(name: str) -> None:
    most = TEXTS[name][1]
    assert tidied(name, "x" * most) == "x" * most
    for wrong in ("x" * (most + 1), "x\0"):
        with pytest.raises(TextRefused):
            tidied(name, wrong)


@pytest.mark.parametrize("name", [*TEXTS, "takeaways", "questions"])
def test_a_script_is_words_like_any_other(name: str) -> None:
    script = "<script>alert(1)</script>"
    kept = tidied(name, script if name in TEXTS else [script])
    assert kept == (script if name in TEXTS else [script])


def test_empty_lines_go_and_too_many_are_refused() -> None:
    assert tidied("takeaways", ["", " un ", "", "deux"]) == ["un", "deux"]
    with pytest.raises(TextRefused):
        tidied("questions", ["?"] * 6)


def test_languages_keep_the_houses_order() -> None:
    assert tidied("languages", ["de", "en", "klingon", "fr"]) == ["fr", "en", "de"]


def test_whole_leaves_out_what_is_no_field() -> None:
    assert tuple(whole({"title": "x", "live": True})) == FIELDS


@given(st.text(max_size=200))
def test_an_address_is_never_empty_nor_taken(title: str) -> None:
    first = slug(title)
    assert first
    assert first.isascii()
    assert slug(title, {first}) != first
