"""What another provider of the same description may answer: fields absent, null, not expanded, and
Stripe's own published examples. Where money depends on it, what cannot be read is `Unknown`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from marketplace.gateways import payments as port
from marketplace.gateways.payments_stripe import reading, reading_books
from tests.gateways.recording import Recorder
from tests.gateways.shop import AMOUNT, FEE, Shop, key

EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "sandbox" / "data" / "objects.json").read_text("utf-8")
)["resources"]
# As Stripe publishes it, the moment "created" of all examples.
THEN = datetime.fromtimestamp(1234567890, UTC)


def without(thing: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name not in names}


class TestNothingExpanded:
    """A provider that gives ids where objects were asked for: they are fetched, money depends on them."""

    def test_a_captured_payment_is_read_the_same(self, shop: Shop, wire: Recorder) -> None:
        intent_id, _ = shop.taken()
        shop.refund(intent_id, 500)
        whole = shop.door.payment(intent_id=intent_id)
        wire.expanding = False
        assert shop.door.payment(intent_id=intent_id) == whole
        assert (whole.provider_fee_minor, whole.refunded_minor) == (FEE, 500)

    def test_by_checkout_too(self, shop: Shop, wire: Recorder) -> None:
        seen = shop.paid()
        wire.expanding = False
        assert shop.door.payment(checkout_id=seen.checkout_id) == seen
        opened = shop.checkout()
        assert shop.door.close_checkout(key=key(), checkout_id=opened.id).state is port.PaymentState.CLOSED

    def test_so_are_capture_and_release(self, shop: Shop, wire: Recorder) -> None:
        wire.expanding = False
        for act, state in (("capture", port.PaymentState.CAPTURED), ("release", port.PaymentState.RELEASED)):
            intent_id = shop.paid().intent_id
            assert intent_id
            more = {"amount_minor": AMOUNT} if act == "capture" else {}
            assert getattr(shop.door, act)(key=key(), intent_id=intent_id, **more).state is state


class TestPayments:
    INTENT: dict[str, Any] = {
        "id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "eur", "status": "succeeded",
        "amount_received": 1000,
        "latest_charge": {"id": "ch_1", "status": "succeeded", "amount_refunded": 0, "balance_transaction": {"fee": 7}},
    }  # fmt: skip

    def read(self, **more: Any) -> port.PaymentSeen:
        return reading.payment_of_intent(self.INTENT | more)

    def test_the_least_that_may_be_said(self) -> None:
        assert self.read() == port.PaymentSeen(
            state=port.PaymentState.CAPTURED, amount_minor=1000, currency="EUR", intent_id="pi_1", charge_id="ch_1",
            captured_minor=1000, provider_fee_minor=7, arrived_minor=1000,
        )  # fmt: skip

    def test_a_fee_not_booked_yet(self) -> None:
        charge = self.INTENT["latest_charge"]
        for unknown in (without(charge, "balance_transaction"), charge | {"balance_transaction": None}):
            assert self.read(latest_charge=unknown).provider_fee_minor is None

    @pytest.mark.parametrize("details", [None, {}, {"card": None}, {"card": {}}, {"customer_balance": {}}])
    def test_no_card_has_no_end_of_its_reserve(self, details: Any) -> None:
        charge = self.INTENT["latest_charge"] | {"payment_method_details": details}
        assert self.read(latest_charge=charge).capture_before is None

    def test_a_try_that_failed_leaves_no_charge_to_pay_out_of(self) -> None:
        charge = self.INTENT["latest_charge"] | {"status": "failed"}
        seen = self.read(
            status="requires_payment_method", latest_charge=charge, last_payment_error={"type": "card_error"}
        )
        assert (seen.state, seen.charge_id, seen.failure) == (port.PaymentState.OPEN, None, "card_error")

    @pytest.mark.parametrize(
        ("charge", "state"),
        [(None, port.PaymentState.CLOSED), (INTENT["latest_charge"], port.PaymentState.RELEASED)],
    )
    def test_cancelled_with_or_without_money_reserved(self, charge: Any, state: port.PaymentState) -> None:
        assert self.read(status="canceled", latest_charge=charge).state is state

    @pytest.mark.parametrize("said", [None, {}, {"amount_remaining": None}])
    def test_instructions_that_say_nothing(self, said: Any) -> None:
        next_action = {"type": "x", "display_bank_transfer_instructions": said}
        seen = self.read(status="requires_action", latest_charge=None, next_action=next_action)
        assert (seen.state, seen.arrived_minor) == (port.PaymentState.OPEN, 0)

    @pytest.mark.parametrize("name", ["status", "amount", "currency", "amount_received", "id"])
    def test_what_money_depends_on_must_be_there(self, name: str) -> None:
        with pytest.raises(KeyError):
            reading.payment_of_intent(without(self.INTENT, name))

    def test_a_status_nobody_knows(self) -> None:
        with pytest.raises(ValueError, match="unknown status"):
            self.read(status="teleported", latest_charge=None)

    def test_a_transfer_without_an_account_to_send_to_is_not_open(self) -> None:
        asked = self.INTENT | {"status": "requires_action", "next_action": None}
        with pytest.raises(ValueError, match="no account"):
            reading.bank_transfer(asked, "cus_1")


class TestPublishedExamples:
    """Stripe's own, as they stand, and without everything the description lets be absent."""

    def test_the_payment(self) -> None:
        seen = reading.payment_of_intent(EXAMPLES["payment_intent"])
        assert (seen.state, seen.amount_minor, seen.currency) == (port.PaymentState.OPEN, 1099, "USD")

    def test_the_refund(self) -> None:
        seen = reading.refund_seen(EXAMPLES["refund"])
        assert (seen.state, seen.intent_id, seen.reference, seen.failure) == ("done", None, None, None)

    def test_the_transfer(self) -> None:
        whole = EXAMPLES["transfer"]
        seen = reading.transfer_seen(whole)
        assert (seen.account_id, seen.charge_id, seen.reference) == (whole["destination"], None, None)
        expanded = whole | {"destination": {"id": "acct_1"}, "source_transaction": {"id": "ch_1"}}
        seen = reading.transfer_seen(without(expanded, "metadata", "transfer_group"))
        assert (seen.account_id, seen.charge_id) == ("acct_1", "ch_1")
        with pytest.raises(ValueError, match="nobody"):
            reading.transfer_seen(whole | {"destination": None})

    def test_the_reversal(self) -> None:
        whole = EXAMPLES["transfer_reversal"]
        assert reading.reversal_seen(whole).transfer_id == whole["transfer"]
        assert reading.reversal_seen(whole | {"transfer": {"id": "tr_1"}}).transfer_id == "tr_1"

    def test_the_chargeback(self) -> None:
        whole = EXAMPLES["dispute"]
        seen = reading_books.chargeback_seen(whole)
        assert (seen.state, seen.taken_minor, seen.fee_minor) == (port.ChargebackState.INQUIRY, 0, 0)
        assert (seen.charge_id, seen.intent_id) == (whole["charge"], None)
        bare = without(whole, "evidence_details", "evidence", "metadata", "reason", "payment_intent")
        seen = reading_books.chargeback_seen(bare | {"charge": {"id": "ch_1"}, "status": "under_review"})
        assert (seen.evidence_due, seen.submitted, seen.charge_id) == (None, True, "ch_1")

    @pytest.mark.parametrize(
        "changed",
        [{"balance_transactions": ["txn_1"]}, {"balance_transactions": None}, {"status": "teleported"}],
    )
    def test_a_chargeback_that_does_not_say_what_it_took(self, changed: dict[str, Any]) -> None:
        with pytest.raises((KeyError, TypeError)):
            reading_books.chargeback_seen(EXAMPLES["dispute"] | changed)

    def test_the_payout(self) -> None:
        seen = reading_books.payout_seen(EXAMPLES["payout"])
        assert (seen.state, seen.automatic, seen.arrives, seen.failure) == ("under_way", True, THEN, None)
        assert (
            reading_books.payout_seen(without(EXAMPLES["payout"], "arrival_date", "metadata")).arrives is None
        )

    def test_the_movement(self) -> None:
        whole = EXAMPLES["balance_transaction"]
        seen = reading_books.movement_seen(whole)
        assert (seen.kind, seen.source, seen.amount_minor, seen.created) == (
            "charge",
            whole["source"],
            100,
            THEN,
        )
        unnamed = reading_books.movement_seen(whole | {"source": None, "type": "stripe_fee"})
        assert (unnamed.kind, unnamed.source) == ("fee", whole["id"])
        assert reading_books.movement_seen(whole | {"source": {"id": "ch_9"}}).source == "ch_9"

    @pytest.mark.parametrize(
        ("kind", "about", "read"),
        [
            ("adjustment", "dispute", "chargeback"),
            ("adjustment", "dispute_reversal", "chargeback"),
            ("adjustment", "other_adjustment", "other"),
            ("adjustment", None, "other"),
            ("payment_refund", "refund", "refund"),
            ("topup", "topup", "top_up"),
            ("climate_order_purchase", "climate", "other"),
        ],
    )
    def test_movements_by_kind(self, kind: str, about: str | None, read: str) -> None:
        line = EXAMPLES["balance_transaction"] | {"type": kind, "reporting_category": about}
        assert reading_books.movement_seen(line).kind == read


class TestAccounts:
    @pytest.mark.parametrize(
        "said",
        [
            {}, {"configuration": None}, {"configuration": {"recipient": None}},
            {"configuration": {"recipient": {"capabilities": {"stripe_balance": None}}}, "requirements": None},
        ],
    )  # fmt: skip
    def test_one_that_was_never_to_be_paid(self, said: dict[str, Any]) -> None:
        seen = reading.account_seen({"id": "acct_1", **said})
        assert (seen.payable, seen.asked, seen.country, seen.reference) == (False, (), None, None)
