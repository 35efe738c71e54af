"""Bank transfers, chargebacks, our own payouts and the provider's books, through the adapter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.gateways import payments as port
from tests.clock import START
from tests.gateways.shop import AMOUNT, FEE, REFERENCE, Shop, key

PI = port.PaymentState


class TestBankTransfer:
    def test_there_is_an_account_to_send_to(self, shop: Shop) -> None:
        to = shop.bank_transfer()
        assert to.iban.startswith("DE")
        assert (to.country, bool(to.bic), bool(to.holder), bool(to.payment_reference)) == (
            "DE",
            True,
            True,
            True,
        )
        seen = shop.door.payment(intent_id=to.intent_id)
        assert (seen.state, seen.arrived_minor, seen.reference) == (PI.OPEN, 0, REFERENCE)

    def test_it_may_arrive_in_parts_and_is_captured_when_whole(self, shop: Shop) -> None:
        to = shop.bank_transfer()
        shop.arrives(to, AMOUNT - 100)
        seen = shop.door.payment(intent_id=to.intent_id)
        assert (seen.state, seen.arrived_minor, seen.captured_minor) == (PI.OPEN, AMOUNT - 100, 0)
        shop.arrives(to, 100)
        seen = shop.door.payment(intent_id=to.intent_id)
        assert (seen.state, seen.arrived_minor, seen.captured_minor) == (PI.CAPTURED, AMOUNT, AMOUNT)
        # No card stands behind it, and no reserved money that could end.
        assert (seen.capture_before, bool(seen.charge_id)) == (None, True)
        assert seen.provider_fee_minor is not None

    def test_the_same_key_is_the_same_customer_and_payment(self, shop: Shop) -> None:
        assert shop.bank_transfer(with_key="k-1") == shop.bank_transfer(with_key="k-1")

    def test_cut_off_between_its_two_requests_it_goes_on(self, shop: Shop) -> None:
        """The customer was made, the payment not: the same key makes no second customer."""
        made = shop.at.gateway._customer("k-1/customer", REFERENCE, "Buyer SA", "accounts@buyer.example")
        assert shop.bank_transfer(with_key="k-1").customer_id == made

    def test_what_was_sent_before_pays_at_once(self, shop: Shop) -> None:
        first = shop.bank_transfer()
        shop.arrives(first, 2 * AMOUNT)
        to = shop.bank_transfer(customer_id=first.customer_id)
        assert (to.iban, to.payment_reference, to.customer_id) == ("", "", first.customer_id)
        assert shop.door.payment(intent_id=to.intent_id).state is PI.CAPTURED

    def test_released_unpaid_it_is_closed(self, shop: Shop) -> None:
        to = shop.bank_transfer()
        assert shop.door.release(key=key(), intent_id=to.intent_id).state is PI.CLOSED

    def test_its_refund_asks_the_payer_for_an_account_first(self, shop: Shop) -> None:
        to = shop.bank_transfer()
        shop.arrives(to)
        shop.settle()
        made = shop.refund(to.intent_id, AMOUNT)
        assert made.state == "needs_action"
        assert shop.door.refund_seen(made.id) == made

    def test_no_account_anywhere_else(self, shop: Shop) -> None:
        with pytest.raises(port.Refused):
            shop.bank_transfer(country="ES")


class TestRefunds:
    def test_one_that_fails_says_why(self, shop: Shop) -> None:
        intent_id, _ = shop.taken()
        made = shop.refund(intent_id)
        shop.refund_fails(made.id)
        seen = shop.door.refund_seen(made.id)
        assert (seen.state, seen.failure) == ("failed", "expired_or_canceled_card")

    def test_none_while_the_bank_contests_the_payment(self, shop: Shop) -> None:
        intent_id, charge_id = shop.taken()
        shop.contested(charge_id)
        with pytest.raises(port.Refused) as refused:
            shop.refund(intent_id)
        assert (refused.value.reason, refused.value.look) == ("charge_disputed", True)

    def test_one_under_way_fails_when_the_bank_contests_it(self, shop: Shop) -> None:
        intent_id, charge_id = shop.taken()
        shop.pay_out(AMOUNT - FEE)
        made = shop.refund(intent_id)  # The balance is empty: it waits.
        assert made.state == "pending"
        shop.contested(charge_id)
        seen = shop.door.refund_seen(made.id)
        assert (seen.state, seen.failure) == ("failed", "charge_for_pending_refund_disputed")


class TestChargebacks:
    def test_it_takes_the_amount_and_a_fee_and_names_its_payment(self, shop: Shop) -> None:
        intent_id, charge_id = shop.taken()
        before = shop.door.balance().available["EUR"]
        contested = shop.contested(charge_id, reason="fraudulent")
        seen = shop.door.chargeback(contested)
        assert (seen.state, seen.reason, seen.submitted) == (port.ChargebackState.OPEN, "fraudulent", False)
        assert (seen.intent_id, seen.charge_id) == (intent_id, charge_id)
        assert (seen.amount_minor, seen.taken_minor, seen.currency) == (AMOUNT, AMOUNT, "EUR")
        assert shop.door.balance().available["EUR"] == before - seen.taken_minor - seen.fee_minor
        assert seen.evidence_due is not None
        assert seen.evidence_due > shop.clock.now
        assert shop.door.payment(intent_id=intent_id).disputed
        assert shop.door.chargebacks(intent_id=intent_id) == (seen,)

    @pytest.mark.parametrize(("won", "fee_returns"), [(True, False), (True, True), (False, False)])
    def test_decided(self, shop: Shop, won: bool, fee_returns: bool) -> None:
        contested = shop.contested(shop.taken()[1])
        fee = shop.door.chargeback(contested).fee_minor
        shop.decided(contested, won=won, fee_returns=fee_returns)
        seen = shop.door.chargeback(contested)
        assert seen.state is (port.ChargebackState.WON if won else port.ChargebackState.LOST)
        assert (seen.taken_minor, seen.fee_minor) == (0 if won else AMOUNT, 0 if fee_returns else fee)

    @pytest.mark.parametrize(
        ("kind", "state", "taken"),
        [
            ("inquiry", port.ChargebackState.INQUIRY, 0),
            ("prevented", port.ChargebackState.PREVENTED, 0),
            ("resolved", port.ChargebackState.PREVENTED, AMOUNT),
        ],
    )
    def test_what_is_no_chargeback_yet(
        self, shop: Shop, kind: str, state: port.ChargebackState, taken: int
    ) -> None:
        seen = shop.door.chargeback(shop.contested(shop.taken()[1], kind))
        assert (seen.state, seen.taken_minor, seen.fee_minor) == (state, taken, 0)

    def test_its_deadline_may_be_missing(self, shop: Shop) -> None:
        assert shop.door.chargeback(shop.contested(shop.taken()[1], deadline=False)).evidence_due is None

    def test_evidence_is_staged_as_often_as_one_likes_and_sent_once(self, shop: Shop) -> None:
        contested = shop.contested(shop.taken()[1])
        for text in ("first", "second"):
            seen = self.evidence(shop, contested, text, submit=False)
            assert (seen.state, seen.submitted) == (port.ChargebackState.OPEN, False)
        seen = self.evidence(shop, contested, "last", submit=True)
        assert (seen.state, seen.submitted) == (port.ChargebackState.REVIEW, True)
        with pytest.raises(port.Refused) as refused:
            self.evidence(shop, contested, "too late", submit=True)
        assert (refused.value.reason, refused.value.look) == ("chargeback_not_open", True)

    def test_the_answer_to_an_inquiry_leaves_it_one(self, shop: Shop) -> None:
        contested = shop.contested(shop.taken()[1], "inquiry")
        seen = self.evidence(shop, contested, "it was held", submit=True)
        assert (seen.state, seen.submitted) == (port.ChargebackState.INQUIRY, True)

    def test_none_after_the_end(self, shop: Shop) -> None:
        contested = shop.contested(shop.taken()[1])
        shop.decided(contested, won=False)
        with pytest.raises(port.Refused) as refused:
            self.evidence(shop, contested, "too late", submit=True)
        assert refused.value.reason == "chargeback_not_open"

    @pytest.mark.parametrize(
        ("evidence", "which"),
        [
            ({"receipt": "a file's place"}, "receipt"),
            ({"service_date": "x" * 5_001}, "service_date"),
            ({"uncategorized_text": "x" * 20_001}, "uncategorized_text"),
            ({name: "x" * most for name, most in port.EVIDENCE_FIELDS.items()}, "together"),
        ],
    )
    def test_what_does_not_fit_is_not_even_asked(
        self, shop: Shop, evidence: dict[str, str], which: str
    ) -> None:
        with pytest.raises(port.Refused) as refused:
            shop.door.submit_evidence(key=key(), chargeback_id="du_1", evidence=evidence, submit=False)
        assert (refused.value.reason, refused.value.detail) == ("evidence_unfit", which)

    def test_one_that_is_not_there(self, shop: Shop) -> None:
        with pytest.raises(port.Refused) as refused:
            self.evidence(shop, "du_nothing", "x", submit=False)
        assert refused.value.reason == "resource_missing"

    def test_those_since(self, shop: Shop) -> None:
        old = shop.contested(shop.taken()[1])
        shop.clock.move(timedelta(hours=1))
        new = shop.contested(shop.taken()[1])
        assert [one.id for one in shop.door.chargebacks()] == [new, old]
        assert [one.id for one in shop.door.chargebacks(since=shop.clock.now)] == [new]

    @staticmethod
    def evidence(shop: Shop, contested: str, text: str, *, submit: bool) -> port.ChargebackSeen:
        return shop.door.submit_evidence(
            key=key(), chargeback_id=contested, evidence={"uncategorized_text": text}, submit=submit
        )


class TestOurOwnMoney:
    def test_it_goes_to_the_bank_and_arrives(self, shop: Shop) -> None:
        shop.taken()
        made = shop.pay_out(5_000)
        assert (made.amount_minor, made.automatic, made.reference) == (5_000, False, "po-1")
        assert made.state in ("pending", "under_way")
        assert made.arrives is not None
        shop.clock.move_to(made.arrives + timedelta(hours=1))
        assert shop.door.payout(made.id).state == "done"
        assert shop.door.balance().available["EUR"] == AMOUNT - FEE - 5_000

    def test_one_that_fails_comes_back(self, shop: Shop) -> None:
        shop.taken()
        made = shop.pay_out(5_000)
        shop.payout_fails(made.id)
        seen = shop.door.payout(made.id)
        assert (seen.state, seen.failure) == ("failed", "account_closed")
        assert shop.door.balance().available["EUR"] == AMOUNT - FEE

    def test_never_beyond_what_is_available(self, shop: Shop) -> None:
        shop.paid(capture="automatic")  # Pending still.
        with pytest.raises(port.Unavailable) as refused:
            shop.pay_out(1)
        assert (refused.value.reason, refused.value.new_key) == ("balance_insufficient", True)

    def test_those_since(self, shop: Shop) -> None:
        shop.taken()
        old = shop.pay_out(1_000)
        shop.clock.move(timedelta(hours=1))
        new = shop.pay_out(1_000)
        assert [one.id for one in shop.door.payouts(since=START)] == [new.id, old.id]
        assert [one.id for one in shop.door.payouts(since=shop.clock.now)] == [new.id]


class TestTheProvidersBooks:
    def test_each_kind_of_movement_with_its_source(self, shop: Shop) -> None:
        intent_id, charge_id = shop.taken()
        transfer = shop.transfer(charge_id, 1_000)
        reversal = shop.door.reverse_transfer(
            key=key(), transfer_id=transfer.id, amount_minor=400, reference="r-1"
        )
        refund = shop.refund(intent_id, 100)
        shop.refund_fails(refund.id)
        payout = shop.pay_out(2_000)
        shop.payout_fails(payout.id)
        contested = shop.contested(charge_id, amount=3_000)
        shop.decided(contested, won=True)
        seen = [(one.kind, one.source, one.amount_minor) for one in shop.door.movements(since=START)]
        assert sorted(seen) == sorted([
            ("charge", charge_id, AMOUNT),
            ("transfer", transfer.id, -1_000),
            ("reversal", reversal.id, 400),
            ("refund", refund.id, -100),
            ("refund_failed", refund.id, 100),
            ("payout", payout.id, -2_000),
            ("payout_failed", payout.id, 2_000),
            ("chargeback", contested, -3_000),
            ("chargeback", contested, 3_000),
        ])  # fmt: skip

    def test_they_add_up_to_the_balance(self, shop: Shop) -> None:
        intent_id, charge_id = shop.taken()
        shop.transfer(charge_id, 1_000)
        shop.refund(intent_id, 100)
        shop.contested(shop.taken()[1])
        shop.paid(capture="automatic")
        rows = list(shop.door.movements(since=START))
        held = shop.door.balance()
        assert (
            sum(row.amount_minor - row.fee_minor for row in rows)
            == held.available["EUR"] + held.pending["EUR"]
        )
        ready = [row for row in rows if row.available <= shop.clock.now]
        assert sum(row.amount_minor - row.fee_minor for row in ready) == held.available["EUR"]

    def test_page_by_page_newest_first_within_the_time_asked(self, shop: Shop) -> None:
        intent_id, _ = shop.taken()
        for number in range(115):
            shop.refund(intent_id, 1, f"r-{number}")
        shop.clock.move(timedelta(days=1))
        rows = shop.door.movements(since=START, until=shop.clock.now)
        assert next(rows).kind == "refund"
        assert len(list(rows)) == 115
        assert list(shop.door.movements(since=shop.clock.now)) == []
        # The same by pages for what is looked for after a lost answer: the oldest is found.
        found = shop.door.find(reference=REFERENCE, intent_id=intent_id).refunds
        assert (len(found), found[-1].reference) == (115, "r-0")


class TestAnotherCurrency:
    """Refused by its name before anybody is asked (payments.md, "Currency")."""

    @pytest.mark.parametrize("currency", ["USD", "eur", "", "CHF"])
    def test_is_refused(self, shop: Shop, currency: str) -> None:
        calls = (shop.checkout, shop.bank_transfer, shop.pay_out)
        for call in calls:
            with pytest.raises(port.Refused) as refused:
                call(currency=currency)
            assert (refused.value.reason, refused.value.detail) == ("currency_unsupported", currency)
        with pytest.raises(port.Refused, match="currency_unsupported"):
            shop.transfer("ch_1", account_id="acct_1", currency=currency)


def test_a_page_of_an_experts_own_money(shop: Shop) -> None:
    address = shop.door.dashboard_link(key=key(), account_id=shop.account())
    assert address.startswith("http")


def test_instants_are_utc(shop: Shop) -> None:
    shop.taken()
    row = next(iter(shop.door.movements(since=datetime(2026, 1, 1, tzinfo=UTC))))
    assert row.created == START
    assert row.created.tzinfo is UTC
