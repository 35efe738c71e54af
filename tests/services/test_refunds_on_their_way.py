"""What a refund waits for between its decision and the buyer, what becomes of it late, and what an expert owes.

Against the sandbox over HTTP; after each step our own books have to hold.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy
from marketplace.services import ledger, payments
from marketplace.services.payouts import _intend, expert_money, run_due_transfers, schedule_transfer
from marketplace.storage.payments import Payment, ProviderCall
from tests.clock import FakeClock
from tests.services.provider import Money, Provider

SHARE, TOTAL = 126_720, 152_640


def books(money: Money) -> dict[str, int]:
    with money.db.reading() as session:
        assert [one.text for one in ledger.check(session) if not one.shortfall] == []
        return {account: total for account, total in ledger.balances(session).items() if total}


def due(money: Money) -> Payment:
    payment = money.captured()
    kept = money.share_due(payment)
    with money.locked(payment) as (tx, row):
        schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now, why="due")
    return payment


def transferred(money: Money) -> Payment:
    payment = due(money)
    assert run_due_transfers(money.db, money.provider.gateway) == 1
    money.provider.settle()
    return payment


def another(money: Money) -> Money:
    """Another session of the same expert, for another company."""
    other = Money(money.db, money.provider, account=False)
    other.seller = money.seller
    return other


def receivable(money: Money) -> int:
    return books(money).get(f"expert:{money.seller.expert.id}:receivable", 0)


def payable(money: Money) -> int:
    return books(money).get(f"expert:{money.seller.expert.id}:payable", 0)


def sweep(money: Money, clock: FakeClock, times: int = 3) -> None:
    for _ in range(times):
        clock.move(timedelta(minutes=1))
        payments.sweep(money.db, money.provider.gateway)


def states(money: Money) -> list[tuple[str, str | None]]:
    return [(one.state, one.waits_for) for one in money.refunds()]


def freeze(money: Money, payment: Payment, by: str | None) -> None:
    with money.locked(payment) as (tx, row):
        row.frozen_by = by
        payments.drive(tx, row)


class TestLate:
    def test_one_that_fails_after_thirty_days_is_owed(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        money.carry("refund")
        clock.move(timedelta(days=29))
        provider.refund_fails(money.refunds()[0].provider_id)
        sweep(money, clock, 1)
        (refund,) = money.refunds()
        assert (refund.state, refund.failure) == ("failed", "expired_or_canceled_card")
        assert books(money)[f"buyer:{money.company.id}:owed"] == -76_320

    def test_one_that_stays_pending_is_booked_when_it_arrives(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        provider.refunds_stay_pending(payment.charge_id)
        money.refund(payment, 50)
        money.carry("refund")
        assert (states(money), books(money)[f"held:{money.subject}"]) == ([("pending", None)], -144_000)
        provider.refund_arrives(money.refunds()[0].provider_id)
        sweep(money, clock, 1)
        assert (states(money), books(money)[f"held:{money.subject}"]) == ([("done", None)], -72_000)

    def test_one_that_fails_while_pending_is_owed(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        provider.refunds_stay_pending(payment.charge_id)
        money.refund(payment, 100)
        money.carry("refund")
        provider.refund_fails(money.refunds()[0].provider_id)
        sweep(money, clock, 1)
        assert states(money) == [("failed", None)]
        standing = books(money)
        assert standing[f"buyer:{money.company.id}:owed"] == -TOTAL
        assert f"held:{money.subject}" not in standing


class TestContested:
    def test_refused_because_contested_it_is_decided_again_and_sent_when_that_is_won(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        dispute = provider.dispute(payment.charge_id)
        money.carry("refund")
        assert states(money) == [("redecided", None), ("intended", "chargeback")]
        first, second = money.refunds()
        assert (first.redecided_as, second.amount_minor) == (second.id, first.amount_minor)
        assert money.read(payment.id).refunded_minor == 76_320
        provider.decide(dispute, won=True)
        clock.move(timedelta(hours=2))
        sweep(money, clock)
        assert states(money) == [("redecided", None), ("done", None)]
        assert books(money)[f"held:{money.subject}"] == -72_000
        assert len(provider.objects("refund")) == 1

    @pytest.mark.parametrize("after_share", [False, True])
    def test_arrived_and_then_failed_because_contested_its_entries_are_reversed(
        self, money: Money, provider: Provider, clock: FakeClock, after_share: bool
    ) -> None:
        payment = due(money) if after_share else money.captured()
        before = books(money)
        money.refund(payment, 100 if after_share else 50)
        money.carry("refund")
        assert books(money) != before
        provider.refund_fails(money.refunds()[0].provider_id, "charge_for_pending_refund_disputed")
        payments.refresh(money.db, provider.gateway, payment.id)
        assert states(money) == [("redecided", None), ("intended", "chargeback")]
        assert books(money) == before
        if after_share:  # It is theirs again until the bank has said whose it is.
            assert (money.transfer().state, money.transfer().amount_minor) == ("due", SHARE)
            assert run_due_transfers(money.db, provider.gateway) == 0
        with money.locked(payment) as (tx, row):
            payments.drive(tx, row)
        money.carry("refund")
        assert states(money) == [("redecided", None), ("done", None)]
        if after_share:
            assert set(books(money)) == {"provider_balance", "provider_fees"}
            assert money.transfer().state == "failed"

    def test_while_it_is_contested_it_waits(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        freeze(money, payment, "du_1")
        money.refund(payment, 50)
        assert states(money) == [("intended", "chargeback")]
        freeze(money, payment, None)
        money.carry("refund")
        assert states(money) == [("done", None)]

    def test_lost_it_is_what_the_chargeback_took(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        freeze(money, payment, "du_1")
        money.refund(payment, 50)
        with money.locked(payment) as (tx, row):
            assert payments.set_waiting_against(tx, row, "du_1", TOTAL) == TOTAL - 76_320
        assert states(money) == [("done", None)]
        standing = books(money)
        assert (standing["in_dispute"], standing[f"held:{money.subject}"]) == (-76_320, -72_000)
        assert provider.objects("refund") == []

    def test_what_the_chargeback_did_not_cover_is_still_sent(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        freeze(money, payment, "du_1")
        money.refund(payment, 100)
        with money.locked(payment) as (tx, row):
            assert payments.set_waiting_against(tx, row, "du_1", 50_001) == 0
            row.frozen_by = None
            payments.drive(tx, row)
        money.carry("refund")
        assert [(one.state, one.amount_minor) for one in money.refunds()] == [
            ("done", 50_001),
            ("done", TOTAL - 50_001),
        ]
        assert [one["amount"] for one in provider.objects("refund")] == [TOTAL - 50_001]
        standing = books(money)
        assert set(standing) == {"in_dispute", "provider_balance", "provider_fees"}

    def test_a_lost_one_after_the_transfer_brings_the_share_back_first(
        self, money: Money, provider: Provider
    ) -> None:
        payment = transferred(money)
        with money.locked(payment) as (tx, row):
            payments.decide_refund(
                tx, row, lines=money.quote().lines, token="lost", why="chargeback", set_against="du_1"
            )
        assert states(money) == [("intended", "reversal")]
        money.carry("reverse_transfer")
        assert states(money) == [("done", None)]
        standing = books(money)
        assert (standing["in_dispute"], money.transfer().reversed_minor) == (-TOTAL, SHARE)
        assert set(standing) == {"in_dispute", "provider_balance", "provider_fees"}


class TestBroughtBack:
    def test_as_far_as_the_account_holds_it_and_the_rest_is_owed(
        self, money: Money, provider: Provider
    ) -> None:
        payment = transferred(money)
        holds(money, 20_000)
        money.refund(payment, 50)
        with pytest.raises(ProviderBusy):
            money.carry("reverse_transfer")  # All of it; refused.
        money.carry("reverse_transfer")  # What is there.
        (refund,) = money.refunds()
        assert (refund.back_minor, refund.reversed_minor, refund.gap_minor) == (63_360, 20_000, 0)
        assert refund.waits_for == "reversal"
        with pytest.raises(ProviderBusy):
            money.carry("reverse_transfer")  # More may have come in meanwhile; it has not.
        assert receivable(money) == 43_360
        provider.spend(-100_000)
        money.carry("refund")
        assert states(money) == [("done", None)]
        assert (payable(money), receivable(money)) == (0, 43_360)

    def test_two_refunds_come_back_one_after_the_other(self, money: Money, provider: Provider) -> None:
        payment = transferred(money)
        money.refund(payment, 30, "a")
        money.refund(payment, 30, "b")
        assert states(money) == [("intended", "reversal"), ("intended", "reversal")]
        assert len(calls(money, "reverse_transfer")) == 1
        money.carry("reverse_transfer")
        assert len(calls(money, "reverse_transfer")) == 2
        money.carry("reverse_transfer")
        for call in calls(money, "refund"):
            payments.carry_out(money.db, provider.gateway, call)
        assert states(money) == [("done", None), ("done", None)]
        (sent,) = provider.objects("transfer")
        assert sent["amount_reversed"] == money.transfer().reversed_minor
        assert (payable(money), receivable(money)) == (0, 0)

    def test_what_our_own_funds_do_not_cover_waits_for_a_top_up(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = transferred(money)
        holds(money, 0)
        provider.spend(provider.balance() - 1_000)
        money.refund(payment, 100)
        with pytest.raises(ProviderBusy):
            money.carry("reverse_transfer")
        money.carry("refund")
        assert states(money) == [("intended", "top_up")]
        assert provider.objects("refund") == []
        sweep(money, clock)
        assert states(money) == [("intended", "top_up")]
        provider.spend(-TOTAL)
        sweep(money, clock)
        assert states(money) == [("done", None)]
        assert len(provider.objects("refund")) == 1

    def test_what_we_bear_ourselves_never_takes_the_money_of_others(
        self, money: Money, provider: Provider
    ) -> None:
        other = Money(money.db, provider)
        other.captured()  # Somebody else's, held.
        payment = transferred(money)
        provider.spend(provider.balance() - TOTAL)
        with money.locked(payment) as (tx, row):
            payments.decide_refund(
                tx, row, lines={"price": 20_000}, token="ours", why="operator", borne_by_us=True
            )
        money.carry("refund")
        assert states(money) == [("intended", "top_up")]
        provider.spend(-60_000)
        money.carry("refund")
        assert states(money) == [("done", None)]


class TestSetOff:
    def owing(self, money: Money, percent: int = 50) -> int:
        """Half a share that could not be brought back."""
        payment = transferred(money)
        holds(money, 0)
        money.refund(payment, percent)
        with pytest.raises(ProviderBusy):
            money.carry("reverse_transfer")
        money.provider.spend(-200_000)
        money.carry("refund")
        return receivable(money)

    def test_it_is_taken_off_the_next_transfer_and_shown(self, money: Money, provider: Provider) -> None:
        assert self.owing(money) == 63_360
        later = another(money)
        transferred(later)
        transfer = later.transfer()
        assert (transfer.amount_minor, transfer.set_off_minor, transfer.sent_minor) == (SHARE, 63_360, 63_360)
        assert next(one["amount"] for one in provider.objects("transfer")) == 63_360
        assert (payable(money), receivable(money)) == (0, 0)
        with money.db.reading() as session:
            row = expert_money(session, money.seller.expert.id).rows[0]
        assert (row.share, row.set_off, row.set_off_for) == (SHARE, 63_360, ((money.subject, 63_360),))

    def test_all_of_a_share_may_be_set_off_and_nothing_is_sent(
        self, money: Money, provider: Provider
    ) -> None:
        self.owing(money, 100)
        later = another(money)
        due(later)
        before = len(provider.objects("transfer"))
        assert run_due_transfers(money.db, provider.gateway) == 1
        transfer = later.transfer()
        assert (transfer.state, transfer.provider_id, transfer.sent_minor) == ("done", None, 0)
        assert len(provider.objects("transfer")) == before
        assert (payable(money), receivable(money)) == (0, 0)

    def test_what_several_sessions_left_is_made_good_oldest_first(
        self, money: Money, provider: Provider
    ) -> None:
        self.owing(money, 40)
        second = another(money)
        # The second's own transfer makes the first good; its refund leaves a debt of its own.
        payment = transferred(second)
        assert second.transfer().set_off_minor == 50_688
        holds(money, 0)
        second.refund(payment, 100)
        with pytest.raises(ProviderBusy):
            second.carry("reverse_transfer")
        provider.spend(-200_000)
        second.carry("refund")
        assert receivable(money) == SHARE  # What was sent of it, and what was set off.
        third = another(money)
        transferred_nothing = due(third)
        run_due_transfers(money.db, provider.gateway)
        assert third.transfer().sent_minor == 0
        assert transferred_nothing.id == third.transfer().payment_id
        assert receivable(money) == 0

    def test_a_refund_of_what_was_set_off_before_it_could_be_sent(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        self.owing(money)
        later = another(money)
        payment = due(later)
        provider.wire.faults.append("busy")
        run_due_transfers(money.db, provider.gateway)
        assert (later.transfer().state, later.transfer().set_off_minor) == ("intended", 63_360)
        later.refund(payment, 75)
        clock.move(timedelta(minutes=11))
        payments.carry_out(money.db, provider.gateway, later.call("transfer").id)
        # Of 95 040 of theirs 63 360 are still here; the rest had made another session's refund good.
        assert later.transfer().state == "due"
        assert receivable(money) == 31_680
        later.carry("refund")
        assert states(later) == [("done", None)]
        assert payable(money) == 0
        clock.move(timedelta(hours=2))
        run_due_transfers(money.db, provider.gateway)
        assert (payable(money), later.transfer().state) == (0, "done")


class TestJustBeforeTheCall:
    def test_contested_since_the_intent(self, money: Money, provider: Provider) -> None:
        payment = due(money)
        call_id = _intend(money.db, money.transfer().id)
        assert call_id is not None
        freeze(money, payment, "du_1")
        payments.carry_out(money.db, provider.gateway, call_id)
        assert (money.transfer().state, money.transfer().held_up_by) == ("due", "frozen")
        assert provider.objects("transfer") == []

    def test_restricted_since_the_intent(self, money: Money, provider: Provider) -> None:
        due(money)
        call_id = _intend(money.db, money.transfer().id)
        assert call_id is not None
        money.has_account(provider.account(active=False), "restricted")
        payments.carry_out(money.db, provider.gateway, call_id)
        assert (money.transfer().state, money.transfer().held_up_by) == ("due", "account_restricted")

    def test_contested_after_an_answer_was_lost_it_is_looked_for_and_not_repeated(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = due(money)
        provider.wire.faults.append("lost_reply")
        run_due_transfers(money.db, provider.gateway)
        freeze(money, payment, "du_1")
        sweep(money, clock, 1)
        assert money.transfer().state == "done"
        assert len(provider.objects("transfer")) == 1

    def test_a_refund_asked_for_and_contested_unheard_is_looked_for_then_waits(
        self, money: Money, provider: Provider, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        provider.wire.faults.append("busy")
        with pytest.raises(ProviderBusy):
            money.carry("refund")
        freeze(money, payment, "du_1")
        money.carry("refund")
        assert states(money) == [("sent", None)]  # Asked for a moment ago: it may still be under way there.
        clock.move(timedelta(minutes=11))
        money.carry("refund")
        assert states(money) == [("intended", "chargeback")]
        freeze(money, payment, None)
        money.carry("refund")
        assert states(money) == [("done", None)]


class TestSaidOtherwise:
    def test_another_amount_is_seen_by_operators(self, money: Money, provider: Provider) -> None:
        payment = money.authorised()
        provider.change("payment_intent", payment.intent_id, amount=100)
        payments.refresh(money.db, provider.gateway, payment.id)
        seen = money.read(payment.id)
        assert (seen.state, seen.problem) == (
            "authorised",
            {"what": "payment", "minor": 100, "currency": "EUR"},
        )
        provider.change("payment_intent", payment.intent_id, amount=TOTAL)
        payments.refresh(money.db, provider.gateway, payment.id)
        assert money.read(payment.id).problem is None

    def test_another_amount_of_a_refund(self, money: Money, provider: Provider) -> None:
        payment = money.captured()
        money.refund(payment, 50)
        money.carry("refund")
        assert money.read(payment.id).problem is None
        provider.change("refund", money.refunds()[0].provider_id, amount=1, status="failed")
        payments.refresh(money.db, provider.gateway, payment.id)
        assert money.read(payment.id).problem == {"what": "refund", "minor": 1, "currency": "EUR"}


def test_every_object_at_the_provider_carries_what_it_is_for(money: Money, provider: Provider) -> None:
    """The booking's number, as an opaque label: on checkout, intent, transfer, reversal and refund."""
    payment_id = uuid.UUID(int=0)
    with money.db.transaction() as tx:
        payment_id = payments.open_payment(
            tx, subject=money.subject, company_id=money.company.id, expert_id=money.seller.expert.id,
            quote=money.quote(), capture="automatic",
            texts=payments.CheckoutTexts(
                "A session", "en", "https://site.test/a", "https://site.test/b", labels={"booking": "D-1234"}
            ),
        ).id  # fmt: skip
    payments.checkout_url(money.db, provider.gateway, payment_id)
    provider.pay(money.read(payment_id))
    payments.refresh(money.db, provider.gateway, payment_id)
    payment = money.read(payment_id)
    kept = money.share_due(payment)
    with money.locked(payment) as (tx, row):
        schedule_transfer(tx, row, amount_minor=kept, due_at=tx.now, why="due")
    run_due_transfers(money.db, provider.gateway)
    money.refund(payment, 50)
    money.carry("reverse_transfer")
    money.carry("refund")
    for kind in ("checkout.session", "payment_intent", "transfer", "transfer_reversal", "refund"):
        (made,) = provider.objects(kind)
        assert (made["metadata"]["booking"], made["metadata"]["payment"]) == ("D-1234", payment.reference), (
            kind
        )


def holds(money: Money, minor: int) -> None:
    """So much is left on the expert's account: the rest went on to their bank."""
    with money.db.reading() as session:
        account_id = session.get_one(type(money.seller.expert), money.seller.expert.id).account_id
    money.provider.change("v2.core.account", account_id, _balance=minor)


def calls(money: Money, kind: str) -> list[uuid.UUID]:
    with money.db.reading() as session:
        return list(
            session.scalars(
                sa.select(ProviderCall.id)
                .join(Payment, Payment.id == ProviderCall.payment_id)
                .where(Payment.subject == money.subject, ProviderCall.kind == kind)
                .order_by(ProviderCall.id)
            )
        )
