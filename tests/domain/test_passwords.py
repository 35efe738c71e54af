"""Passwords: long and rare, with no rules of composition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import WeakPassword
from marketplace.domain.passwords import LONGEST, check_password, common_passwords, is_common

OWN = ("Déclic", "declic", "Solène Castagnères", "solene@aquafouine.example", "Foncière Calvière")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "short"),
        ("elevenchars", "short"),
        ("p" * 129, "long"),
        ("password12345", "common"),
        ("Motdepasse2026!", "common"),
        ("azertyuiop123", "common"),
        ("PASSWORDPASSWORD", "common"),
        ("abcabcabcabc", "common"),
        ("111111111111", "common"),
        ("Solène Castagnères", "own_words"),
        ("solene-aquafouine", "own_words"),
        ("declic.declic.1", "own_words"),
        ("Foncière Calvière 26", "own_words"),
    ],
)
def test_what_is_refused(password: str, why: str) -> None:
    with pytest.raises(WeakPassword) as weak:
        check_password(password, own_words=OWN)
    assert weak.value.facts["why"] == why


@pytest.mark.parametrize(
    "password",
    [
        "trombone vert lune",
        "nous trois à Sète",
        "日本語のパスワードです十二",
        "  spaces count  x",
        "Solène aime le tarot",
    ],
)
def test_what_is_taken(password: str) -> None:
    check_password(password, own_words=OWN)


def test_operators_need_more() -> None:
    check_password("vert lune 42", own_words=OWN)
    with pytest.raises(WeakPassword):
        check_password("vert lune 42", operator=True, own_words=OWN)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=12, max_size=LONGEST))
def test_any_text_is_judged_without_failing(password: str) -> None:
    try:
        check_password(password, own_words=OWN)
    except WeakPassword as weak:
        assert weak.facts["why"] in ("common", "own_words")


def test_the_list_is_there() -> None:
    assert len(common_passwords()) > 3000
    assert all(is_common(word) for word in common_passwords())
