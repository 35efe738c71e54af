"""The adapter through the official package, over HTTP, to a provider that speaks the wire format."""

from __future__ import annotations

import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import stripe

from marketplace.gateways import payments as port
from marketplace.gateways.payments_stripe import API_VERSION, StripePayments
from tests.gateways.shop import AMOUNT, FEE, Shop, key
from tests.provider import WEBHOOK_SECRET

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_the_version_is_the_packages_own() -> None:
    assert stripe.api_version == API_VERSION


def test_the_package_is_held_to_the_version_written_against() -> None:
    """Another minor version of it may speak another version of the wire format."""
    wanted = (Path(__file__).parents[2] / "requirements.in").read_text("utf-8")
    assert re.search(r"(?m)^stripe==16\.1\.\*$", wanted)
    assert stripe.VERSION.startswith("16.1.")


class TestCheckout:
    def test_paid_is_authorised_until_a_week_later(self, shop: Shop) -> None:
        opened = shop.checkout()
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.OPEN
        assert shop.at.click(opened.url, "succeed") == (303, "https://site.test/back")
        seen = shop.door.payment(checkout_id=opened.id)
        assert (seen.state, seen.amount_minor, seen.currency) == (port.PaymentState.AUTHORISED, AMOUNT, "EUR")
        assert seen.reference == "ref-1"
        assert seen.capture_before == shop.clock.now + timedelta(days=7)

    def test_declined_stays_open_and_may_be_tried_again(self, shop: Shop) -> None:
        opened = shop.checkout()
        shop.at.click(opened.url, "decline")
        seen = shop.door.payment(checkout_id=opened.id)
        assert (seen.state, seen.failure) == (port.PaymentState.OPEN, "generic_decline")
        shop.at.click(opened.url, "succeed")
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.AUTHORISED

    def test_authentication_may_fail_or_pass(self, shop: Shop) -> None:
        opened = shop.checkout()
        status, where = shop.at.click(opened.url, "authenticate")
        assert (status, where.endswith("/authenticate")) == (303, True)
        shop.at.click(f"{opened.url}/authenticate", "fail")
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.OPEN
        shop.at.click(f"{opened.url}/authenticate", "approve")
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.AUTHORISED

    def test_left_it_leads_away_and_stays_open(self, shop: Shop) -> None:
        opened = shop.checkout()
        assert shop.at.click(opened.url, "abandon") == (303, "https://site.test/away")
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.OPEN

    def test_it_ends_with_its_time(self, shop: Shop) -> None:
        opened = shop.checkout()
        shop.clock.move(timedelta(minutes=34))
        assert shop.door.payment(checkout_id=opened.id).state is port.PaymentState.CLOSED

    def test_closed_twice_is_closed(self, shop: Shop) -> None:
        opened = shop.checkout()
        for _ in range(2):
            assert (
                shop.door.close_checkout(key=key(), checkout_id=opened.id).state is port.PaymentState.CLOSED
            )

    def test_paid_it_cannot_be_closed_and_says_look(self, shop: Shop) -> None:
        opened = shop.checkout()
        shop.at.click(opened.url, "succeed")
        with pytest.raises(port.Refused) as refused:
            shop.door.close_checkout(key=key(), checkout_id=opened.id)
        assert refused.value.look

    def test_automatic_takes_at_once(self, shop: Shop) -> None:
        assert shop.paid(capture="automatic").state is port.PaymentState.CAPTURED

    def test_an_unknown_page_is_not_found(self, shop: Shop) -> None:
        assert shop.at.click(f"{shop.at.site}/checkout/cs_test_nothing", "succeed")[0] == 404


