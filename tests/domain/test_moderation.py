"""Cases: the minute for taking back, whose reason is owed, and what became of a text word by word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.moderation import DECISIONS, TARGETS, reason_needed, undo_open, word_changes

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_each_kind_has_its_target_and_its_answers() -> None:
    assert set(TARGETS) == set(DECISIONS)


@pytest.mark.parametrize(("seconds", "open_"), [(0, True), (59, True), (60, False), (3600, False)])
def test_the_minute(seconds: int, open_: bool) -> None:
    assert undo_open(AT, AT + timedelta(seconds=seconds)) is open_


def test_only_a_plain_yes_and_notes_at_fields_need_no_words() -> None:
    free = {decision for some in DECISIONS.values() for decision in some if not reason_needed(decision)}
    assert free == {"approve", "changes"}


def test_a_changed_word_is_shown_against_the_old_one() -> None:
    assert word_changes("avec beaucoup d’intérimaires.", "avec cent intérimaires.") == (
        ("same", "avec "), ("gone", "beaucoup d’intérimaires."), ("new", "cent intérimaires."),
    )  # fmt: skip


@given(st.text(max_size=200), st.text(max_size=200))
def test_both_texts_can_be_read_off_the_pieces(before: str, after: str) -> None:
    pieces = word_changes(before, after)
    assert "".join(text for how, text in pieces if how != "new") == before
    assert "".join(text for how, text in pieces if how != "gone") == after
