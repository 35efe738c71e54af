"""The adapter through the official package, over HTTP, to a provider that speaks the wire format."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import stripe

from marketplace.gateways import payments as port
from marketplace.gateways.payments_stripe import API_VERSION, StripePayments
from tests.clock import FakeClock
from tests.provider import WEBHOOK_SECRET, Provider, provider

AMOUNT = 158400
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def at(own_url: str, clock: FakeClock) -> Iterator[Provider]:
    with provider(own_url, clock) as made:
        yield made


def key() -> str:
    return str(uuid.uuid4())


def checkout(
    at: Provider, clock: FakeClock, *, capture: str = "manual", with_key: str | None = None, **more: Any
) -> port.Checkout:
    values: dict[str, Any] = {
        "reference": "ref-1", "amount_minor": AMOUNT, "currency": "EUR", "description": "A session", "locale": "fr",
        "capture": capture, "success_url": "https://site.test/back", "cancel_url": "https://site.test/away",
        "expires_at": int((clock.now + timedelta(minutes=33)).timestamp()), "customer_email": "a@b.example",
        "metadata": {"payment": "p-1"},
    } | more  # fmt: skip
    return at.gateway.open_checkout(key=with_key or key(), **values)


def paid(at: Provider, clock: FakeClock, action: str = "succeed", **more: Any) -> port.PaymentSeen:
    opened = checkout(at, clock, **more)
    at.click(opened.url, action)
    return at.gateway.payment(checkout_id=opened.id)


def account(at: Provider, action: str = "complete") -> str:
    made = at.gateway.create_account(
        key=key(), reference="e01", email="e@x.example", name="Maëlle", country="FR"
    )
    link = at.gateway.onboarding_link(
        key=key(), account_id=made.id, return_url="https://site.test/r", refresh_url="https://site.test/n"
    )
    at.click(link.url, action)
    return made.id


def test_the_version_is_the_packages_own() -> None:
    assert stripe.api_version == API_VERSION


class TestCheckout:
    def test_paid_is_authorised_until_a_week_later(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.OPEN
        assert at.click(opened.url, "succeed") == (303, "https://site.test/back")
        seen = at.gateway.payment(checkout_id=opened.id)
        assert (seen.state, seen.amount_minor, seen.currency) == (port.PaymentState.AUTHORISED, AMOUNT, "EUR")
        assert seen.reference == "ref-1"
        assert seen.capture_before == clock.now + timedelta(days=7)

    def test_declined_stays_open_and_may_be_tried_again(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        at.click(opened.url, "decline")
        seen = at.gateway.payment(checkout_id=opened.id)
        assert (seen.state, seen.failure) == (port.PaymentState.OPEN, "generic_decline")
        at.click(opened.url, "succeed")
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.AUTHORISED

    def test_authentication_may_fail_or_pass(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        status, where = at.click(opened.url, "authenticate")
        assert (status, where.endswith("/authenticate")) == (303, True)
        at.click(f"{opened.url}/authenticate", "fail")
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.OPEN
        at.click(f"{opened.url}/authenticate", "approve")
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.AUTHORISED

    def test_left_it_leads_away_and_stays_open(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        assert at.click(opened.url, "abandon") == (303, "https://site.test/away")
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.OPEN

    def test_it_ends_with_its_time(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        clock.move(timedelta(minutes=34))
        assert at.gateway.payment(checkout_id=opened.id).state is port.PaymentState.CLOSED

    def test_closed_twice_is_closed(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        for _ in range(2):
            assert (
                at.gateway.close_checkout(key=key(), checkout_id=opened.id).state is port.PaymentState.CLOSED
            )

    def test_paid_it_cannot_be_closed_and_says_look(self, at: Provider, clock: FakeClock) -> None:
        opened = checkout(at, clock)
        at.click(opened.url, "succeed")
        with pytest.raises(port.Refused) as refused:
            at.gateway.close_checkout(key=key(), checkout_id=opened.id)
        assert refused.value.look

    def test_automatic_takes_at_once(self, at: Provider, clock: FakeClock) -> None:
        assert paid(at, clock, capture="automatic").state is port.PaymentState.CAPTURED

    def test_an_unknown_page_is_not_found(self, at: Provider) -> None:
        assert at.click(f"{at.site}/checkout/cs_test_nothing", "succeed")[0] == 404


class TestTheSameKey:
    def test_answers_the_same(self, at: Provider, clock: FakeClock) -> None:
        one, same = (checkout(at, clock, with_key="k-1") for _ in range(2))
        assert one.id == same.id

    def test_with_other_parameters_is_a_defect(self, at: Provider, clock: FakeClock) -> None:
        checkout(at, clock, with_key="k-1")
        with pytest.raises(port.Refused) as refused:
            checkout(at, clock, with_key="k-1", amount_minor=1)
        assert refused.value.stop

    def test_captures_once(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock).intent_id
        assert intent
        for _ in range(2):
            at.gateway.capture(key="c-1", intent_id=intent, amount_minor=AMOUNT)
        assert at.gateway.balance().pending == {"EUR": AMOUNT - (AMOUNT * 15 // 1000 + 25)}


class TestMoney:
    def test_captured_knows_the_providers_fee(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock).intent_id
        assert intent
        seen = at.gateway.capture(key=key(), intent_id=intent, amount_minor=AMOUNT)
        assert (seen.state, seen.captured_minor) == (port.PaymentState.CAPTURED, AMOUNT)
        assert seen.provider_fee_minor == AMOUNT * 15 // 1000 + 25

    def test_captured_cannot_be_released(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock, capture="automatic").intent_id
        assert intent
        with pytest.raises(port.Refused) as refused:
            at.gateway.release(key=key(), intent_id=intent)
        assert refused.value.look

    def test_released_is_released(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock).intent_id
        assert intent
        assert at.gateway.release(key=key(), intent_id=intent).state is port.PaymentState.RELEASED

    def test_an_authorisation_that_nobody_took_ends(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock).intent_id
        clock.move(timedelta(days=7))
        assert at.gateway.payment(intent_id=intent).state is port.PaymentState.RELEASED

    def test_failing_at_capture_is_told_by_the_payment(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock, "fail_later").intent_id
        assert intent
        seen = at.gateway.capture(key=key(), intent_id=intent, amount_minor=AMOUNT)
        assert seen.state is port.PaymentState.RELEASED

    def test_refunds_never_pass_the_whole(self, at: Provider, clock: FakeClock) -> None:
        intent = paid(at, clock, capture="automatic").intent_id
        assert intent
        first = at.gateway.refund(key=key(), intent_id=intent, amount_minor=AMOUNT - 100, reference="r1")
        assert (first.state, first.reference) == ("done", "r1")
        with pytest.raises(port.Refused):
            at.gateway.refund(key=key(), intent_id=intent, amount_minor=101, reference="r2")
        at.gateway.refund(key=key(), intent_id=intent, amount_minor=100, reference="r3")
        with pytest.raises(port.Refused) as refused:
            at.gateway.refund(key=key(), intent_id=intent, amount_minor=1, reference="r4")
        assert refused.value.look
        assert {one.reference for one in at.gateway.find(reference="ref-1", intent_id=intent).refunds} == {
            "r1",
            "r3",
        }

    def test_a_transfer_is_found_by_its_reference(self, at: Provider, clock: FakeClock) -> None:
        charge = paid(at, clock, capture="automatic").charge_id
        assert charge
        made = at.gateway.transfer(
            key=key(),
            amount_minor=129600,
            currency="EUR",
            account_id=account(at),
            charge_id=charge,
            reference="ref-1",
        )
        assert at.gateway.find(reference="ref-1").transfers == (made,)
        assert at.gateway.transfer_seen(made.id) == made

    def test_no_transfer_beyond_the_balance_or_to_a_restricted_account(
        self, at: Provider, clock: FakeClock
    ) -> None:
        seen = paid(at, clock, capture="automatic")
        assert seen.charge_id
        assert seen.intent_id
        at.gateway.refund(key=key(), intent_id=seen.intent_id, amount_minor=100000, reference="r1")
        clock.move(timedelta(days=5))  # Settled: from then on a transfer needs available money.
        asked: dict[str, Any] = {
            "amount_minor": 129600,
            "currency": "EUR",
            "charge_id": seen.charge_id,
            "reference": "x",
        }
        for state, reason in (("complete", "balance_insufficient"), ("restrict", "account_restricted")):
            with pytest.raises(port.Unavailable) as refused:
                at.gateway.transfer(key=key(), account_id=account(at, state), **asked)
            assert refused.value.reason == reason


class TestAccounts:
    def test_it_is_payable_once_complete(self, at: Provider) -> None:
        seen = at.gateway.account(account(at))
        assert (seen.payable, seen.country, seen.reference) == (True, "FR", "e01")

    def test_what_is_asked_is_named(self, at: Provider) -> None:
        seen = at.gateway.account(account(at, "ask"))
        assert not seen.payable
        assert seen.asked == ("identity.individual.documents.primary_verification",)

    def test_payouts_of_the_platform_are_manual(self, at: Provider) -> None:
        assert at.gateway.payout_schedule() == "manual"


class TestAccess:
    def test_a_wrong_key_is_an_alarm(self, at: Provider) -> None:
        with pytest.raises(port.Refused) as refused:
            StripePayments("sk_test_wrong", ["x"], api_base=at.api).balance()
        assert refused.value.stop

    def test_nobody_there_is_unknown(self) -> None:
        nobody = StripePayments("sk_test_x", ["x"], api_base="http://127.0.0.1:9")
        with pytest.raises(port.Unknown):
            nobody.balance()

    def test_an_unknown_parameter_is_refused(self, at: Provider, clock: FakeClock) -> None:
        client = at.gateway._client
        with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
            client.v1.refunds.create({"payment_intent": "pi_1", "colour": "red"})  # type: ignore[typeddict-unknown-key]


class TestEvents:
    def signed(self, body: bytes, secret: str = WEBHOOK_SECRET, at: datetime = NOW) -> str:
        stamp = str(int(at.timestamp()))
        return f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, sha256).hexdigest()}"

    def test_the_sandboxs_own_are_read(self, at: Provider, clock: FakeClock) -> None:
        seen = paid(at, clock)
        kinds = {}
        for event in at.events():
            body = json.dumps(event).encode()
            read = at.gateway.parse_event(body, self.signed(body), now=NOW)
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
