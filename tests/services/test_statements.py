"""Monthly statements: every amount is the ledger's, over a month's end, refunds, what is owed and set off."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import ProviderBusy
from marketplace.domain.months import begins
from marketplace.services import ledger, payments
from marketplace.services.payouts import run_due_transfers, schedule_transfer
from marketplace.services.statements import Statement, months_with_entries, statement
from marketplace.storage.experts import Expert
from marketplace.storage.payments import Payment
from tests.clock import FakeClock
from tests.services.provider import Money, Provider

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def due(money: Money) -> Payment:
    payment = money.captured()
    kept = money.share_due(payment)
    if kept:
        with money.locked(payment) as (tx, row):
            schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now, why="due")
    return payment


def read(money: Money, month: date = NOVEMBER) -> Statement:
    with money.db.reading() as session:
        return statement(session, money.seller.expert.id, month, money.db.clock())


def owed_to_them(money: Money) -> int:
    """Payable less receivable, by the ledger."""
    with money.db.reading() as session:
        names = (f"expert:{money.seller.expert.id}:{kind}" for kind in ("payable", "receivable"))
        return -sum(ledger.balance(session, name) for name in names)


def said(found: Statement) -> list[tuple[str, int]]:
    return [(line.kind, line.change) for line in found.lines]


def test_a_session_is_its_price_its_vat_and_our_commission(money: Money, provider: Provider) -> None:
    due(money)
    found = read(money)
    assert said(found) == [("share_due", 126_720)]
    (line,) = found.lines
    assert (line.price, line.vat, line.commission, line.vat_commission) == (120_000, 24_000, -14_400, -2_880)
    assert (found.opening, found.closing, found.over) == (0, 126_720, False)
    run_due_transfers(money.db, provider.gateway)
    found = read(money)
    assert said(found) == [("share_due", 126_720), ("transfer", -126_720)]
    assert found.lines[1].source == money.transfer().provider_id
    assert (found.closing, found.left) == (0, 126_720)


def test_what_was_refunded_before_makes_the_share_smaller(money: Money) -> None:
    payment = money.captured()
    money.refund(payment, 50)
    money.share_due(payment)
    (line,) = read(money).lines
    assert (line.price, line.vat, line.commission, line.vat_commission) == (60_000, 12_000, -7_200, -1_440)
    assert line.change == 63_360 == owed_to_them(money)


def test_a_month_begins_with_what_the_last_one_left(
    money: Money, provider: Provider, clock: FakeClock
) -> None:
    due(money)
    clock.move_to(begins(DECEMBER) + timedelta(hours=1))
    run_due_transfers(money.db, provider.gateway)
    november, december = read(money), read(money, DECEMBER)
    assert (november.over, november.closing) == (True, 126_720)
    assert (december.opening, said(december), december.closing) == (126_720, [("transfer", -126_720)], 0)
    with money.db.reading() as session:
        assert months_with_entries(session, money.seller.expert.id, clock.now) == [DECEMBER, NOVEMBER]


def test_a_refund_after_the_transfer_is_shown_with_what_came_back(money: Money, provider: Provider) -> None:
    payment = due(money)
    run_due_transfers(money.db, provider.gateway)
    money.refund(payment, 50)
    money.carry("reverse_transfer")
    money.carry("refund")
    found = read(money)
    assert said(found)[2:] == [("reversal", 63_360), ("refund", -63_360)]
    refund = found.lines[-1]
    assert (refund.price, refund.vat, refund.commission, refund.vat_commission) == (
        -60_000, -12_000, 7_200, 1_440,
    )  # fmt: skip
    assert (found.closing, found.left) == (0, 63_360)


def test_what_they_owe_is_below_zero_until_it_is_kept(money: Money, provider: Provider) -> None:
    payment = due(money)
    run_due_transfers(money.db, provider.gateway)
    provider.settle()
    with money.db.reading() as session:
        account_id = session.get_one(Expert, money.seller.expert.id).account_id
    provider.change("v2.core.account", account_id, _balance=0)  # It went on to their bank.
    money.refund(payment, 50)
    with pytest.raises(ProviderBusy):
        money.carry("reverse_transfer")
    provider.spend(-200_000)  # Our own money covers it.
    money.carry("refund")
    assert read(money).closing == -63_360 == owed_to_them(money)
    money.subject = uuid.uuid4()
    due(money)
    run_due_transfers(money.db, provider.gateway)
    found = read(money)
    assert said(found)[-2:] == [("set_off", 0), ("transfer", -63_360)]
    assert found.lines[-2].moved == 63_360
    assert found.closing == 0 == owed_to_them(money)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.integers(0, 40)), min_size=1, max_size=3),
)
def test_whatever_happens_it_is_the_ledgers(
    money: Money, provider: Provider, clock: FakeClock, sessions: list[tuple[int, bool, int]]
) -> None:
    """Refunds of any share, before or after, over months: each month's end is the next one's beginning."""
    for percent, before, days in sessions:
        money.subject = uuid.uuid4()
        payment = money.captured()
        if before and percent:
            money.refund(payment, percent)
        kept = money.share_due(payment)
        if kept:
            with money.locked(payment) as (tx, row):
                schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now, why="due")
        if not before and percent:
            money.refund(payment, percent)
            money.carry("refund")
        clock.move(timedelta(days=days))
        payments.sweep(money.db, provider.gateway)
    with money.db.reading() as session:
        months = months_with_entries(session, money.seller.expert.id, clock.now)
    stands = 0
    for month in reversed(months):
        found = read(money, month)
        assert found.opening == stands
        for line in found.lines:
            if line.has_parts:
                assert line.price + line.vat + line.commission + line.vat_commission == line.change
        stands = found.closing
    assert stands == owed_to_them(money)


def test_however_many_it_is_four_statements(money: Money, count_queries: Any) -> None:
    for _ in range(3):
        money.subject = uuid.uuid4()
        due(money)
    with money.db.reading() as session, count_queries() as counted:
        found = statement(session, money.seller.expert.id, NOVEMBER, money.db.clock())
    assert (len(found.lines), counted.number) == (3, 4)
