"""Enquiries: limits, price bounds, slots, and their 30 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain import enquiries as law
from marketplace.domain.deadlines import payment_window, queue_hold_until
from marketplace.domain.errors import PriceRefused, ProposalIncomplete, TooManyEnquiries, TooManyInvited

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
COUNTS = st.integers(0, 30)


@given(COUNTS)
def test_three_open_a_person(open_of_person: int) -> None:
    if open_of_person >= 3:
        with pytest.raises(TooManyEnquiries):
            law.refuse_too_many_enquiries(open_of_person)
    else:
        law.refuse_too_many_enquiries(open_of_person)


@given(COUNTS, COUNTS)
def test_eight_invited_in_all(invited: int, more: int) -> None:
    if invited + more > 8:
        with pytest.raises(TooManyInvited):
            law.refuse_too_many_invited(invited, more)
    else:
        law.refuse_too_many_invited(invited, more)


@given(st.integers(-(10**9), 10**9))
def test_a_price_is_one_of_an_offer(price: int) -> None:
    if 20_000 <= price <= 2_000_000:
        assert law.check_price(price) == price
    else:
        with pytest.raises(PriceRefused):
            law.check_price(price)


@given(st.lists(st.integers(0, 4), max_size=6))
def test_two_or_three_different_starts_in_order(days: list[int]) -> None:
    starts = [START + timedelta(days=day) for day in days]
    if len(set(days)) in (2, 3):
        assert law.proposed_starts(starts) == sorted(set(starts))
    else:
        with pytest.raises(ProposalIncomplete):
            law.proposed_starts(starts)


def test_thirty_days() -> None:
    assert law.open_until(START) - START == timedelta(days=30)


@given(st.integers(4, 240), st.integers(0, 60 * 24 * 60))
def test_a_hold_by_the_experts_yes_leaves_time_to_pay_and_never_more_than_four_hours(
    notice: int, later_minutes: int
) -> None:
    """Every hold needs N; payment opens while 35 minutes remain to the hold's own end."""
    start = START + timedelta(hours=notice, minutes=later_minutes)
    until = queue_hold_until(START, start, notice)
    assert START + timedelta(minutes=80) <= until <= START + timedelta(hours=4)
    assert until <= start - timedelta(minutes=40 * notice)
    assert payment_window(until, START, until) == until
