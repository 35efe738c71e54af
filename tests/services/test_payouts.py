"""The expert's share: when it leaves, what keeps it, and that it leaves once. Against the sandbox over HTTP."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from marketplace.domain.errors import ProviderBusy
from marketplace.services import ledger, payments
from marketplace.services.payouts import _intend, expert_money, run_due_transfers, schedule_transfer
from marketplace.storage.payments import Payment
from tests.clock import FakeClock
from tests.services.provider import Money, Provider


def due(money: Money, *, in_days: int = 0) -> Payment:
    """A captured payment whose share has fallen due, to leave in so many days."""
    payment = money.captured()
    kept = money.share_due(payment)
    with money.locked(payment) as (tx, row):
        schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now + timedelta(days=in_days), why="due")
    return payment


def balance(money: Money, account: str) -> int:
    with money.db.reading() as session:
        return ledger.balance(session, account)


def findings(money: Money) -> list[str]:
    with money.db.reading() as session:
        return [finding.text for finding in ledger.check(session) if not finding.shortfall]


def state_of(money: Money) -> tuple[str, int]:
    with money.db.reading() as session:
        (row,) = expert_money(session, money.seller.expert.id).rows
    return row.state, row.share


class TestSending:
    def test_it_leaves_out_of_the_charge_to_the_experts_account(
        self, money: Money, provider: Provider
    ) -> None:
        payment = due(money)
        assert run_due_transfers(money.db, provider.gateway) == 1
        (sent,) = provider.objects("transfer")
        assert sent["amount"] == 126_720
        assert sent["source_transaction"] == payment.charge_id
        assert sent["transfer_group"] == payment.reference
        assert money.transfer().provider_id == sent["id"]

    def test_the_worked_example_holds_to_the_cent(self, money: Money, provider: Provider) -> None:
        due(money)
        run_due_transfers(money.db, provider.gateway)
        with money.db.reading() as session:
            books = ledger.balances(session)
            assert ledger.check(session) == []
        fee = books["provider_fees"]
        assert {account: total for account, total in books.items() if total} == {
            "provider_balance": 25_920 - fee, "provider_fees": fee, "service_fee": -7_200,
            "vat:service_fee": -1_440, "commission": -14_400, "vat:commission": -2_880,
        }  # fmt: skip
        assert books["provider_balance"] == provider.balance()

    @pytest.mark.parametrize(
        ("ending", "provider_balance"),
        [("completed", 23_605), ("cancelled at half", 10_645), ("all refunded after the transfer", -2_315)],
    )
    def test_the_three_endings_of_the_worked_example(
        self, money: Money, provider: Provider, ending: str, provider_balance: int
    ) -> None:
        """payments.md, Ledger: price 1 200.00, 1 526.40 paid, the provider's fee 23.15."""
        payment = money.captured()
        provider.settle()
        if ending == "cancelled at half":
            money.refund(payment, 50)
            money.carry("refund")
        kept = money.share_due(payment)
        assert kept == (63_360 if ending == "cancelled at half" else 126_720)
        with money.locked(payment) as (tx, row):
            schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now, why="due")
        assert run_due_transfers(money.db, provider.gateway) == 1
        if ending == "all refunded after the transfer":
            money.refund(payment, 100)
            money.carry("reverse_transfer")
            provider.spend(-10_000)
            money.carry("refund")
            provider.spend(10_000)
        assert findings(money) == []
        with money.db.reading() as session:
            books = {account: total for account, total in ledger.balances(session).items() if total}
        fees = {
            "completed": {
                "service_fee": -7_200, "vat:service_fee": -1_440, "commission": -14_400, "vat:commission": -2_880,
            },
            "cancelled at half": {
                "service_fee": -3_600, "vat:service_fee": -720, "commission": -7_200, "vat:commission": -1_440,
            },
        }.get(ending, {})  # fmt: skip
        assert books == {"provider_balance": provider_balance, "provider_fees": 2_315, **fees}
        assert provider.balance() == provider_balance

    def test_not_before_its_day(self, money: Money, provider: Provider, clock: FakeClock) -> None:
        due(money, in_days=7)
        clock.move(timedelta(days=7) - timedelta(seconds=1))
        assert run_due_transfers(money.db, provider.gateway) == 0
        clock.move(timedelta(seconds=1))
        assert run_due_transfers(money.db, provider.gateway) == 1

    def test_it_leaves_once_and_is_scheduled_once(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        with money.locked(payment) as (tx, row):
            schedule_transfer(tx, row, amount_minor=1, due_at=tx.now, why="due")
        for _ in range(3):
            run_due_transfers(money.db, provider.gateway)
        assert [one["amount"] for one in provider.objects("transfer")] == [126_720]

    def test_a_lost_answer_is_found_not_repeated(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        due(money)
        provider.wire.faults.append("lost_reply")
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert money.transfer().state == "intended"
        clock.move(timedelta(hours=25))
        with provider.store.transaction() as books:
            books.connection.execute("delete from sandbox.answers")
        payments.sweep(money.db, provider.gateway)
        assert money.transfer().state == "done"
        assert len(provider.objects("transfer")) == 1

    def test_killed_between_intent_and_call(self, money: Money, provider: Provider, clock: FakeClock) -> None:
        due(money)
        provider.wire.faults.append("busy")
        run_due_transfers(money.db, provider.gateway)
        assert provider.objects("transfer") == []
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)
        assert money.transfer().state == "done"


class TestHeldUp:
    def test_no_money_there_yet(self, money: Money, provider: Provider, clock: FakeClock) -> None:
        due(money)
        provider.spend(provider.balance())
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert (money.transfer().state, money.transfer().held_up_by) == ("due", "balance_insufficient")
        provider.spend(-200_000)
        assert run_due_transfers(money.db, provider.gateway) == 0  # Not again within the hour.
        clock.move(timedelta(hours=1))
        assert run_due_transfers(money.db, provider.gateway) == 1
        assert money.transfer().held_up_by is None

    def test_an_account_that_takes_none_yet(self, money: Money, provider: Provider) -> None:
        due(money)
        account_id = provider.account(active=False)
        money.has_account(account_id, "restricted")
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert money.transfer().held_up_by == "account_restricted"
        provider.opens_up(account_id)
        assert run_due_transfers(money.db, provider.gateway) == 1  # Though no event told us.

    def test_an_account_restricted_unheard(self, money: Money, provider: Provider, clock: FakeClock) -> None:
        due(money)
        account_id = provider.account()
        money.has_account(account_id)
        provider.opens_up(account_id, "restricted")
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert (money.transfer().state, money.transfer().held_up_by) == ("due", "account_restricted")
        provider.opens_up(account_id)
        clock.move(timedelta(hours=1))
        assert run_due_transfers(money.db, provider.gateway) == 1

    def test_contested_money(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        with money.locked(payment) as (_tx, row):
            row.frozen_by = "dp_1"
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert money.transfer().held_up_by == "frozen"

    def test_a_refund_decided_after_the_share(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        money.refund(payment, 50)
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert money.transfer().held_up_by == "refund_under_way"
        money.carry("refund")
        assert run_due_transfers(money.db, provider.gateway) == 1
        assert [one["amount"] for one in provider.objects("transfer")] == [63_360]
        assert balance(money, f"expert:{money.seller.expert.id}:payable") == 0

    def test_all_of_it_refunded_after_the_share_leaves_nothing_to_send(
        self, money: Money, provider: Provider
    ) -> None:
        payment = due(money)
        money.refund(payment, 100)
        money.carry("refund")
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert money.transfer().state == "failed"
        assert state_of(money) == ("returned", 0)
        assert provider.objects("transfer") == []

    def test_books_that_do_not_hold_stop_every_transfer(self, money: Money, provider: Provider) -> None:
        due(money)
        with money.db.transaction() as tx:
            ledger.post(
                tx, source="made_up", kind="captured", subject=None, at=tx.now, why="x",
                entries=[("provider_balance", 5), ("service_fee", -5)],
            )  # fmt: skip
        for _ in range(2):
            ledger.watch(money.db, provider.gateway)
        assert run_due_transfers(money.db, provider.gateway) == 0
        assert provider.objects("transfer") == []

    def test_and_one_that_was_intended_before_waits_with_them(self, money: Money, provider: Provider) -> None:
        due(money)
        call_id = _intend(money.db, money.transfer().id)
        assert call_id is not None
        with money.db.transaction() as tx:
            ledger.post(
                tx, source="made_up", kind="captured", subject=None, at=tx.now, why="x",
                entries=[("provider_balance", 5), ("service_fee", -5)],
            )  # fmt: skip
        for _ in range(2):
            ledger.watch(money.db, provider.gateway)
        payments.carry_out(money.db, provider.gateway, call_id)
        assert (money.transfer().state, provider.objects("transfer")) == ("intended", [])

    def test_one_that_is_held_up_does_not_stop_another(self, money: Money, provider: Provider) -> None:
        other = Money(money.db, provider)
        due(money)
        due(other)
        money.has_account(provider.account(active=False), "restricted")
        assert run_due_transfers(money.db, provider.gateway) == 1
        assert other.transfer().state == "done"


class TestAfterwards:
    @pytest.mark.parametrize("percent", [50, 100])
    def test_what_has_left_is_brought_back_before_it_is_refunded(
        self, money: Money, provider: Provider, percent: int
    ) -> None:
        payment = due(money)
        run_due_transfers(money.db, provider.gateway)
        money.refund(payment, percent)
        assert provider.objects("refund") == []  # Not before it is here again.
        money.carry("reverse_transfer")
        money.carry("reverse_transfer")
        money.carry("refund")
        (sent,) = provider.objects("transfer")
        assert sent["amount_reversed"] == 126_720 * percent // 100 == money.transfer().reversed_minor
        assert money.read(payment.id).refunded_minor == payment.amount_minor * percent // 100
        assert state_of(money)[1] == 126_720 - 126_720 * percent // 100
        with money.db.reading() as session:
            assert [one for one in ledger.check(session) if not one.shortfall] == []
            books = ledger.balances(session)
        if percent == 100:  # "every account 0 but provider_balance against provider_fees"
            assert {a for a, total in books.items() if total} == {"provider_balance", "provider_fees"}

    def test_a_lost_answer_brings_it_back_once(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        run_due_transfers(money.db, provider.gateway)
        money.refund(payment, 50)
        provider.wire.faults.extend(["lost_reply"])
        with pytest.raises(ProviderBusy):
            money.carry("reverse_transfer")
        money.carry("reverse_transfer")
        money.carry("refund")
        (made,) = provider.objects("transfer_reversal")
        assert money.transfer().reversed_minor == 63_360
        assert money.call("reverse_transfer").provider_id == made["id"]  # Our books are compared by it.
        with money.db.reading() as session:
            assert [one for one in ledger.check(session) if not one.shortfall] == []

    def test_what_cannot_be_brought_back_is_owed_by_the_expert(
        self, money: Money, provider: Provider
    ) -> None:
        payment = due(money)
        run_due_transfers(money.db, provider.gateway)
        sent = money.transfer().provider_id
        provider.change("transfer", sent, amount_reversed=126_720)
        money.refund(payment, 50)
        money.carry("reverse_transfer")
        money.carry("refund")
        assert balance(money, f"expert:{money.seller.expert.id}:receivable") == 63_360
        with money.db.reading() as session:
            assert [one for one in ledger.check(session) if not one.shortfall] == []

    def test_what_is_just_leaving_is_waited_for(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = due(money)
        provider.wire.faults.append("lost_reply")
        run_due_transfers(money.db, provider.gateway)
        money.refund(payment, 50)
        assert [(one.state, one.waits_for) for one in money.refunds()] == [("intended", "transfer")]
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, provider.gateway)  # The word on it.
        assert (money.transfer().state, money.refunds()[0].waits_for) == ("done", "reversal")
        money.carry("reverse_transfer")
        money.carry("refund")
        assert (money.refunds()[0].state, money.transfer().reversed_minor) == ("done", 63_360)
        assert findings(money) == []

    def test_what_was_never_sent_stays_for_the_refund(self, money: Money, provider: Provider) -> None:
        """An intent that was not carried out is taken back: better than sending it and bringing it back."""
        payment = due(money)
        call_id = _intend(money.db, money.transfer().id)
        assert call_id is not None
        money.refund(payment, 50)
        assert money.refunds()[0].waits_for == "transfer"
        payments.carry_out(money.db, provider.gateway, call_id)
        assert (money.transfer().state, money.transfer().held_up_by) == ("due", "refund_under_way")
        assert provider.objects("transfer") == []
        money.carry("refund")
        assert (money.refunds()[0].state, money.transfer().amount_minor) == ("done", 63_360)
        assert findings(money) == []

    def test_what_we_bear_leaves_it_where_it_is(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        run_due_transfers(money.db, provider.gateway)
        with money.locked(payment) as (tx, row):
            payments.decide_refund(
                tx, row, lines={"price": 10_000}, token="ours", why="operator", borne_by_us=True
            )
        money.carry("refund")
        assert balance(money, "goodwill") == 10_000
        assert state_of(money) == ("transferred", 126_720)


class TestWhatTheExpertSees:
    def test_from_authorised_to_transferred(self, money: Money, provider: Provider, clock: FakeClock) -> None:
        payment = money.authorised()
        assert state_of(money) == ("authorised", 126_720)
        with money.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        money.carry("capture")
        assert state_of(money) == ("held", 126_720)
        kept = money.share_due(payment)
        with money.locked(payment) as (tx, row):
            schedule_transfer(tx, row, amount_minor=kept, due_at=clock.now, why="new_expert")
        assert state_of(money) == ("due", 126_720)
        run_due_transfers(money.db, provider.gateway)
        assert state_of(money) == ("transferred", 126_720)
        with money.db.reading() as session:
            found = expert_money(session, money.seller.expert.id)
        assert [found.sum_of(state) for state in ("authorised", "held", "due", "transferred")] == [
            0,
            0,
            0,
            126_720,
        ]
        assert found.rows[0].why == "new_expert"

    def test_after_a_cancellation_only_what_is_kept(self, money: Money) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        assert state_of(money) == ("held", 63_360)

    def test_a_full_refund_is_returned(self, money: Money) -> None:
        payment = money.captured()
        money.refund(payment, 100)
        assert state_of(money) == ("returned", 0)

    def test_however_many_it_is_three_statements(self, money: Money, count_queries) -> None:  # type: ignore[no-untyped-def]
        for _ in range(3):
            money.subject = uuid.uuid4()
            money.refund(money.captured(), 50)
        with money.db.reading() as session, count_queries() as counted:
            rows = expert_money(session, money.seller.expert.id).rows
        assert (len(rows), counted.number) == (3, 3)