class TestTheSameKey:
    def test_answers_the_same(self, shop: Shop) -> None:
        one, same = (shop.checkout(with_key="k-1") for _ in range(2))
        assert one.id == same.id

    def test_with_other_parameters_is_a_defect(self, shop: Shop) -> None:
        shop.checkout(with_key="k-1")
        with pytest.raises(port.Refused) as refused:
            shop.checkout(with_key="k-1", amount_minor=1)
        assert refused.value.stop

    def test_captures_once(self, shop: Shop) -> None:
        intent = shop.paid().intent_id
        assert intent
        for _ in range(2):
            shop.door.capture(key="c-1", intent_id=intent, amount_minor=AMOUNT)
        assert shop.door.balance().pending == {"EUR": AMOUNT - FEE}


class TestMoney:
    def test_captured_knows_the_providers_fee(self, shop: Shop) -> None:
        intent = shop.paid().intent_id
        assert intent
        seen = shop.door.capture(key=key(), intent_id=intent, amount_minor=AMOUNT)
        assert (seen.state, seen.captured_minor) == (port.PaymentState.CAPTURED, AMOUNT)
        assert seen.provider_fee_minor == FEE

    def test_captured_cannot_be_released(self, shop: Shop) -> None:
        intent = shop.paid(capture="automatic").intent_id
        assert intent
        with pytest.raises(port.Refused) as refused:
            shop.door.release(key=key(), intent_id=intent)
        assert refused.value.look

    def test_released_is_released(self, shop: Shop) -> None:
        intent = shop.paid().intent_id
        assert intent
        assert shop.door.release(key=key(), intent_id=intent).state is port.PaymentState.RELEASED

    def test_an_authorisation_that_nobody_took_ends(self, shop: Shop) -> None:
        intent = shop.paid().intent_id
        shop.clock.move(timedelta(days=7))
        assert shop.door.payment(intent_id=intent).state is port.PaymentState.RELEASED

    def test_failing_at_capture_is_told_by_the_payment(self, shop: Shop) -> None:
        intent = shop.paid("fail_later").intent_id
        assert intent
        seen = shop.door.capture(key=key(), intent_id=intent, amount_minor=AMOUNT)
        assert seen.state is port.PaymentState.RELEASED

    def test_refunds_never_pass_the_whole(self, shop: Shop) -> None:
        intent = shop.paid(capture="automatic").intent_id
        assert intent
        first = shop.door.refund(key=key(), intent_id=intent, amount_minor=AMOUNT - 100, reference="r1")
        assert (first.state, first.reference) == ("done", "r1")
        with pytest.raises(port.Refused):
            shop.door.refund(key=key(), intent_id=intent, amount_minor=101, reference="r2")
        shop.door.refund(key=key(), intent_id=intent, amount_minor=100, reference="r3")
        with pytest.raises(port.Refused) as refused:
            shop.door.refund(key=key(), intent_id=intent, amount_minor=1, reference="r4")
        assert refused.value.look
        assert {one.reference for one in shop.door.find(reference="ref-1", intent_id=intent).refunds} == {
            "r1",
            "r3",
        }

    def test_a_transfer_is_found_by_its_reference(self, shop: Shop) -> None:
        charge = shop.paid(capture="automatic").charge_id
        assert charge
        made = shop.door.transfer(
            key=key(),
            amount_minor=129600,
            currency="EUR",
            account_id=shop.account(),
            charge_id=charge,
            reference="ref-1",
        )
        assert shop.door.find(reference="ref-1").transfers == (made,)
        assert shop.door.transfer_seen(made.id) == made

    def test_no_transfer_beyond_the_balance_or_to_a_restricted_account(self, shop: Shop) -> None:
        seen = shop.paid(capture="automatic")
        assert seen.charge_id
        assert seen.intent_id
        shop.door.refund(key=key(), intent_id=seen.intent_id, amount_minor=100000, reference="r1")
        shop.clock.move(timedelta(days=5))  # Settled: from then on a transfer needs available money.
        asked: dict[str, Any] = {
            "amount_minor": 129600,
            "currency": "EUR",
            "charge_id": seen.charge_id,
            "reference": "x",
        }
        for state, reason in (("complete", "balance_insufficient"), ("restrict", "account_restricted")):
            with pytest.raises(port.Unavailable) as refused:
                shop.door.transfer(key=key(), account_id=shop.account(state), **asked)
            assert refused.value.reason == reason


