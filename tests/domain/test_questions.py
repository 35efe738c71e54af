"""What may be asked before booking: limits, deadline, the rate that is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain import questions as law
from marketplace.domain.errors import QuestionIncomplete, QuestionsPaused, TooManyQuestions

COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS, st.integers(1, 50), st.booleans())
def test_a_question_is_let_in_only_within_every_limit(
    mine: int, theirs: int, week: int, paused: bool
) -> None:
    fits = mine < 3 and theirs < week and not paused
    try:
        law.refuse_too_many_questions(mine, theirs, week, paused)
    except (QuestionsPaused, TooManyQuestions) as refusal:
        assert not fits
        assert isinstance(refusal, QuestionsPaused) == paused
    else:
        assert fits


@given(st.lists(st.sampled_from(["", "a?", "b?"]), max_size=6))
def test_one_to_three_are_asked_in_their_order(texts: list[str]) -> None:
    given_ = [text for text in texts if text]
    if not given_:
        with pytest.raises(QuestionIncomplete):
            law.asked_of(texts)
    else:
        assert law.asked_of(texts) == given_[:3]


@given(COUNTS, COUNTS)
def test_a_rate_is_shown_from_three_on(answered: int, not_answered: int) -> None:
    closed = answered + not_answered
    assert law.shown_rate(closed, answered) == ((answered, closed) if closed >= 3 else None)


def test_48_hours_whatever_the_clocks_do() -> None:
    asked = datetime(2026, 10, 24, 12, tzinfo=UTC)  # The night after, clocks change.
    assert law.answer_until(asked) - asked == timedelta(hours=48)
