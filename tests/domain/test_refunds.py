"""The refund rule: the table to the very instant, line by line, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import RefundTooLarge
from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.domain.refunds import (
    KINDS,
    Refund,
    proposed_share,
    refund_amount,
    refund_due,
    refund_of,
    refund_percent,
    refund_steps,
    refund_to,
)

START = datetime(2026, 12, 10, 9, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def french(price: int = 120_000) -> Quote:
    return quote(
        price,
        service_fee_bp=1_000,
        commission_bp=1_000,
        seller=SellerTax("FR"),
        buyer=BuyerTax("FR", "FR1"),
        platform=PlatformTax(),
    )


@pytest.mark.parametrize(
    ("left", "flexible", "moderate", "strict"),
    [
        (30 * DAY, 100, 100, 100),
        (7 * DAY, 100, 100, 100),
        (7 * DAY - MOMENT, 100, 100, 50),
        (72 * HOUR, 100, 100, 50),
        (72 * HOUR - MOMENT, 100, 50, 0),
        (24 * HOUR, 100, 50, 0),
        (24 * HOUR - MOMENT, 50, 0, 0),
        (MOMENT, 50, 0, 0),
    ],
)
def test_the_table_to_the_instant(left, flexible, moderate, strict):
    for policy, percent in (("flexible", flexible), ("moderate", moderate), ("strict", strict)):
        assert refund_percent(policy, who="buyer", now=START - left, start=START) == percent
        for who in ("expert", "operator"):
            assert refund_percent(policy, who=who, now=START - left, start=START) == 100


def test_an_operator_who_cancels_during_the_session_gives_everything_back():
    assert refund_percent("strict", who="operator", now=START + HOUR, start=START) == 100
    assert refund_percent("flexible", who="buyer", now=START + MOMENT, start=START) == 0


def test_after_the_buyers_reschedule_the_refund_is_never_better_than_it_was():
    assert refund_percent("flexible", who="buyer", now=START - 30 * DAY, start=START, best=50) == 50
    assert refund_percent("strict", who="buyer", now=START - HOUR, start=START, best=50) == 0
    assert refund_percent("strict", who="expert", now=START - HOUR, start=START, best=0) == 100


def test_after_the_experts_reschedule_cancelling_is_free_for_a_day():
    until = START - 10 * HOUR
    ask = {"who": "buyer", "start": START, "best": 0, "free_until": until}
    assert refund_percent("strict", now=until - MOMENT, **ask) == 100
    assert refund_percent("strict", now=until, **ask) == 0


def test_each_line_is_rounded_up_and_the_refund_is_their_sum():
    q = french(price=101)
    assert q.lines == {"price": 101, "seller_vat": 20, "service_fee": 10, "vat_service_fee": 2}
    half = refund_due(q, policy="flexible", who="buyer", now=START - HOUR, start=START)
    assert half.percent == 50
    assert half.lines == {"price": 51, "seller_vat": 10, "service_fee": 5, "vat_service_fee": 1}
    assert half.total == 67


def test_the_steps_are_shown_with_dates_and_equal_neighbours_are_one():
    q = french()
    now = START - 30 * DAY
    ask = {"who": "buyer", "now": now, "start": START}
    assert refund_steps(q, policy="moderate", **ask) == [
        (START - 72 * HOUR, 100, 158_400),
        (START - 24 * HOUR, 50, 79_200),
        (START, 0, 0),
    ]
    assert refund_steps(q, policy="flexible", **ask) == [
        (START - 24 * HOUR, 100, 158_400),
        (START, 50, 79_200),
    ]
    assert refund_steps(q, policy="strict", **ask) == [
        (START - 7 * DAY, 100, 158_400),
        (START - 72 * HOUR, 50, 79_200),
        (START, 0, 0),
    ]


def test_steps_that_passed_are_not_shown():
    ask = {"policy": "moderate", "start": START}
    steps = refund_steps(french(), who="buyer", now=START - 30 * HOUR, **ask)
    assert [percent for _, percent, _ in steps] == [50, 0]
    assert refund_steps(french(), who="expert", now=START - 30 * HOUR, **ask) == [(START, 100, 158_400)]
    assert refund_steps(french(), who="buyer", now=START, **ask) == []


def test_the_steps_know_the_terms_a_reschedule_left():
    ask = {"policy": "strict", "who": "buyer", "now": START - 30 * HOUR, "start": START}
    free = START - 10 * HOUR
    assert refund_steps(french(), **ask, free_until=free) == [(free, 100, 158_400), (START, 0, 0)]
    capped = refund_steps(french(), policy="flexible", who="buyer", now=START - 9 * DAY, start=START, best=50)
    assert capped == [(START, 50, 79_200)]


def test_a_further_share_counts_what_went_before():
    q = french()
    half = refund_of(q, 50)
    more = refund_to(q, 75, half.lines)
    assert more.total == 39_600
    assert refund_to(q, 25, half.lines).total == 0


def test_an_amount_is_split_over_what_is_left_in_proportion():
    q = french()
    assert refund_amount(q, 15_840, {}).lines == refund_of(q, 10).lines
    before = q.lines | {"price": 0, "seller_vat": 0}
    assert refund_amount(q, 144_000, before).lines == q.lines | {"service_fee": 0, "vat_service_fee": 0}
    with pytest.raises(RefundTooLarge) as refused:
        refund_amount(q, 144_001, before)
    assert refused.value.facts == {"asked": 144_001, "left": 144_000}
    with pytest.raises(RefundTooLarge):
        refund_amount(q, 0, {})


@pytest.mark.parametrize(
    ("kind", "facts", "percent"),
    [
        ("buyer_absent", {"policy": "flexible"}, 50),
        ("buyer_absent", {"policy": "moderate"}, 0),
        ("buyer_absent", {"policy": "strict"}, 0),
        ("expert_absent", {"policy": "strict"}, 100),
        ("both_absent", {"policy": "strict"}, 100),
        ("technical", {"policy": "strict"}, 100),
        ("confidentiality", {"policy": "flexible", "buyers_fault": True, "minutes": 180, "held": 10}, 0),
        ("confidentiality", {"policy": "flexible", "minutes": 180, "held": 90}, 50),
        ("ended_early", {"policy": "flexible", "minutes": 180, "held": 120}, 34),
        ("ended_early", {"policy": "flexible", "minutes": 240, "held": 240}, 0),
        ("ended_early", {"policy": "flexible", "minutes": 240, "held": 300}, 0),
        ("ended_early", {"policy": "flexible", "minutes": 240, "held": 0}, 100),
        ("quality", {"policy": "flexible"}, 0),
    ],
)
def test_the_share_a_report_starts_from(kind, facts, percent):
    assert proposed_share(kind, **facts) == percent


def test_every_kind_of_report_has_a_share_and_no_other():
    for kind in KINDS:
        assert 0 <= proposed_share(kind, policy="strict", minutes=180, held=60) <= 100
    with pytest.raises(ValueError, match="boredom"):
        proposed_share("boredom", policy="strict")
    with pytest.raises(ValueError, match="minutes"):
        proposed_share("ended_early", policy="strict")


policies = st.sampled_from(["flexible", "moderate", "strict"])
leads = st.integers(0, 20 * 24 * 60).map(lambda n: timedelta(minutes=n))


@given(policies, leads, leads, st.integers(1, 10**7), st.integers(0, 100), st.none() | leads)
def test_waiting_never_pays_and_the_steps_say_what_is_given(policy, one, other, price, best, free):
    q = french(price)
    early, late = START - max(one, other), START - min(one, other)
    terms = {"policy": policy, "who": "buyer", "start": START, "best": best}
    terms["free_until"] = START - free if free is not None else None
    at_first, later = refund_due(q, now=early, **terms), refund_due(q, now=late, **terms)
    assert later.total <= at_first.total <= q.total
    steps = refund_steps(q, now=early, **terms)
    assert [until for until, _, _ in steps] == sorted({until for until, _, _ in steps})
    shown = [(percent, minor) for until, percent, minor in steps if late + MOMENT / 2 < until]
    just_after = refund_due(q, now=late + MOMENT, **terms)
    if shown:
        assert steps[-1][0] == START
        assert (just_after.percent, just_after.total) == shown[0]


@given(st.integers(1, 10**7), st.lists(st.integers(0, 100), max_size=4))
def test_shares_given_in_parts_come_to_the_last_one(price, percents):
    q = french(price)
    before = dict.fromkeys(q.lines, 0)
    for percent in sorted(percents):
        lines = refund_to(q, percent, before).lines
        before = {name: before[name] + lines[name] for name in before}
        assert Refund(percent, before).total == refund_of(q, percent).total


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 100))
def test_an_amount_split_always_adds_up_and_never_passes_a_line(price, minor, percent):
    q = french(price)
    before = refund_of(q, percent).lines
    left = {name: q.lines[name] - before[name] for name in before}
    if minor > sum(left.values()):
        with pytest.raises(RefundTooLarge):
            refund_amount(q, minor, before)
        return
    got = refund_amount(q, minor, before).lines
    assert sum(got.values()) == minor
    assert all(0 <= got[name] <= left[name] for name in left)
