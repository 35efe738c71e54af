"""The ledger's rows: the worked example of payments.md, and what always holds."""

from __future__ import annotations

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain import postings as p
from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.domain.refunds import refund_amount, refund_of, refund_to

BOOKING, EXPERT, COMPANY = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
NONE: dict[str, int] = {}


def french(price: int = 120_000, service: int = 600, commission: int = 1_200, liable: bool = True) -> Quote:
    return quote(
        price,
        service_fee_bp=service,
        commission_bp=commission,
        seller=SellerTax("FR", liable=liable),
        buyer=BuyerTax("FR", "FR1"),
        platform=PlatformTax("FR"),
    )


class Books(Counter[str]):
    """Accounts by name; each group of entries must balance."""

    def post(self, entries: p.Entries) -> Books:
        assert sum(minor for _account, minor in entries) == 0, entries
        for account, minor in entries:
            self[account] += minor
        return self

    def standing(self) -> dict[str, int]:
        return {account: minor for account, minor in self.items() if minor}


def after_capture(q: Quote) -> Books:
    return Books().post(p.captured(q, BOOKING)).post(p.provider_fee(2_315))


def after_share(q: Quote, lines: p.Lines, before: p.Lines) -> p.Entries:
    return p.refund_after_share(lines, EXPERT, *p.commission_given_back(q, lines, before))


def test_accounts_are_called_as_the_page_says():
    assert p.held(BOOKING) == f"held:{BOOKING}"
    assert p.payable(EXPERT) == f"expert:{EXPERT}:payable"
    assert p.receivable(EXPERT) == f"expert:{EXPERT}:receivable"
    assert p.owed(COMPANY) == f"buyer:{COMPANY}:owed"


def test_worked_example_captured_completed_transferred():
    q = french()
    books = after_capture(q).post(p.share_due(q, BOOKING, EXPERT, NONE))
    assert books[p.payable(EXPERT)] == -126_720
    books.post(p.transferred(126_720, EXPERT))
    assert books.standing() == {
        "provider_balance": 23_605,
        "provider_fees": 2_315,
        "service_fee": -7_200,
        "vat:service_fee": -1_440,
        "commission": -14_400,
        "vat:commission": -2_880,
    }


def test_worked_example_cancelled_at_half():
    q = french()
    half = refund_of(q, 50)
    books = after_capture(q).post(p.refund_before_share(half.lines, BOOKING))
    books.post(p.share_due(q, BOOKING, EXPERT, half.lines))
    assert books[p.payable(EXPERT)] == -63_360
    books.post(p.transferred(63_360, EXPERT))
    assert books[p.PROVIDER_BALANCE] == 10_645
    assert books[p.held(BOOKING)] == 0
    assert books[p.payable(EXPERT)] == 0


def test_a_decided_refund_stays_in_held_until_its_own_entries_in_whichever_order():
    q = french()
    half = refund_of(q, 50)
    books = after_capture(q).post(p.share_due(q, BOOKING, EXPERT, half.lines))
    assert books[p.held(BOOKING)] == -72_000
    books.post(p.refund_before_share(half.lines, BOOKING))
    assert books[p.held(BOOKING)] == 0
    assert books[p.PROVIDER_BALANCE] == 10_645 + 63_360


def test_worked_example_everything_refunded_after_the_transfer():
    q = french()
    books = after_capture(q).post(p.share_due(q, BOOKING, EXPERT, NONE)).post(p.transferred(126_720, EXPERT))
    books.post(p.reversed_transfer(126_720, EXPERT))
    books.post(after_share(q, q.lines, NONE))
    assert books.standing() == {"provider_balance": -2_315, "provider_fees": 2_315}


def test_what_cannot_be_reversed_is_owed_by_the_expert_and_set_off_later():
    q = french()
    books = after_capture(q).post(p.share_due(q, BOOKING, EXPERT, NONE)).post(p.transferred(126_720, EXPERT))
    books.post(p.reversed_transfer(26_720, EXPERT)).post(p.not_reversed(100_000, EXPERT))
    books.post(after_share(q, q.lines, NONE))
    assert books[p.receivable(EXPERT)] == 100_000
    assert books[p.payable(EXPERT)] == 0
    next_one = uuid.UUID(int=9)
    books.post(p.captured(q, next_one)).post(p.share_due(q, next_one, EXPERT, NONE))
    books.post(p.set_off(100_000, EXPERT)).post(p.transferred(26_720, EXPERT))
    assert (books[p.receivable(EXPERT)], books[p.payable(EXPERT)]) == (0, 0)


def test_a_refund_that_failed_is_owed_and_paid_another_way():
    books = Books().post(p.refund_failed(500, COMPANY))
    assert books.standing() == {"provider_balance": 500, p.owed(COMPANY): -500}
    books.post(p.paid_another_way(500, COMPANY))
    assert books.standing() == {"provider_balance": 500, "platform_bank": -500}


def test_what_we_bear_touches_no_expert():
    assert Books().post(p.refund_borne_by_us(700)).standing() == {"goodwill": 700, "provider_balance": -700}


quotes = st.builds(
    french,
    price=st.integers(1, 500_000),
    service=st.integers(0, 2_500),
    commission=st.integers(0, 2_500),
    liable=st.booleans(),
)


@given(quotes, st.integers(0, 100))
def test_whatever_share_is_kept_held_ends_empty(q, percent):
    back = refund_of(q, percent)
    books = Books().post(p.captured(q, BOOKING)).post(p.share_due(q, BOOKING, EXPERT, back.lines))
    books.post(p.refund_before_share(back.lines, BOOKING))
    assert books[p.held(BOOKING)] == 0
    assert books[p.payable(EXPERT)] <= 0
    assert books[p.PROVIDER_BALANCE] == q.total - back.total


@given(quotes, st.lists(st.integers(0, 100), max_size=5))
def test_refunds_in_parts_end_where_one_would(q, percents):
    """ "Parts refunded several times post the cumulative share less what was posted"."""
    books = Books().post(p.captured(q, BOOKING)).post(p.share_due(q, BOOKING, EXPERT, NONE))
    before = dict.fromkeys(q.lines, 0)
    for percent in [*sorted(percents), 100]:
        part = refund_to(q, percent, before).lines
        books.post(after_share(q, part, before))
        before = {name: before[name] + part[name] for name in before}
        assert books[p.payable(EXPERT)] <= 0
    assert books.standing() == {}


@given(quotes, st.integers(0, 99), st.integers(1, 10**6))
def test_a_share_due_after_a_refund_and_a_further_refund_reach_zero_together(q, percent, minor):
    first = refund_of(q, percent).lines
    books = Books().post(p.captured(q, BOOKING)).post(p.share_due(q, BOOKING, EXPERT, first))
    books.post(p.refund_before_share(first, BOOKING))
    left = q.total - sum(first.values())
    if left == 0:
        assert books.standing() == {}
        return
    amount = refund_amount(q, 1 + minor % left, first).lines
    books.post(after_share(q, amount, first))
    sofar = {name: first[name] + amount[name] for name in first}
    books.post(after_share(q, refund_to(q, 100, sofar).lines, sofar))
    assert books.standing() == {}
