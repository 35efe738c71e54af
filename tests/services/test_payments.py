"""Payments against the real sandbox over HTTP: opening, taking, giving back, each once whatever is repeated."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import MoveNotOpen, ProviderBusy, RefundTooLarge
from marketplace.gateways.payments import PaymentState
from marketplace.services import ledger, payments
from marketplace.storage.db import Database
from marketplace.storage.payments import PAYMENT_STATES, Payment, ProviderCall
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


def books(db: Database) -> dict[str, int]:
    with db.reading() as session:
        return {account: total for account, total in ledger.balances(session).items() if total}


def findings(db: Database) -> list[str]:
    with db.reading() as session:
        return [finding.text for finding in ledger.check(session) if not finding.shortfall]


class TestOpening:
    def test_the_checkout_stands_at_the_provider_with_our_reference(
        self, money: Money, provider: Provider
    ) -> None:
        payment = money.open()
        (session,) = provider.objects("checkout.session")
        assert payment.state == "open"
        assert payment.checkout_url == session["url"]
        assert session["amount_total"] == payment.amount_minor == 152_640
        assert session["client_reference_id"] == payment.reference

    def test_coming_back_gives_the_same_one(self, money: Money, provider: Provider) -> None:
        first, second = money.open(), money.open()
        assert first.id == second.id
        assert len(provider.objects("checkout.session")) == 1

    def test_another_amount_closes_the_one_before_first(self, money: Money, provider: Provider) -> None:
        first, second = money.open(), money.open(price=90_000)
        assert money.read(first.id).state == "closed"
        assert second.state == "open"
        assert {one["status"] for one in provider.objects("checkout.session")} == {"expired", "open"}

    def test_an_expired_one_gives_way(self, money: Money, clock: FakeClock) -> None:
        first = money.open()
        clock.move(timedelta(minutes=34))
        assert money.open().id != first.id
        assert money.read(first.id).state == "closed"

    def test_an_intent_nobody_carried_out_in_time_gives_way(self, money: Money, clock: FakeClock) -> None:
        first = money.intend()
        clock.move(timedelta(minutes=5))
        second = money.open()
        assert second.id != first
        assert money.read(first).state == "closed"

    def test_a_lost_answer_is_asked_again_under_the_same_key(self, money: Money, provider: Provider) -> None:
        payment_id = money.intend()
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            payments.checkout_url(money.db, provider.gateway, payment_id)
        assert payments.checkout_url(money.db, provider.gateway, payment_id)
        assert len(provider.objects("checkout.session")) == 1

    def test_the_one_before_was_paid_meanwhile_and_is_released_first(
        self, money: Money, provider: Provider
    ) -> None:
        first = money.open()
        provider.pay(first)
        payment_id = money.intend(price=90_000)
        with pytest.raises(ProviderBusy):
            payments.checkout_url(money.db, provider.gateway, payment_id)
        assert money.read(first.id).state == "authorised"  # Whether it goes back is the booking's to say.
        with money.locked(first) as (tx, row):
            payments.request_release(tx, row, why="superseded")
        assert payments.checkout_url(money.db, provider.gateway, payment_id)
        assert money.read(first.id).state == "released"

    def test_the_one_before_was_taken_meanwhile_so_there_is_nothing_to_pay(
        self, money: Money, provider: Provider
    ) -> None:
        first = money.open(capture="automatic")
        provider.pay(first)
        payment_id = money.intend(price=90_000)
        with pytest.raises(MoveNotOpen):
            payments.checkout_url(money.db, provider.gateway, payment_id)
        assert money.read(first.id).state == "captured"
        assert money.read(payment_id).state == "closed"

    def test_no_address_is_given_of_one_that_is_paid(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        with pytest.raises(MoveNotOpen):
            payments.checkout_url(money.db, provider.gateway, payment.id)

    def test_one_given_up_while_the_provider_was_making_it_is_closed_there_too(
        self, money: Money, provider: Provider
    ) -> None:
        payment_id = money.intend()
        with money.locked(money.read(payment_id)) as (tx, row):
            payments.drop_live_payment(tx, row.subject, why="let_go")
        money.carry("open_checkout")
        money.carry("close_checkout")
        assert [one["status"] for one in provider.objects("checkout.session")] == ["expired"]
        assert money.read(payment_id).state == "closed"


class TestTheMachine:
    def test_a_refused_card_leaves_it_open(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment, "decline")
        payments.refresh(money.db, provider.gateway, payment.id)
        assert money.read(payment.id).state == "open"

    def test_paid_is_authorised_until_the_bank_says(self, money: Money, clock: FakeClock) -> None:
        payment = money.authorised()
        assert payment.state == "authorised"
        assert payment.capture_before == clock.now + timedelta(days=7)
        assert books(money.db) == {}

    def test_taken_is_booked_with_the_providers_fee(self, money: Money, db: Database) -> None:
        payment = money.captured()
        assert payment.state == "captured"
        fee = books(db)["provider_fees"]
        assert fee > 0
        assert books(db) == {
            "provider_balance": 152_640 - fee, f"held:{money.subject}": -144_000, "provider_fees": fee,
            "service_fee": -7_200, "vat:service_fee": -1_440,
        }  # fmt: skip
        assert findings(db) == []

    def test_our_books_and_the_providers_balance_agree(self, money: Money, provider: Provider) -> None:
        money.captured()
        assert books(money.db)["provider_balance"] == provider.balance()

    def test_released_moves_nothing(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        with money.locked(payment) as (tx, row):
            payments.request_release(tx, row, why="declined")
        money.carry("release")
        assert money.read(payment.id).state == "released"
        assert books(money.db) == {}

    def test_the_authorisation_ran_out_at_the_provider(
        self, money: Money, clock: FakeClock, provider: Provider
    ) -> None:
        payment = money.authorised()
        clock.move(timedelta(days=8))
        payments.sweep(money.db, provider.gateway)
        assert money.read(payment.id).state == "lost"

    def test_the_bank_says_no_when_it_is_taken(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        provider.fails_at_capture(payment)
        with money.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        money.carry("capture")
        assert money.read(payment.id).state == "lost"
        assert books(money.db) == {}

    def test_money_reserved_for_one_given_up_goes_back(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        with money.locked(payment) as (_tx, row):
            row.state = "closed"  # As if we had given it up on a wrong word.
        provider.pay(payment)
        payments.refresh(money.db, provider.gateway, payment.id)
        money.carry("release")
        assert [one["status"] for one in provider.objects("payment_intent")] == ["canceled"]

    def test_two_requests_are_one_call(self, money: Money, db: Database) -> None:
        payment = money.authorised()
        for _ in range(2):
            with money.locked(payment) as (tx, row):
                payments.request_capture(tx, row)
        with db.reading() as session:
            asked = sa.select(sa.func.count()).where(
                ProviderCall.kind == "capture", ProviderCall.payment_id == payment.id
            )
            assert session.scalar(asked) == 1
        money.carry("capture")
        money.carry("capture")
        assert len(money.provider.objects("balance_transaction")) == 1


# The payment's own machine (payments.md); a pair that is not here changes nothing. Money taken is booked
# wherever we thought the payment stood.
STEPS = {
    ("created", "open"): "open",
    ("created", "authorised"): "authorised",
    ("created", "captured"): "captured",
    ("created", "closed"): "closed",
    ("created", "released"): "closed",
    ("open", "authorised"): "authorised",
    ("open", "captured"): "captured",
    ("open", "closed"): "closed",
    ("open", "released"): "closed",
    ("authorised", "captured"): "captured",
    ("authorised", "released"): "lost",
    ("closed", "captured"): "captured",
    ("released", "captured"): "captured",
    ("lost", "captured"): "captured",
}


@pytest.mark.parametrize("seen", list(PaymentState))
@pytest.mark.parametrize("state", PAYMENT_STATES)
def test_it_never_goes_back_whatever_is_said(db: Database, state: str, seen: PaymentState) -> None:
    made = make.booking(db, state="held")
    make.write_brief(db, made)
    payment_id = make.open_payment(db, made)
    with db.transaction() as tx:
        payment = tx.session.get_one(Payment, payment_id)
        payment.state, payment.subject = state, uuid.uuid4()  # Nobody's booking: the machine alone.
        payment.captured_minor = payment.amount_minor if state == "captured" else 0
    for _ in range(2):
        make.provider_says(db, payment_id, seen)
        with db.reading() as session:
            assert session.get_one(Payment, payment_id).state == STEPS.get((state, seen.value), state)


def test_another_amount_than_ours_is_not_applied(money: Money, provider: Provider) -> None:
    payment = money.open()
    provider.pay(payment)
    payments.refresh(money.db, provider.gateway, payment.id)
    provider.change("payment_intent", money.read(payment.id).intent_id, amount=1, status="succeeded")
    payments.refresh(money.db, provider.gateway, payment.id)
    assert money.read(payment.id).state == "authorised"
    assert books(money.db) == {}


class TestRefunds:
    def test_before_the_share_is_due_it_comes_out_of_held(self, money: Money) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        money.carry("refund")
        assert money.refunds()[0].state == "done"
        assert books(money.db)[f"held:{money.subject}"] == -72_000
        assert findings(money.db) == []
        assert books(money.db)["provider_balance"] == money.provider.balance()

    def test_it_is_posted_when_it_has_arrived_not_before(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("refund")
        (made,) = provider.objects("refund")
        provider.change("refund", made["id"], status="pending")
        money.carry("refund")
        assert money.refunds()[0].state == "pending"
        assert books(money.db)[f"held:{money.subject}"] == -144_000
        provider.change("refund", made["id"], status="succeeded")
        payments.sweep(money.db, provider.gateway)
        assert money.refunds()[0].state == "done"
        assert books(money.db)[f"held:{money.subject}"] == -72_000

    def test_the_same_decision_twice_is_one_refund(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        assert money.refund(payment, 50).id == money.refund(payment, 50).id
        money.carry("refund")
        money.carry("refund")
        assert len(provider.objects("refund")) == 1

    def test_never_more_than_is_left_of_a_line(self, money: Money) -> None:
        payment = money.captured()
        with pytest.raises(RefundTooLarge) as refusal, money.locked(payment) as (tx, row):
            payments.decide_refund(tx, row, lines={"service_fee": 7_201}, token="x", why="x")
        assert refusal.value.facts == {"asked": 7_201, "left": 7_200}

    def test_one_that_failed_after_it_arrived_is_owed_to_the_buyer(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        money.carry("refund")
        clock.move(timedelta(days=20))
        provider.change(
            "refund", money.refunds()[0].provider_id, status="failed", failure_reason="lost_or_stolen_card"
        )
        payments.sweep(money.db, provider.gateway)
        assert money.refunds()[0].state == "failed"
        assert books(money.db)[f"buyer:{money.company.id}:owed"] == -76_320
        assert money.share_due(payment) == 63_360  # The expert's half, not the buyer's.
        assert findings(money.db) == []
        assert books(money.db).get(f"held:{money.subject}", 0) == 0

    def test_one_the_provider_refuses_is_owed_too(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        intent = provider.objects("payment_intent")[0]
        provider.gateway.refund(
            key="by-hand", intent_id=intent["id"], amount_minor=100_000, reference="by hand in the dashboard"
        )
        money.refund(payment, 100)
        money.carry("refund")
        assert money.refunds()[0].state == "failed"
        assert books(money.db)[f"buyer:{money.company.id}:owed"] == -152_640
        assert findings(money.db) == []

    def test_after_the_share_is_due_it_comes_out_of_the_payable(self, money: Money) -> None:
        payment = money.captured()
        money.share_due(payment)
        for token in ("a", "b"):
            money.refund(payment, 50, token)
            money.carry("refund")
        assert set(books(money.db)) == {"provider_balance", "provider_fees"}
        assert findings(money.db) == []

    def test_several_in_whichever_order_they_arrive_end_at_nothing(self, money: Money) -> None:
        payment = money.captured()
        money.refund(payment, 33, "first")
        first = money.call("refund").id
        money.share_due(payment)
        money.refund(payment, 33, "second")
        money.carry("refund")
        lines = payments.refunding.refunded_lines
        with money.locked(payment) as (tx, row):
            gone = lines(tx.session, row.id)
            rest = {name: whole - gone[name] for name, whole in money.quote().lines.items()}
            payments.decide_refund(tx, row, lines=rest, token="rest", why="test")
        money.carry("refund")
        payments.carry_out(money.db, money.provider.gateway, first)
        assert set(books(money.db)) == {"provider_balance", "provider_fees"}
        assert findings(money.db) == []

    def test_contested_money_waits(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        with money.locked(payment) as (_tx, row):
            row.frozen_by = "dp_1"
        money.carry("refund")
        assert provider.objects("refund") == []
        with money.locked(payment) as (_tx, row):
            row.frozen_by = None
        money.carry("refund")
        assert len(provider.objects("refund")) == 1


def test_a_payment_that_was_never_captured_has_nothing_to_refund(money: Money) -> None:
    payment = money.authorised()
    with pytest.raises(RefundTooLarge):
        money.refund(payment, 100)
    with money.db.reading() as session:
        assert session.get_one(Payment, payment.id).refunded_minor == 0
