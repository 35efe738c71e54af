"""When an expert's share leaves, and why then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.transfers import frozen_by, transfer_due

DUE = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("sessions", "captured", "bank", "when", "why"),
    [
        (3, -10 * DAY, None, DUE, "due"),
        (0, -10 * DAY, None, DUE + 7 * DAY, "new_expert"),
        (2, -10 * DAY, None, DUE + 7 * DAY, "new_expert"),
        (0, -73 * DAY, None, DUE + 7 * DAY, "new_expert"),
        (0, -75 * DAY, None, DUE + 5 * DAY, "day_80"),
        (0, -85 * DAY, None, DUE, "day_80"),
        (0, None, None, DUE + 7 * DAY, "new_expert"),
        (3, -10 * DAY, -71 * HOUR, DUE + HOUR, "bank_changed"),
        (3, -10 * DAY, -72 * HOUR, DUE, "due"),
        (0, -10 * DAY, -HOUR, DUE + 7 * DAY, "new_expert"),
        (0, -85 * DAY, -HOUR, DUE + 71 * HOUR, "bank_changed"),
    ],
)
def test_the_date_and_its_reason(sessions, captured, bank, when, why):
    assert transfer_due(
        due=DUE,
        sessions_before=sessions,
        captured_at=None if captured is None else DUE + captured,
        bank_changed_at=None if bank is None else DUE + bank,
    ) == (when, why)


@pytest.mark.parametrize(
    ("freezes", "why"),
    [((), "due"), (("report",), "report"), (("report", "chargeback"), "chargeback")],
)
def test_while_something_is_frozen_that_is_the_reason(freezes, why):
    got = transfer_due(due=DUE, sessions_before=3, captured_at=DUE - DAY, freezes=freezes)
    assert got == (DUE, why)


def test_an_unknown_freeze_is_a_defect():
    with pytest.raises(ValueError, match="frost"):
        frozen_by(["frost"])


@given(
    st.integers(0, 6),
    st.none() | st.integers(-90, 0),
    st.none() | st.integers(-200, 0),
)
def test_never_before_it_is_due_nor_within_three_days_of_a_new_bank(sessions, captured, bank):
    bank_at = None if bank is None else DUE + bank * HOUR
    when, why = transfer_due(
        due=DUE,
        sessions_before=sessions,
        captured_at=None if captured is None else DUE + captured * DAY,
        bank_changed_at=bank_at,
    )
    assert when >= DUE
    assert bank_at is None or when >= bank_at + 72 * HOUR
    assert when <= DUE + 7 * DAY
    assert (when > DUE) <= (why != "due")
