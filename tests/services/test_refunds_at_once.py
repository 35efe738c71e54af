"""Refunds, transfers and a freeze at the same moment, on connections of their own: whatever wins, the books hold."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy, RefundTooLarge
from marketplace.services import ledger, payments
from marketplace.services.payouts import run_due_transfers, schedule_transfer
from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, connect
from marketplace.storage.payments import Payment, Refund
from tests.clock import FakeClock
from tests.services.provider import Money, Provider

TOTAL = 152_640
HUNDREDTH = {"price": 1_200, "seller_vat": 240, "service_fee": 72, "vat_service_fee": 14}


@pytest.fixture
def several(own_url: str, clock: FakeClock, provider: Provider) -> Iterator[Money]:
    engine = connect(own_url, pool_size=20)
    provider.spend(-1_000_000)  # Its fees are ours to bear; refunds wait for none.
    yield Money(Database(engine, clock=clock, reactions=REACTIONS), provider)
    engine.dispose()


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    """Run them together; what they were refused with, or found the provider busy."""
    raised: list[Exception] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
        except (RefundTooLarge, ProviderBusy) as refusal:
            raised.append(refusal)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def settle(money: Money, clock: FakeClock) -> None:
    """The clockwork until nothing moves any more."""
    for _ in range(6):
        clock.move(timedelta(minutes=61))
        payments.sweep(money.db, money.provider.gateway)
        run_due_transfers(money.db, money.provider.gateway)


def books(money: Money) -> dict[str, int]:
    with money.db.reading() as session:
        assert [one.text for one in ledger.check(session) if not one.shortfall] == []
        return {account: total for account, total in ledger.balances(session).items() if total}


@pytest.mark.parametrize("locked", [False, True], ids=["the update alone", "with the house's locks"])
def test_two_hundred_refunds_never_pass_what_was_taken(several: Money, locked: bool) -> None:
    """Over 20 connections, each a hundredth: a hundred of them fit, whoever comes first."""
    payment = several.captured()
    connections = threading.BoundedSemaphore(20)

    def decide(token: str) -> None:
        with connections:
            _decide(token)

    def _decide(token: str) -> None:
        if locked:
            with several.locked(payment) as (tx, row):
                payments.decide_refund(tx, row, lines=HUNDREDTH, token=token, why="test")
            return
        with several.db.transaction() as tx:
            row = tx.session.get_one(Payment, payment.id)
            payments.decide_refund(tx, row, lines=HUNDREDTH, token=token, why="test")

    refused = at_once(*(lambda n=n: decide(f"r{n}") for n in range(200)))
    assert [type(one) for one in refused] == [RefundTooLarge] * 100
    with several.db.reading() as session:
        number, minor = session.execute(
            sa.select(sa.func.count(), sa.func.sum(Refund.amount_minor)).where(
                Refund.payment_id == payment.id
            )
        ).one()
    assert (number, minor) == (100, 152_600)
    assert several.read(payment.id).refunded_minor == 152_600


def test_the_same_refund_decided_twenty_times_at_once_is_one(several: Money) -> None:
    payment = several.captured()
    at_once(*(lambda: several.refund(payment, 60) for _ in range(20)))
    assert [one.amount_minor for one in several.refunds()] == [91_584]


def due(money: Money, clock: FakeClock) -> Payment:
    payment = money.captured()
    kept = money.share_due(payment)
    with money.locked(payment) as (tx, row):
        schedule_transfer(tx, row, amount_minor=kept, due_at=clock.now, why="due")
    return payment


def freeze(money: Money, payment: Payment, by: str | None) -> None:
    with money.locked(payment) as (tx, row):
        row.frozen_by = by
        payments.drive(tx, row)


class TestTogether:
    def test_a_refund_and_the_transfer(self, several: Money, provider: Provider, clock: FakeClock) -> None:
        """Before it, it takes from what we owe the expert; after it, it brings back; never both, never less."""
        for _ in range(3):
            money = Money(several.db, provider)
            payment = due(money, clock)
            provider.settle()
            at_once(
                lambda money=money: run_due_transfers(money.db, provider.gateway),  # type: ignore[misc]
                lambda money=money, payment=payment: money.refund(payment, 50),  # type: ignore[misc]
            )
            settle(money, clock)
            assert [one.state for one in money.refunds()] == ["done"]
            transfer = money.transfer()
            assert transfer.state == "done"
            assert transfer.amount_minor - transfer.reversed_minor == 63_360
            assert books(money).get(f"expert:{money.seller.expert.id}:payable", 0) == 0

    def test_a_refund_the_transfer_and_a_freeze(
        self, several: Money, provider: Provider, clock: FakeClock
    ) -> None:
        for _ in range(2):
            money = Money(several.db, provider)
            payment = due(money, clock)
            provider.settle()
            at_once(
                lambda money=money: run_due_transfers(money.db, provider.gateway),  # type: ignore[misc]
                lambda money=money, payment=payment: money.refund(payment, 100),  # type: ignore[misc]
                lambda money=money, payment=payment: freeze(money, payment, "du_1"),  # type: ignore[misc]
            )
            settle(money, clock)
            books(money)
            freeze(money, payment, None)
            settle(money, clock)
            assert [one.state for one in money.refunds()] == ["done"]
            assert {name for name in books(money) if not name.startswith("provider")} == set()

    def test_two_refunds_and_two_sweeps(self, several: Money, provider: Provider, clock: FakeClock) -> None:
        payment = due(several, clock)
        provider.settle()
        run_due_transfers(several.db, provider.gateway)
        at_once(lambda: several.refund(payment, 30, "a"), lambda: several.refund(payment, 70, "b"))
        clock.move(timedelta(minutes=1))
        at_once(*(lambda: payments.sweep(several.db, provider.gateway) for _ in range(3)))
        settle(several, clock)
        assert sorted(one["amount"] for one in provider.objects("refund")) == [45_792, 106_848]
        assert provider.objects("transfer")[0]["amount_reversed"] == 126_720
        assert set(books(several)) == {"provider_balance", "provider_fees"}
        assert books(several)["provider_balance"] == provider.balance() - 1_000_000
