"""Intent, call, outcome: whatever the wire does in between, each call has its effect exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy, RefundTooLarge
from marketplace.services import ledger, payments
from marketplace.services.payouts import run_due_transfers, schedule_transfer
from marketplace.services.reactions import REACTIONS
from marketplace.storage.db import Database, Tx, connect
from marketplace.storage.payments import Payment, ProviderCall
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


def ask_for(money: Money, kind: str) -> None:
    """A payment with one call of that kind written and not carried out."""
    if kind == "close_checkout":
        payment = money.open()
        with money.locked(payment) as (tx, row):
            payments.drop_live_payment(tx, row.subject, why="let_go")
    elif kind in ("capture", "release"):
        payment = money.authorised()
        with money.locked(payment) as (tx, row):
            if kind == "capture":
                payments.request_capture(tx, row)
            else:
                payments.request_release(tx, row, why="declined")
    else:
        money.refund(money.captured(), 50)


def outcome(money: Money, provider: Provider) -> dict[str, object]:
    """All that a call may have changed, on both sides."""
    with money.db.reading() as session:
        assert [one.text for one in ledger.check(session) if not one.shortfall] == []
    payment = money.read(money.call("open_checkout").payment_id)
    return {
        "state": payment.state,
        "refunds": [(refund.state, refund.amount_minor) for refund in money.refunds()],
        "theirs": [one["status"] for one in provider.objects("payment_intent")],
        "their refunds": len(provider.objects("refund")),
    }


KINDS = ("close_checkout", "capture", "release", "refund")


class TestAnyCall:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("fault", ["lost_reply", "failure", "busy", "forbidden"])
    def test_a_fault_on_the_wire_leaves_it_to_be_tried_again(
        self, money: Money, provider: Provider, kind: str, fault: str, clock: FakeClock
    ) -> None:
        ask_for(money, kind)
        provider.wire.faults.append(fault)
        with pytest.raises(ProviderBusy):
            money.carry(kind)
        assert money.call(kind).state in ("intended", "sent")
        assert money.call(kind).error
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)
        assert money.call(kind).state == "done"
        spoiled = outcome(money, provider)
        smooth = Money(money.db, provider)
        provider.forget()
        smooth.has_account(provider.account())
        ask_for(smooth, kind)
        smooth.carry(kind)
        calm = outcome(smooth, provider)
        assert spoiled == calm

    @pytest.mark.parametrize("kind", KINDS)
    def test_killed_after_the_answer_and_before_our_commit(
        self, money: Money, provider: Provider, kind: str, clock: FakeClock
    ) -> None:
        ask_for(money, kind)
        call = money.call(kind)
        getattr(provider.gateway, kind)(key=str(call.id), **call.parameters)
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)
        assert money.call(kind).state == "done"
        assert outcome(money, provider)["their refunds"] == (1 if kind == "refund" else 0)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_failure_kept_under_the_key_gets_a_new_key(
        self, money: Money, provider: Provider, kind: str, clock: FakeClock
    ) -> None:
        ask_for(money, kind)
        first = money.call(kind).id
        for _ in range(3):
            provider.wire.faults.append("failure")
            with pytest.raises(ProviderBusy):
                payments.carry_out(money.db, provider.gateway, first)
            clock.move(timedelta(minutes=6))
        again = money.call(kind)
        assert (again.id != first, again.state) == (True, "intended")
        payments.sweep(money.db, provider.gateway)
        assert money.call(kind).state == "done"
        assert outcome(money, provider)["their refunds"] == (1 if kind == "refund" else 0)


class TestLookingFirst:
    def test_a_refund_made_unheard_is_found_after_the_key_is_forgotten(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        ask_for(money, "refund")
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("refund")
        clock.move(timedelta(hours=25))
        with provider.store.transaction() as books:
            books.connection.execute("delete from sandbox.answers")
        payments.sweep(money.db, provider.gateway)
        assert [refund.state for refund in money.refunds()] == ["done"]
        assert len(provider.objects("refund")) == 1

    def test_a_capture_made_unheard_is_not_made_again(self, money: Money, provider: Provider) -> None:
        ask_for(money, "capture")
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("capture")
        provider.wire.asked.clear()
        money.carry("capture")
        assert money.call("capture").state == "done"
        assert not [path for method, path in provider.wire.asked if method == "POST"]

    def test_a_release_after_it_was_taken_finds_it_taken(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        provider.gateway.capture(
            key="k", intent_id=payment.intent_id or "", amount_minor=payment.amount_minor
        )
        with money.locked(payment) as (tx, row):
            payments.request_release(tx, row, why="withdrawn")
        money.carry("release")
        assert money.read(payment.id).state == "captured"
        assert money.call("release").state == "failed"

    def test_closing_a_checkout_that_was_paid_finds_it_paid(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        with money.locked(payment) as (tx, row):
            payments.drop_live_payment(tx, row.subject, why="run_out")
        provider.pay(payment)
        money.carry("close_checkout")
        assert money.read(payment.id).state == "authorised"


def wait_for_lock(db: Database) -> None:
    """Until another connection waits for a row of ours."""
    waiting = sa.text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with db.reading() as session:
            if session.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


class TestAtOnce:
    """On a database of its own, with real commits and two threads."""

    @pytest.fixture
    def several(self, own_url: str, clock: FakeClock, provider: Provider) -> Iterator[Money]:
        engine = connect(own_url)
        yield Money(Database(engine, clock=clock, reactions=REACTIONS), provider)
        engine.dispose()

    def test_two_refunds_never_pass_what_was_captured(self, several: Money) -> None:
        """Without the house's locks: the conditional UPDATE alone has to hold."""
        payment = several.captured()
        refused = []

        def decide(tx: Tx, token: str) -> None:
            row = tx.session.get_one(Payment, payment.id)
            payments.decide_refund(tx, row, lines=several.quote().lines, token=token, why="x")

        def decide_second() -> None:
            try:
                with several.db.transaction() as tx:
                    decide(tx, "second")
            except RefundTooLarge as refusal:
                refused.append(refusal)

        second = threading.Thread(target=decide_second)
        with several.db.transaction() as tx:
            decide(tx, "first")
            second.start()
            # It has read that nothing was refunded yet, and stands before our row.
            wait_for_lock(several.db)
        second.join()
        assert len(refused) == 1
        assert several.read(payment.id).refunded_minor == payment.amount_minor

    def test_one_call_carried_by_two_is_made_once(self, several: Money, provider: Provider) -> None:
        several.refund(several.captured(), 50)
        call_id = several.call("refund").id
        barrier = threading.Barrier(2)

        def carry() -> None:
            barrier.wait()
            try:
                payments.carry_out(several.db, provider.gateway, call_id)
            except ProviderBusy:
                pass  # The key was under way: the other one has it.

        both = [threading.Thread(target=carry) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        payments.carry_out(several.db, provider.gateway, call_id)
        assert len(provider.objects("refund")) == 1
        with several.db.reading() as session:
            assert session.get_one(ProviderCall, call_id).state == "done"
            assert ledger.check(session) == []

    def test_one_transfer_sent_by_two_leaves_once(
        self, several: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = several.captured()
        kept = several.share_due(payment)
        with several.locked(payment) as (tx, row):
            schedule_transfer(tx, row, amount_minor=kept, due_at=clock.now, why="due")
        barrier = threading.Barrier(2)

        def send() -> None:
            barrier.wait()
            run_due_transfers(several.db, provider.gateway)

        both = [threading.Thread(target=send) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        clock.move(timedelta(minutes=1))
        payments.sweep(several.db, provider.gateway)
        assert len(provider.objects("transfer")) == 1
        assert several.transfer().state == "done"
