"""What text may be kept, and how it is kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import TextRefused
from marketplace.domain.words import clean_line, clean_text, same_but_ending


def why(text: str, most: int = 100) -> str:
    with pytest.raises(TextRefused) as refused:
        clean_text(text, most)
    with pytest.raises(TextRefused):
        clean_line(text, most)
    assert refused.value.facts["most"] == most
    return refused.value.facts["why"]


def test_a_line_is_one_line_with_single_spaces():
    assert clean_line("  Une \t ligne\r\nqui   suit ", 100) == "Une ligne qui suit"


def test_a_text_keeps_its_lines_and_their_indentation():
    assert clean_text("\r\n a\r\n  b\rc\u2028d \n", 100) == "a\n  b\nc\nd"


def test_typographic_spaces_are_meant():
    assert clean_line("Vraiment\u202f! 12\u202f000\u00a0€", 100) == "Vraiment\u202f! 12\u202f000\u00a0€"


def test_letters_are_composed():
    assert clean_line("e\u0301tude", 5) == "étude"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\x00b", "nul"),
        ("a\ud800b", "surrogate"),
        ("a\x07b", "control"),
        ("a\x1bb", "control"),
        ("a\x7fb", "control"),
        ("a\x9bb", "control"),
        ("a\u202eb", "control"),
        ("a\u2066b", "control"),
        ("a" * 101, "too_long"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(text, reason):
    assert why(text) == reason


def test_length_counts_what_is_kept():
    assert clean_line("   " + "a" * 5 + "   ", 5) == "aaaaa"
    assert clean_text("e\u0301" * 5, 5) == "é" * 5
    assert clean_line("", 0) == ""


def test_names_of_all_languages_and_emoji_pass():
    for text in ("Maëlle Kervadoret", "Ødegård", "Παπαδόπουλος", "山田太郎", "👩🏽‍🔧", "שלום"):
        assert clean_line(text, 50) == unicodedata.normalize("NFC", text)


@given(st.text(), st.integers(0, 50))
def test_what_is_kept_is_kept_as_it_is_the_second_time(text, most):
    for cleaner in (clean_line, clean_text):
        try:
            once = cleaner(text, most)
        except TextRefused:
            continue
        assert cleaner(once, most) == once
        assert len(once) <= most
        once.encode()
        assert "\x00" not in once
        assert once == once.strip()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("installons", "installers", True), ("doublons", "doubler", True), ("connectees", "connectes", True),
        ("ignorees", "ignore", True), ("captteurs", "capteurs", False), ("accesibilite", "accessibilite", False),
        ("saisine", "saisie", False), ("sepa", "sept", False),
    ],
)  # fmt: skip
def test_another_form_of_a_word_is_no_other_word(one: str, other: str, same: bool):
    assert same_but_ending(one, other) is same
    assert same_but_ending(other, one) is same
