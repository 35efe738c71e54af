"""Bookings and their money together, against the sandbox over HTTP: from the checkout to the transfer."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy
from marketplace.services import bookings, ledger, payments
from marketplace.services.payouts import run_due_transfers
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import Payment
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Provider


class Stage:
    """One booking played against the provider; nothing is told us that we did not fetch."""

    def __init__(self, db: Database, clock: FakeClock, provider: Provider) -> None:
        self.db, self.clock, self.provider = db, clock, provider
        self.made = make.booking(db)
        make.write_brief(db, self.made)
        with db.transaction() as tx:
            expert = tx.session.get_one(Expert, self.made.seller.expert.id)
            expert.account_id = provider.account()

    def open(self) -> uuid.UUID:
        payment_id = bookings.open_payment(
            self.db, self.made.lead.actor, booking_id=self.made.id, accepted=make.DOCUMENTS, texts=make.TEXTS,
            platform=make.PLATFORM, ready=payments.platform_ready(self.provider.gateway),
        )  # fmt: skip
        assert payments.checkout_url(self.db, self.provider.gateway, payment_id)
        return payment_id

    def pay(self, payment_id: uuid.UUID) -> None:
        self.provider.pay(self.payment(payment_id))

    def settle(self) -> None:
        """What the jobs and the sweep would do, until nothing is under way."""
        for _ in range(3):
            self.clock.move(timedelta(seconds=30))
            payments.sweep(self.db, self.provider.gateway)

    def payment(self, payment_id: uuid.UUID) -> Payment:
        with self.db.reading() as session:
            return session.get_one(Payment, payment_id)

    @property
    def state(self) -> str:
        return make.read(self.db, self.made).state

    def holds(self) -> bool:
        """Our books hold, and say of the balance what the provider says."""
        with self.db.reading() as session:
            assert [one.text for one in ledger.check(session) if not one.shortfall] == []
            return ledger.balance(session, "provider_balance") == self.provider.balance()


@pytest.fixture
def stage(db: Database, clock: FakeClock, provider: Provider) -> Stage:
    return Stage(db, clock, provider)


def test_from_the_checkout_to_the_transfer(stage: Stage, provider: Provider, clock: FakeClock) -> None:
    stage.pay(stage.open())
    stage.settle()
    assert stage.state == "requested"
    make.accept(stage.db, stage.made)
    assert stage.state == "accepted"
    stage.settle()
    assert stage.state == "confirmed"
    clock.move_to(make.read(stage.db, stage.made).ends_at)
    bookings.run_clock(stage.db, provider.gateway)
    clock.move(timedelta(hours=72))
    bookings.run_clock(stage.db, provider.gateway)
    assert stage.state == "completed"
    assert run_due_transfers(stage.db, provider.gateway) == 0  # A new expert's leaves 7 days later.
    clock.move(timedelta(days=7))
    assert run_due_transfers(stage.db, provider.gateway) == 1
    assert [one["amount"] for one in provider.objects("transfer")] == [129_600]
    assert stage.holds()


def test_not_taken_paid_again_and_taken_at_once(stage: Stage, provider: Provider) -> None:
    first = stage.open()
    stage.pay(first)
    stage.settle()
    provider.fails_at_capture(stage.payment(first))
    make.accept(stage.db, stage.made)
    stage.settle()
    assert stage.state == "accepted"
    assert make.read(stage.db, stage.made).capture_failed_at is not None
    second = bookings.pay_again(stage.db, stage.made.lead.actor, booking_id=stage.made.id, texts=make.TEXTS)
    assert second is not None
    payments.checkout_url(stage.db, provider.gateway, second)
    stage.pay(second)
    stage.settle()
    assert stage.state == "confirmed"
    assert [stage.payment(one).state for one in (first, second)] == ["lost", "captured"]
    assert stage.holds()


def test_declined_gives_the_reserved_money_back(stage: Stage, provider: Provider) -> None:
    payment_id = stage.open()
    stage.pay(payment_id)
    stage.settle()
    bookings.decline(stage.db, stage.made.seller.actor, booking_id=stage.made.id, reason="no_time", token="d")
    stage.settle()
    assert stage.payment(payment_id).state == "released"
    assert [one["status"] for one in provider.objects("payment_intent")] == ["canceled"]
    assert stage.holds()


def test_paid_while_letting_go_goes_back(stage: Stage, provider: Provider) -> None:
    payment_id = stage.open()
    bookings.let_go(stage.db, stage.made.lead.actor, booking_id=stage.made.id, token="g")
    stage.pay(payment_id)  # On the provider's page, which nobody has closed yet.
    stage.settle()
    assert stage.state == "lapsed"
    assert stage.payment(payment_id).state == "released"


def test_withdrawn_while_it_was_being_taken_comes_back_whole(stage: Stage, provider: Provider) -> None:
    payment_id = stage.open()
    stage.pay(payment_id)
    stage.settle()
    make.accept(stage.db, stage.made)
    provider.wire.faults.append("lost_reply")  # Taken at the provider, and we do not know.
    with stage.db.reading() as session:
        call_id = session.scalars(
            sa.text("select id from provider_calls where kind = 'capture'").columns(id=sa.Uuid)
        ).one()
    with pytest.raises(ProviderBusy):
        payments.carry_out(stage.db, provider.gateway, call_id)
    bookings.withdraw(stage.db, stage.made.lead.actor, booking_id=stage.made.id, token="w")
    stage.settle()
    assert stage.state == "lapsed"
    payment = stage.payment(payment_id)
    assert (payment.state, payment.refunded_minor) == ("captured", payment.amount_minor)
    assert [one["amount"] for one in provider.objects("refund")] == [payment.amount_minor]
    assert stage.holds()


def test_cancelled_at_half_splits_it(stage: Stage, provider: Provider, clock: FakeClock) -> None:
    stage.pay(stage.open())
    stage.settle()
    make.accept(stage.db, stage.made)
    stage.settle()
    clock.move_to(make.read(stage.db, stage.made).starts_at - timedelta(hours=48))
    bookings.cancel(
        stage.db, stage.made.lead.actor, booking_id=stage.made.id, side="lead", reason="", expected_minor=79_200,
        token="c",
    )  # fmt: skip
    stage.settle()
    clock.move(timedelta(hours=72))
    bookings.run_clock(stage.db, provider.gateway)
    clock.move(timedelta(days=7))
    assert run_due_transfers(stage.db, provider.gateway) == 1
    assert [one["amount"] for one in provider.objects("transfer")] == [64_800]
    assert stage.holds()
