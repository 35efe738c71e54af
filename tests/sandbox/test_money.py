"""The provider's books: what settles when, what may be spent, what comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from sandbox import accounts, payouts, refunds

from .conftest import AMOUNT, FEE, Shop, code


class TestSettlement:
    def test_a_charge_is_pending_for_three_business_days(self, shop: Shop) -> None:
        charge = shop.charge()  # On a Tuesday.
        line = shop.v1.balance_transactions.retrieve(str(charge.balance_transaction))
        assert (line.status, line.type) == ("pending", "charge")
        assert datetime.fromtimestamp(line.available_on, UTC) == datetime(2026, 11, 27, tzinfo=UTC)
        assert shop.balance() == (0, AMOUNT - FEE)
        shop.later(days=3)
        assert shop.balance() == (AMOUNT - FEE, 0)
        assert shop.v1.balance_transactions.retrieve(line.id).status == "available"
        assert shop.told()[-1] == "balance.available"

    def test_a_weekend_does_not_count(self, shop: Shop) -> None:
        shop.later(days=3)  # Friday.
        line = shop.v1.balance_transactions.retrieve(str(shop.charge().balance_transaction))
        assert datetime.fromtimestamp(line.available_on, UTC) == datetime(2026, 12, 2, tzinfo=UTC)

    def test_a_part_is_taken_and_the_rest_released(self, shop: Shop) -> None:
        intent = shop.paid(capture="manual")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": AMOUNT + 1})
        assert code(refused) == "amount_too_large"
        taken = shop.v1.payment_intents.capture(
            intent.id, {"amount_to_capture": 100_000, "expand": ["latest_charge"]}
        )
        charge: Any = taken.latest_charge
        assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 100_000, 0)
        assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (
            100_000,
            AMOUNT - 100_000,
            False,
        )
        assert shop.v1.refunds.create({"payment_intent": intent.id}).amount == 100_000

    def test_what_nobody_takes_in_seven_days_is_free_again(self, shop: Shop) -> None:
        intent = shop.paid(capture="manual")
        shop.later(days=7)
        seen = shop.v1.payment_intents.retrieve(intent.id)
        assert (seen.status, seen.cancellation_reason) == ("canceled", "automatic")

    @pytest.mark.parametrize("currency", ["usd", "gbp", "xxx", ""])
    def test_another_currency_is_refused_by_name(self, shop: Shop, currency: str) -> None:
        asks: list[Callable[[], Any]] = [
            lambda: shop.v1.payouts.create({"amount": 100, "currency": currency}),
            lambda: shop.v1.topups.create({"amount": 100, "currency": currency}),
            lambda: shop.v1.transfers.create({"amount": 100, "currency": currency, "destination": "acct_x"}),
            lambda: shop.v1.payment_intents.create({"amount": 100, "currency": currency}),
        ]
        for ask in asks:
            with pytest.raises(stripe.InvalidRequestError) as refused:
                ask()
            assert refused.value.param == "currency"
            assert currency in str(refused.value)

    def test_too_little_and_too_much_are_refused(self, shop: Shop) -> None:
        for amount, word in ((49, "amount_too_small"), (100_000_000, "amount_too_large")):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                shop.session(amount)
            assert code(refused) == word


class TestTransfers:
    def asked(self, shop: Shop, amount: int, **more: Any) -> Any:
        return shop.v1.transfers.create({"amount": amount, "currency": "eur", **more})

    def test_out_of_a_charge_before_it_settles_and_never_beyond_it(self, shop: Shop) -> None:
        charge, account = shop.charge(), shop.account()
        made = self.asked(shop, 100_000, destination=account, source_transaction=charge.id)
        line = shop.v1.balance_transactions.retrieve(str(made.balance_transaction))
        assert (line.type, line.status, line.amount) == ("transfer", "pending", -100_000)
        assert shop.balance() == (0, AMOUNT - FEE - 100_000)
        with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
            self.asked(shop, AMOUNT - 100_000 + 1, destination=account, source_transaction=charge.id)
        shop.later(days=3)
        assert shop.balance() == (AMOUNT - FEE - 100_000, 0)

    def test_once_settled_and_without_a_charge_it_needs_available_money(self, shop: Shop) -> None:
        charge, account = shop.charge(), shop.account()
        for source in ({}, {"source_transaction": charge.id}):
            if source:
                shop.later(days=3)
            with pytest.raises(stripe.InvalidRequestError) as refused:
                self.asked(shop, AMOUNT - FEE + 1, destination=account, **source)
            assert code(refused) == "balance_insufficient"
        self.asked(shop, AMOUNT - FEE, destination=account)
        assert shop.balance() == (0, 0)

    def test_a_restricted_account_gets_nothing(self, shop: Shop) -> None:
        charge = shop.charge()
        for action in ("restrict", "ask"):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                self.asked(shop, 100, destination=shop.account(action), source_transaction=charge.id)
            assert code(refused) == "insufficient_capabilities_for_transfer"

    def test_what_the_account_no_longer_holds_does_not_come_back(self, shop: Shop) -> None:
        charge, account = shop.charge(), shop.account()
        made = self.asked(shop, 100_000, destination=account, source_transaction=charge.id)
        shop.v1.transfers.reversals.create(made.id, {"amount": 40_000})
        shop.does(accounts.money_leaves, "v2.core.account", account)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.transfers.reversals.create(made.id, {"amount": 1})
        assert code(refused) == "balance_insufficient"
        assert [one.amount for one in shop.v1.transfers.reversals.list(made.id).data] == [40_000]
        assert shop.balance() == (0, AMOUNT - FEE - 60_000)


class TestRefunds:
    def test_out_of_pending_money_at_once(self, shop: Shop) -> None:
        charge = shop.charge()
        made = shop.v1.refunds.create({"charge": charge.id, "amount": 500, "metadata": {"a": "b"}})
        assert (made.status, made.payment_intent) == ("succeeded", charge.payment_intent)
        assert shop.balance() == (0, AMOUNT - FEE - 500)
        assert shop.told()[-2:] == ["refund.created", "charge.refunded"]

    def test_without_available_money_it_waits_for_it(self, shop: Shop) -> None:
        charge, account = shop.charge(), shop.account()
        shop.later(days=3)
        shop.v1.transfers.create({"amount": AMOUNT - FEE, "currency": "eur", "destination": account})
        made = shop.v1.refunds.create({"charge": charge.id})
        assert (made.status, made.pending_reason, made.balance_transaction) == (
            "pending",
            "insufficient_funds",
            None,
        )
        topup = shop.v1.topups.create({"amount": AMOUNT, "currency": "eur"})
        assert topup.status == "pending"
        shop.later(days=3)
        assert shop.v1.topups.retrieve(topup.id).status == "succeeded"
        made = shop.v1.refunds.retrieve(made.id)
        assert (made.status, shop.balance()) == ("succeeded", (0, 0))

    def test_it_takes_its_days_and_arrives(self, shop: Shop) -> None:
        charge = shop.charge()
        with shop.books() as books:
            books.put("charge", books.must("charge", charge.id) | {"_refunds": "pending"})
        made = shop.v1.refunds.create({"charge": charge.id})
        assert (made.status, made.pending_reason) == ("pending", "processing")
        with pytest.raises(stripe.InvalidRequestError):  # As Stripe: only what needs an action is called off.
            shop.v1.refunds.cancel(made.id)
        shop.later(days=7)
        assert shop.v1.refunds.retrieve(made.id).status == "succeeded"

    def test_it_may_fail_weeks_after_it_succeeded(self, shop: Shop) -> None:
        charge = shop.charge()
        made = shop.v1.refunds.create({"charge": charge.id})
        shop.later(days=29)
        before = sum(shop.balance())
        shop.does(refunds.fail, "refund", made.id, "lost_or_stolen_card")
        made = shop.v1.refunds.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
        back: Any = made.failure_balance_transaction
        assert (made.status, made.failure_reason) == ("failed", "lost_or_stolen_card")
        assert (back.type, back.amount, sum(shop.balance())) == ("refund_failure", AMOUNT, before + AMOUNT)
        assert shop.told()[-2:] == ["refund.failed", "charge.refund.updated"]
        assert shop.v1.charges.retrieve(charge.id).amount_refunded == 0

    def test_never_more_than_is_left(self, shop: Shop) -> None:
        charge = shop.charge()
        shop.v1.refunds.create({"charge": charge.id, "amount": AMOUNT - 1})
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            shop.v1.refunds.create({"charge": charge.id, "amount": 2})
        shop.v1.refunds.create({"charge": charge.id, "amount": 1})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.refunds.create({"charge": charge.id, "amount": 1})
        assert code(refused) == "charge_already_refunded"

    def test_they_are_listed_page_by_page(self, shop: Shop) -> None:
        charge = shop.charge()
        made = [shop.v1.refunds.create({"charge": charge.id, "amount": 1 + n}).id for n in range(5)]
        shop.v1.refunds.create({"charge": shop.charge().id})
        page = shop.v1.refunds.list({"charge": charge.id, "limit": 2})
        assert [one.id for one in page.auto_paging_iter()] == made[::-1]
        back = shop.v1.refunds.list({"charge": charge.id, "limit": 2, "ending_before": made[0]})
        assert ([one.id for one in back.data], back.has_more) == ([made[2], made[1]], True)
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.refunds.list({"starting_after": "re_nothing"})


class TestPayouts:
    def test_never_beyond_what_is_available(self, shop: Shop) -> None:
        shop.charge()
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                shop.v1.payouts.create({"amount": AMOUNT - FEE + 1, "currency": "eur"})
            assert code(refused) == "balance_insufficient"
            shop.later(days=3)
        made = shop.v1.payouts.create({"amount": AMOUNT - FEE, "currency": "eur", "metadata": {"m": "11"}})
        assert (made.status, made.automatic, shop.balance()) == ("pending", False, (0, 0))

    def paid_out(self, shop: Shop) -> Any:
        shop.charge()
        shop.later(days=3)
        return shop.v1.payouts.create({"amount": 100_000, "currency": "eur"})

    def test_on_its_way_then_paid(self, shop: Shop) -> None:
        made = self.paid_out(shop)  # Friday.
        shop.later(days=1)
        assert shop.v1.payouts.retrieve(made.id).status == "in_transit"
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.payouts.cancel(made.id)
        shop.later(days=3)
        assert shop.v1.payouts.retrieve(made.id).status == "paid"
        assert shop.told()[-2:] == ["payout.updated", "payout.paid"]

    def test_called_off_while_it_is_here(self, shop: Shop) -> None:
        made = shop.v1.payouts.cancel(self.paid_out(shop).id)
        assert (made.status, shop.balance()[0]) == ("canceled", AMOUNT - FEE)

    def test_sent_back_by_the_bank_though_it_looked_paid(self, shop: Shop) -> None:
        made = self.paid_out(shop)
        shop.later(days=6)
        shop.does(payouts.fail, "payout", made.id)
        made = shop.v1.payouts.retrieve(made.id)
        assert (made.status, made.failure_code, shop.balance()[0]) == (
            "failed",
            "account_closed",
            AMOUNT - FEE,
        )
        lines = shop.v1.balance_transactions.list({"source": made.id}).data
        assert [(one.type, one.amount) for one in lines] == [
            ("payout_failure", 100_000),
            ("payout", -100_000),
        ]

    def test_daily_takes_all_of_it_every_business_day_by_itself(self, shop: Shop) -> None:
        assert shop.v1.balance_settings.retrieve().payments.payouts.schedule.interval == "manual"
        charge = shop.charge()
        set_to = shop.v1.balance_settings.update(
            {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
        )
        assert set_to.payments.payouts.schedule.interval == "daily"
        shop.later(days=20)
        (made,) = shop.v1.payouts.list().data
        assert (made.automatic, made.amount, made.status) == (True, AMOUNT - FEE, "paid")
        # At its own hour, however late it was seen: the day the charge had settled.
        assert datetime.fromtimestamp(made.created, UTC) == datetime(2026, 11, 27, tzinfo=UTC)
        lines = shop.v1.balance_transactions.list({"payout": made.id}).data
        assert {one.source for one in lines} == {charge.id, made.id}
        shop.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "manual"}}}})
        shop.charge()
        shop.later(days=20)
        assert len(shop.v1.payouts.list().data) == 1

    def test_thirty_days_at_once_leave_the_same_books_as_one_by_one(self, shop: Shop) -> None:
        for days in ([30], [1] * 30):
            with shop.books() as books:
                books.connection.execute("delete from sandbox.objects")
            charge = shop.charge()
            shop.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "weekly"}}}})
            shop.v1.refunds.create({"charge": charge.id, "amount": 700})
            start = shop.clock.now
            for step in days:
                shop.later(days=step)
            with shop.books() as books:
                lines = [(one["type"], one["net"], one["created"] - int(start.timestamp()))
                         for one in reversed(books.find("balance_transaction"))]  # fmt: skip
            if len(days) == 1:
                first = lines
            shop.clock.move(timedelta(days=5))  # The same weekday again.
        assert lines == first
        assert [one[0] for one in lines] == ["charge", "refund", "payout"]


class TestLines:
    def test_by_type_source_and_time(self, shop: Shop) -> None:
        charge = shop.charge()
        shop.later(days=1)
        made = shop.v1.refunds.create({"charge": charge.id, "amount": 500})
        lines = shop.v1.balance_transactions
        assert [one.source for one in lines.list({"type": "refund"}).data] == [made.id]
        assert [one.type for one in lines.list({"source": charge.id}).data] == ["charge"]
        at = charge.created
        assert [one.type for one in lines.list({"created": {"gte": at, "lt": at + 1}}).data] == ["charge"]
        (line,) = lines.list({"created": {"gt": at}, "expand": ["data.source"]}).data
        source: Any = line.source
        assert (source.object, source.id) == ("refund", made.id)

    def test_more_than_a_thousand(self, shop: Shop) -> None:
        with shop.books() as books:
            for number in range(1_050):
                books.put("transfer", {"id": f"tr_{number}", "object": "transfer", "transfer_group": "many",
                                       "created": number, "amount": 1})  # fmt: skip
        found = shop.v1.transfers.list({"transfer_group": "many", "limit": 100}).auto_paging_iter()
        assert len({one.id for one in found}) == 1_050