class TestAccounts:
    def test_it_is_payable_once_complete(self, shop: Shop) -> None:
        seen = shop.door.account(shop.account())
        assert (seen.payable, seen.country, seen.reference) == (True, "FR", "e01")

    def test_what_is_asked_is_named(self, shop: Shop) -> None:
        seen = shop.door.account(shop.account("ask"))
        assert not seen.payable
        assert seen.asked == ("identity.individual.documents.primary_verification",)

    def test_payouts_of_the_platform_are_manual(self, shop: Shop) -> None:
        assert shop.door.payout_schedule() == "manual"


class TestAccess:
    def test_a_wrong_key_is_an_alarm(self, shop: Shop) -> None:
        with pytest.raises(port.Refused) as refused:
            StripePayments("sk_test_wrong", ["x"], api_base=shop.at.api).balance()
        assert refused.value.stop

    def test_nobody_there_is_unknown(self) -> None:
        nobody = StripePayments("sk_test_x", ["x"], api_base="http://127.0.0.1:9")
        with pytest.raises(port.Unknown):
            nobody.balance()

    def test_an_unknown_parameter_is_refused(self, shop: Shop) -> None:
        client = shop.at.gateway._client
        with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
            client.v1.refunds.create({"payment_intent": "pi_1", "colour": "red"})  # type: ignore[arg-type]


class TestEvents:
    def signed(self, body: bytes, secret: str = WEBHOOK_SECRET, at: datetime = NOW) -> str:
        stamp = str(int(at.timestamp()))
        return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, sha256).hexdigest()}"

    def test_the_sandboxs_own_are_read(self, shop: Shop) -> None:
        seen = shop.paid()
        kinds = {}
        for event in shop.at.events():
            body = json.dumps(event).encode()
            read = shop.door.parse_event(body, self.signed(body), now=NOW)
            kinds[read.kind] = read.intent_id
        assert kinds["payment_intent.amount_capturable_updated"] == seen.intent_id
        assert kinds["checkout.session.completed"] == seen.intent_id

    @pytest.mark.parametrize(
        ("body", "secret", "minutes", "reason"),
        [
            (b"{}", "whsec_other", 0, "bad_signature"),
            (b"{}", WEBHOOK_SECRET, -6, "too_old"),
            (b"{}", WEBHOOK_SECRET, 6, "from_the_future"),
            (b"\xff{}", WEBHOOK_SECRET, 0, "bad_encoding"),
            (b"{", WEBHOOK_SECRET, 0, "bad_json"),
            (b"{}", WEBHOOK_SECRET, 0, "bad_shape"),
            (b"x" * (256 * 1024 + 1), WEBHOOK_SECRET, 0, "too_large"),
        ],
    )
    def test_what_is_not_to_be_believed(self, body: bytes, secret: str, minutes: int, reason: str) -> None:
        gateway = StripePayments("sk_test_x", [WEBHOOK_SECRET], api_base="http://127.0.0.1:9")
        signature = self.signed(body, secret, NOW + timedelta(minutes=minutes))
        with pytest.raises(port.NotTrusted) as refused:
            gateway.parse_event(body, signature, now=NOW)
        assert refused.value.reason == reason

    def test_an_altered_byte_breaks_the_signature(self) -> None:
        gateway = StripePayments("sk_test_x", ["whsec_old", WEBHOOK_SECRET], api_base="http://127.0.0.1:9")
        with pytest.raises(port.NotTrusted) as refused:
            gateway.parse_event(b'{"a":2}', self.signed(b'{"a":1}'), now=NOW)
        assert refused.value.reason == "bad_signature"
