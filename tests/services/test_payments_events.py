"""The provider's events: kept once, applied by fetching, in any order, and not needed at all."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy
from marketplace.services import ledger, payments
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent, Payment
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


class TestTheInbox:
    def test_an_event_moves_the_payment_it_is_about(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        for body in provider.events(payment):
            provider.post(money.db, body)
        assert money.read(payment.id).state == "authorised"

    def test_the_same_event_is_kept_once(self, money: Money, provider: Provider, db: Database) -> None:
        payment = money.open()
        provider.pay(payment)
        body = provider.events(payment)[0]
        provider.post(db, body)
        provider.post(db, body)
        with db.reading() as session:
            (kept,) = session.scalars(sa.select(InboxEvent)).all()
        assert kept.applied_at is not None
        assert json.loads(kept.body)["raw"] == body.decode()

    def test_what_it_says_is_not_believed_but_fetched(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        body = json.loads(provider.events(payment)[0])
        body["data"]["object"]["status"] = "succeeded"  # A lie, or yesterday's truth.
        provider.post(money.db, json.dumps(body).encode())
        assert money.read(payment.id).state == "authorised"

    def test_one_about_nothing_of_ours_is_done_with(self, money: Money, provider: Provider) -> None:
        payment = money.open()
        provider.pay(payment)
        body = provider.events(payment)[0].replace(payment.reference.encode(), b"somebody-elses")
        body = body.replace(b"cs_test_", b"cs_else_").replace(b"pi_", b"pi_else_")
        provider.post(money.db, body)
        assert money.read(payment.id).state == "open"
        with money.db.reading() as session:
            assert session.scalars(sa.select(InboxEvent.applied_at)).one() is not None

    def test_the_provider_is_away_and_the_sweep_applies_it(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        account_id = provider.account()
        money.has_account(account_id, "pending")
        with money.db.transaction() as tx:
            tx.session.add(
                InboxEvent(
                    provider="stripe", event_id="evt_1", kind="account.updated", received_at=tx.now,
                    body=json.dumps({"event": {"object_kind": "account", "object_id": account_id}, "raw": "{}"}),
                )
            )  # fmt: skip
            tx.session.flush()
            inbox_id = tx.session.scalars(sa.select(InboxEvent.id)).one()
        provider.wire.away = True
        with pytest.raises(ProviderBusy):
            payments.apply_event(money.db, provider.gateway, inbox_id)
        with money.db.reading() as session:
            assert session.get_one(InboxEvent, inbox_id).error
        provider.wire.away = False
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)
        with money.db.reading() as session:
            assert session.get_one(Expert, money.seller.expert.id).account_status == "active"
            assert session.get_one(InboxEvent, inbox_id).applied_at is not None


class TestTheSweep:
    def test_an_account_that_opened_up_unheard_is_seen(self, money: Money, provider: Provider) -> None:
        money.has_account(provider.account(), "restricted")
        payments.sweep(money.db, provider.gateway)
        with money.db.reading() as session:
            assert session.get_one(Expert, money.seller.expert.id).account_status == "active"

    def test_a_fee_booked_later_is_posted(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        with money.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("capture")
        (charge,) = provider.objects("charge")
        provider.change("charge", charge["id"], balance_transaction=None)
        money.carry("capture")
        assert money.read(payment.id).state == "captured"
        assert not self.fee_posted(money, charge["id"])
        provider.change("charge", charge["id"], balance_transaction=charge["balance_transaction"])
        payments.sweep(money.db, provider.gateway)
        assert self.fee_posted(money, charge["id"])

    @staticmethod
    def fee_posted(money: Money, charge_id: str) -> bool:
        with money.db.reading() as session:
            return ledger.is_posted(session, charge_id, ledger.PROVIDER_FEE)

    def test_one_that_fails_does_not_stop_the_others(self, money: Money, provider: Provider) -> None:
        other = Money(money.db, provider)
        for one in (money, other):
            provider.pay(one.open())
        with money.db.transaction() as tx:
            lost = tx.session.scalars(sa.select(Payment).where(Payment.subject == other.subject)).one()
            lost.checkout_id = f"cs_test_{uuid.uuid4().hex}"  # The provider knows no such checkout.
        payments.sweep(money.db, provider.gateway)
        assert money.read(money.call("open_checkout").payment_id).state == "authorised"
