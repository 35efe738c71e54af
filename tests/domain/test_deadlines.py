"""Each row of "Deadlines" by hand, and the promise that everybody has at least 4 h (instant: 1 h)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace.domain import deadlines as d
from marketplace.domain.errors import NoTimeToApprove, PaymentWindowClosed, TooManyHolds

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
INSTANT_MICRO = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("hours", "instant", "asked", "n"),
    [
        (4, False, False, 24),
        (24, False, False, 24),
        (72, False, False, 72),
        (4, True, False, 4),
        (1, True, False, 4),
        (12, True, False, 12),
        (12, True, True, 24),
        (48, True, True, 48),
    ],
)
def test_notice_is_at_least_a_day_or_four_hours_where_nobody_is_asked(hours, instant, asked, n):
    assert d.effective_notice(hours, instant, asked) == n
    assert d.earliest_start(NOW, hours, instant, asked) == NOW + n * HOUR
    assert d.has_notice(NOW + n * HOUR, NOW, hours, instant, asked)
    assert not d.has_notice(NOW + n * HOUR - INSTANT_MICRO, NOW, hours, instant, asked)


def test_a_person_has_two_holds_and_a_company_five():
    d.refuse_too_many_holds(1, 4)
    with pytest.raises(TooManyHolds) as refused:
        d.refuse_too_many_holds(2, 2)
    assert refused.value.facts == {"limit": 2, "whose": "person"}
    with pytest.raises(TooManyHolds) as refused:
        d.refuse_too_many_holds(0, 5)
    assert refused.value.facts == {"limit": 5, "whose": "company"}


def test_a_hold_lasts_thirty_five_minutes_and_twice_fifteen_more():
    until = d.hold_until(NOW)
    assert until == NOW + 35 * MIN
    last = d.last_instant_to_pay(NOW, NOW + 10 * DAY, 24)
    assert last == NOW + 120 * MIN
    assert d.extended_until(d.extended_until(until, last), last) == NOW + 65 * MIN


def test_extending_never_leads_past_the_last_instant_nor_back():
    assert d.extended_until(NOW + 110 * MIN, NOW + 120 * MIN) == NOW + 120 * MIN
    assert d.extended_until(NOW + 130 * MIN, NOW + 120 * MIN) == NOW + 130 * MIN


def test_the_last_instant_is_two_thirds_of_the_notice_before_the_start():
    assert d.last_instant_to_pay(NOW, NOW + 4 * HOUR, 4) == NOW + 80 * MIN
    assert d.last_instant_to_pay(NOW, NOW + 24 * HOUR, 24) == NOW + 120 * MIN


def test_payment_opens_while_thirty_five_minutes_remain():
    last = NOW + 35 * MIN
    assert d.payment_window(NOW + 5 * MIN, NOW, last) == last
    assert d.payment_window(NOW + 40 * MIN, NOW, NOW + DAY) == NOW + 40 * MIN
    with pytest.raises(PaymentWindowClosed) as refused:
        d.payment_window(NOW + 5 * MIN, NOW + INSTANT_MICRO, last)
    assert refused.value.facts == {"last": last}


def test_another_slot_never_lengthens_the_hold():
    until = NOW + 35 * MIN
    assert d.repicked_until(until, NOW + 10 * DAY, 24, NOW) == until
    assert d.repicked_until(NOW + 3 * HOUR, NOW + 4 * HOUR, 4, NOW) == NOW + 80 * MIN
    assert d.repicked_until(NOW + 20 * HOUR, NOW + 10 * DAY, 24, NOW, approval_dropped=True) == NOW + 35 * MIN
    assert d.repicked_until(NOW + 5 * MIN, NOW + 10 * DAY, 24, NOW, approval_dropped=True) == NOW + 5 * MIN


def test_a_hold_of_the_queue_lasts_four_hours():
    assert d.queue_hold_until(NOW, NOW + 10 * DAY, 24) == NOW + 4 * HOUR
    assert d.queue_hold_until(NOW, NOW + 6 * HOUR, 6) == NOW + 2 * HOUR


def test_an_approver_has_seventy_two_hours_or_until_the_notice():
    assert d.ask_approval_until(NOW, NOW + 10 * DAY, 24, False) == NOW + 72 * HOUR
    assert d.ask_approval_until(NOW, NOW + 28 * HOUR, 24, False) == NOW + 4 * HOUR
    assert d.ask_approval_until(NOW, NOW + 5 * HOUR, 4, True) == NOW + 1 * HOUR


@pytest.mark.parametrize(("start", "notice", "instant"), [(28, 24, False), (5, 4, True)])
def test_too_little_time_to_approve_is_refused_by_name(start, notice, instant):
    start_at = NOW + start * HOUR - INSTANT_MICRO
    assert not d.approval_open(NOW, start_at, notice, instant)
    with pytest.raises(NoTimeToApprove) as refused:
        d.ask_approval_until(NOW, start_at, notice, instant)
    assert refused.value.facts["least"] == (HOUR if instant else 4 * HOUR)


def test_paying_after_approval():
    assert d.pay_after_approval_until(NOW, NOW + 10 * DAY, 24) == NOW + 24 * HOUR
    assert d.pay_after_approval_until(NOW, NOW + 24 * HOUR, 24) == NOW + 8 * HOUR


def test_answering():
    assert d.answer_until(NOW, NOW + 10 * DAY) == NOW + 48 * HOUR
    assert d.answer_until(NOW, NOW + 24 * HOUR) == NOW + 12 * HOUR
    assert d.answer_until(NOW, NOW + 10 * DAY, NOW + 20 * HOUR) == NOW + 18 * HOUR


def test_paying_again():
    assert d.pay_again_until(NOW, NOW + 10 * DAY, 24) == NOW + 24 * HOUR
    assert d.pay_again_until(NOW, NOW + 12 * HOUR, 24) == NOW + 4 * HOUR
    assert d.pay_again_until(NOW, NOW + 160 * MIN, 4) == NOW + 80 * MIN


def test_objecting():
    assert d.objection_until(NOW) == NOW + 72 * HOUR
    assert d.objection_until(NOW, promises_plan=True) == NOW + 7 * DAY
    assert d.objection_until(NOW, True, NOW + 10 * HOUR) == NOW + 72 * HOUR
    assert d.objection_until(NOW, True, NOW + 40 * HOUR) == NOW + 88 * HOUR
    assert d.objection_until(NOW, True, NOW + 6 * DAY) == NOW + 7 * DAY
    assert d.objection_until(NOW, False, NOW + 6 * DAY) == NOW + 72 * HOUR


def test_reports():
    assert d.report_opens_at(NOW, no_show=False) == NOW
    assert d.report_opens_at(NOW, no_show=True) == NOW + 15 * MIN
    assert d.report_closes_at(NOW, None) == NOW
    captured = NOW - 79 * DAY
    assert d.report_closes_at(NOW + DAY, captured) == NOW + DAY
    assert d.report_closes_at(NOW + DAY, captured, withdrawn=True) == NOW - DAY
    assert d.window_after_withdrawal(NOW + 2 * HOUR, NOW) == NOW + 24 * HOUR
    assert d.window_after_withdrawal(NOW + 30 * HOUR, NOW) == NOW + 30 * HOUR


def test_money_and_reviews_after_the_session():
    assert d.share_due_at(NOW) == NOW + 72 * HOUR
    assert d.reviews_until(NOW) == NOW + 14 * DAY
    assert d.reviews_resumed_until(NOW + 14 * DAY, NOW + DAY, NOW + 20 * DAY) == NOW + 33 * DAY
    assert d.reviews_resumed_until(NOW + 14 * DAY, NOW + 13 * DAY, NOW + 20 * DAY) == NOW + 27 * DAY


def test_disputes():
    assert d.settle_between_until(NOW) == NOW + 48 * HOUR
    assert d.operators_target(NOW) == NOW + 9 * DAY
    assert d.appeal_until(NOW, appealed=False) == NOW + 5 * DAY
    assert d.appeal_until(NOW, appealed=True) == NOW
    assert d.day_80(NOW) == NOW + 80 * DAY
    assert d.alarmed_from(NOW) == NOW + 60 * DAY
    assert d.dispute_ends_at(NOW, NOW + 70 * DAY, NOW + 71 * DAY) == NOW + 80 * DAY
    assert d.dispute_ends_at(None, NOW, NOW + DAY) == NOW + 31 * DAY
    assert d.dispute_ends_at(None, NOW + 2 * DAY, NOW + DAY) == NOW + 32 * DAY


@pytest.mark.parametrize(
    ("old", "new", "by_expert", "second", "until"),
    [
        (240, 480, False, False, 48),
        (20, 480, False, False, 18),
        (20, 480, False, True, 48),
        (240, 40, False, False, 16),
        (240, 40, True, False, 38),
        (240, 480, True, False, 48),
    ],
)
def test_a_proposal_to_reschedule_stays_open(old, new, by_expert, second, until):
    got = d.reschedule_until(
        NOW, NOW + old * HOUR, NOW + new * HOUR, 24, by_expert=by_expert, second_session=second
    )
    assert got == NOW + until * HOUR


def test_a_new_slot_ends_within_sixty_six_days_of_the_capture():
    assert d.reschedule_fits(NOW + 66 * DAY, NOW)
    assert not d.reschedule_fits(NOW + 66 * DAY + INSTANT_MICRO, NOW)
    assert d.reschedule_fits(NOW + 900 * DAY, None)
    assert d.second_session_fits(NOW + 30 * DAY, NOW, NOW)
    assert not d.second_session_fits(NOW + 30 * DAY + INSTANT_MICRO, NOW, None)
    assert not d.second_session_fits(NOW + 10 * DAY, NOW, NOW - 57 * DAY)
    assert d.free_after_reschedule(NOW) == NOW + 24 * HOUR


# "Property test: over N = 4 … 240 approve, pay after approval, answer and pay again are each at least 4 h
# (instant: 1 h)." Each step is made at any instant its deadline allows, the last one among them.

parts = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)


def between(first: datetime, last: datetime, share: float) -> datetime:
    return first + (last - first) * share


@given(
    notice_hours=st.integers(4, 240),
    instant=st.booleans(),
    asked=st.booleans(),
    slack=st.sampled_from([0, 1, 60, 240]) | st.integers(0, 60 * 24 * 50),
    by=st.sampled_from(["card", "approval", "queue", "rescue"]),
    commits=parts,
    accepts=parts,
    asks=parts,
    approves=parts,
    lasts=st.none() | st.just(timedelta(days=4, hours=18)),
)
def test_everybody_is_given_their_time(
    notice_hours, instant, asked, slack, by, commits, accepts, asks, approves, lasts
):
    instant_for_them = instant and not asked
    notice = d.effective_notice(notice_hours, instant, asked)
    start = d.earliest_start(NOW, notice_hours, instant, asked) + slack * MIN
    least = d.least_time(instant_for_them)
    first, last = NOW, d.last_instant_to_pay(NOW, start, notice)
    assert last - NOW >= 35 * MIN
    assert d.hold_until(NOW) <= last
    if by == "approval":
        asked_at = between(NOW, d.extended_until(d.extended_until(d.hold_until(NOW), last), last), asks)
        assume(d.approval_open(asked_at, start, notice, instant_for_them))
        until = d.ask_approval_until(asked_at, start, notice, instant_for_them)
        assert until - asked_at >= least
        first = between(asked_at, until, approves)
        last = d.pay_after_approval_until(first, start, notice)
        assert last - first >= least
    elif by == "rescue":
        last = d.pay_after_approval_until(NOW, start, notice)
        assert last - NOW >= least
    elif by == "queue":
        last = d.queue_hold_until(NOW, start, notice)
        assert last - NOW >= min(4 * HOUR, least)
    committed = between(first, last, commits)
    if instant_for_them:
        accepted = committed
    else:
        until = d.answer_until(committed, start, committed + lasts if lasts else None)
        assert until - committed >= least
        accepted = between(committed, until, accepts)
    assert d.pay_again_until(accepted, start, notice) - accepted >= least
    assert d.pay_again_until(accepted, start, notice) < start
