"""Every call of the payment door, made over HTTP: what is asked is held to Stripe's published description
and to the package's own classes by this test itself, whatever the provider at the other end lets pass.

`CALLS` is the list; a method of the Protocol that is not in it fails, as does an operation that the
adapter's source asks and no test makes.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from marketplace.gateways import payments as port
from marketplace.gateways import payments_stripe as adapter
from tests.gateways import described
from tests.gateways.recording import Recorder, Request
from tests.gateways.shop import AMOUNT, REFERENCE, Shop, key
from tests.provider import SECRET_KEY
from tools.stripe_operations import OPERATIONS as COPIED
from tools.stripe_operations import digest

LABELS = {"booking": "B-7"}
Call = Callable[[], object]
# The port's method → what makes it ready, and the calls of it with each of its parameters at least once.
CALLS: dict[str, Callable[[Shop], Iterator[Call]]] = {}


def call_of(method: str) -> Callable[[Callable[[Shop], Iterator[Call]]], Callable[[Shop], Iterator[Call]]]:
    def kept(made: Callable[[Shop], Iterator[Call]]) -> Callable[[Shop], Iterator[Call]]:
        CALLS[method] = made
        return made

    return kept


@call_of("create_account")
def _create_account(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.door.create_account(
        key=key(), reference="e01", email="e@x.example", name="Maëlle", country="US"
    )


@call_of("account")
def _account(shop: Shop) -> Iterator[Call]:
    account_id = shop.account()
    yield lambda: shop.door.account(account_id)


@call_of("onboarding_link")
def _onboarding_link(shop: Shop) -> Iterator[Call]:
    account_id = shop.account()
    yield lambda: shop.door.onboarding_link(
        key=key(), account_id=account_id, return_url="https://site.test/r", refresh_url="https://site.test/n"
    )


@call_of("dashboard_link")
def _dashboard_link(shop: Shop) -> Iterator[Call]:
    account_id = shop.account()
    yield lambda: shop.door.dashboard_link(key=key(), account_id=account_id)


@call_of("open_checkout")
def _open_checkout(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.checkout()
    yield lambda: shop.checkout(capture="automatic", locale="en", customer_email=None, metadata=None)


@call_of("close_checkout")
def _close_checkout(shop: Shop) -> Iterator[Call]:
    opened = shop.checkout()
    yield lambda: shop.door.close_checkout(key=key(), checkout_id=opened.id)
    yield lambda: shop.door.close_checkout(key=key(), checkout_id=opened.id)


@call_of("open_bank_transfer")
def _open_bank_transfer(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.bank_transfer()
    customer_id = shop.bank_transfer().customer_id
    yield lambda: shop.bank_transfer(customer_id=customer_id, country="FR", metadata=None)


@call_of("capture")
def _capture(shop: Shop) -> Iterator[Call]:
    intent_id = shop.paid().intent_id
    assert intent_id
    yield lambda: shop.door.capture(key=key(), intent_id=intent_id, amount_minor=AMOUNT)


@call_of("release")
def _release(shop: Shop) -> Iterator[Call]:
    intent_id = shop.paid().intent_id
    assert intent_id
    yield lambda: shop.door.release(key=key(), intent_id=intent_id)


@call_of("refund")
def _refund(shop: Shop) -> Iterator[Call]:
    intent_id, _ = shop.taken()
    yield lambda: shop.refund(intent_id)
    yield lambda: shop.refund(intent_id, metadata=LABELS)


@call_of("transfer")
def _transfer(shop: Shop) -> Iterator[Call]:
    (_, charge_id), account_id = shop.taken(), shop.account()
    yield lambda: shop.transfer(charge_id, account_id=account_id)
    yield lambda: shop.transfer(charge_id, account_id=account_id, metadata=LABELS)


@call_of("reverse_transfer")
def _reverse_transfer(shop: Shop) -> Iterator[Call]:
    made = shop.transfer(shop.taken()[1])
    yield lambda: shop.door.reverse_transfer(key=key(), transfer_id=made.id, amount_minor=1)
    yield lambda: shop.door.reverse_transfer(
        key=key(), transfer_id=made.id, amount_minor=2, reference="r-1", metadata=LABELS
    )


@call_of("payment")
def _payment(shop: Shop) -> Iterator[Call]:
    seen = shop.paid()
    yield lambda: shop.door.payment(intent_id=seen.intent_id)
    yield lambda: shop.door.payment(checkout_id=seen.checkout_id)


@call_of("refund_seen")
def _refund_seen(shop: Shop) -> Iterator[Call]:
    made = shop.refund(shop.taken()[0])
    yield lambda: shop.door.refund_seen(made.id)


@call_of("transfer_seen")
def _transfer_seen(shop: Shop) -> Iterator[Call]:
    made = shop.transfer(shop.taken()[1])
    yield lambda: shop.door.transfer_seen(made.id)


@call_of("find")
def _find(shop: Shop) -> Iterator[Call]:
    intent_id, _ = shop.taken()
    yield lambda: shop.door.find(reference=REFERENCE)
    yield lambda: shop.door.find(reference=REFERENCE, intent_id=intent_id)


@call_of("submit_evidence")
def _submit_evidence(shop: Shop) -> Iterator[Call]:
    contested = shop.contested(shop.taken()[1])
    every = {name: "x" * most for name, most in port.EVIDENCE_FIELDS.items() if most == 5_000}
    yield lambda: shop.door.submit_evidence(
        key=key(), chargeback_id=contested, evidence=every, submit=False, reference=REFERENCE, metadata=LABELS
    )
    long = {name: "x" for name, most in port.EVIDENCE_FIELDS.items() if most > 5_000}
    long["uncategorized_text"] *= port.EVIDENCE_FIELDS["uncategorized_text"]
    yield lambda: shop.door.submit_evidence(key=key(), chargeback_id=contested, evidence=long, submit=True)


@call_of("chargeback")
def _chargeback(shop: Shop) -> Iterator[Call]:
    contested = shop.contested(shop.taken()[1])
    yield lambda: shop.door.chargeback(contested)


@call_of("chargebacks")
def _chargebacks(shop: Shop) -> Iterator[Call]:
    intent_id, _ = shop.taken()
    yield lambda: shop.door.chargebacks()
    yield lambda: shop.door.chargebacks(intent_id=intent_id, since=shop.clock.now)


@call_of("pay_out")
def _pay_out(shop: Shop) -> Iterator[Call]:
    shop.taken()
    yield lambda: shop.pay_out()
    yield lambda: shop.pay_out(metadata={"month": "2026-10"})


@call_of("payout")
def _payout(shop: Shop) -> Iterator[Call]:
    shop.taken()
    made = shop.pay_out()
    yield lambda: shop.door.payout(made.id)


@call_of("payouts")
def _payouts(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.door.payouts(since=shop.clock.now)


@call_of("movements")
def _movements(shop: Shop) -> Iterator[Call]:
    yield lambda: list(shop.door.movements(since=shop.clock.now))
    yield lambda: list(shop.door.movements(since=shop.clock.now, until=shop.clock.now + timedelta(days=1)))


@call_of("payout_schedule")
def _payout_schedule(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.door.payout_schedule()


@call_of("balance")
def _balance(shop: Shop) -> Iterator[Call]:
    yield lambda: shop.door.balance()


METHODS = [
    name for name, _ in inspect.getmembers(port.Payments, inspect.isfunction) if not name.startswith("_")
]
# It calls nobody; tests/web/test_webhooks.py and test_payments_events.py are its own.
SILENT = {"parse_event"}


@pytest.mark.parametrize("method", sorted(set(METHODS) - SILENT))
def test_it_asks_as_the_description_has_it(shop: Shop, wire: Recorder, method: str) -> None:
    for call in CALLS[method](shop):
        wire.requests.clear()
        call()
        assert wire.requests
        for request in wire.requests:
            assert described.faults(request) == [], (method, request)
            _asked_by_us(request)


def _asked_by_us(request: Request) -> None:
    """What stands beside the parameters: our key, the version written against, a key for what changes."""
    assert request.headers["authorization"] == f"Bearer {SECRET_KEY}"
    assert request.headers["stripe-version"] == adapter.API_VERSION == stripe.api_version
    assert ("idempotency-key" in request.headers) == (request.method == "POST")
    assert "stripe-account" not in request.headers
    assert "x-stripe-client-telemetry" not in request.headers


def test_each_method_of_the_port_is_made() -> None:
    assert set(CALLS) == set(METHODS) - SILENT


def test_each_parameter_of_the_port_is_given() -> None:
    """A parameter that no call above gives was never held to anything."""
    given = {
        name: {
            word.arg
            for node in ast.walk(ast.parse(inspect.getsource(made)))
            if isinstance(node, ast.Call)
            for word in node.keywords
        }
        | _SHOPS.get(name, set())
        for name, made in CALLS.items()
    }
    for name in CALLS:
        asked = inspect.signature(getattr(port.Payments, name)).parameters.values()
        named = {one.name for one in asked if one.kind is one.KEYWORD_ONLY}
        assert named <= given[name], (name, named - given[name])


# What the shop gives each time for the calls made through it.
_SHOPS = {
    "open_checkout": {
        "key", "reference", "amount_minor", "currency", "description", "success_url", "cancel_url", "expires_at",
    },
    "open_bank_transfer": {"key", "reference", "amount_minor", "currency", "name", "email", "description"},
    "refund": {"key", "intent_id", "amount_minor", "reference"},
    "transfer": {"key", "amount_minor", "currency", "charge_id", "reference"},
    "pay_out": {"key", "amount_minor", "currency", "reference"},
}  # fmt: skip


def test_each_operation_the_source_asks_is_made(shop: Shop, wire: Recorder) -> None:
    made = set()
    for calls in CALLS.values():
        for call in calls(shop):
            call()
    wire.expanding = False
    intent_id, _ = shop.taken()
    shop.door.payment(intent_id=intent_id)
    made = {described.operation_of(request) for request in wire.requests}
    assert made == {described.CALLED[called] for called in _called_in_source()}
    assert made == set(described.OPERATIONS)
    assert made - described.NEWER == set(COPIED) == set(described.PUBLISHED)


def _called_in_source() -> set[str]:
    """`self._client.v1.refunds.create(…)` and the like, wherever the adapter says it."""
    found = set()
    for file in Path(str(adapter.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called == "self._client.raw_request":
                assert [ast.literal_eval(one) for one in node.args] == ["get", "/v1/balance_settings"]
                found.add("v1.balance_settings.retrieve")
            elif re.fullmatch(r"self\._client(\.\w+)+", called):
                found.add(called.removeprefix("self._client."))
    return found


def test_every_object_bears_our_reference(shop: Shop, wire: Recorder) -> None:
    intent_id, charge_id = shop.taken()
    contested = shop.contested(shop.taken()[1])
    wire.requests.clear()
    shop.checkout(metadata=LABELS)
    shop.bank_transfer()
    shop.refund(intent_id, metadata=LABELS)
    made = shop.transfer(charge_id, metadata=LABELS)
    shop.door.reverse_transfer(
        key=key(), transfer_id=made.id, amount_minor=2, reference="r-1", metadata=LABELS
    )
    shop.door.submit_evidence(
        key=key(), chargeback_id=contested, evidence={"service_date": "1 December"}, submit=False,
        reference=REFERENCE, metadata=LABELS,
    )  # fmt: skip
    shop.pay_out(metadata=LABELS)
    for request in wire.requests:
        if request.method == "GET" or request.path.endswith("account_links"):
            continue
        assert request.given["metadata"]["reference"], request
        if request.path == "/v1/checkout/sessions":
            assert request.given["payment_intent_data"]["metadata"] == {"reference": REFERENCE, **LABELS}
    seen = shop.door.chargeback(contested)
    assert seen.reference == REFERENCE


def test_labels_never_take_the_place_of_our_reference(shop: Shop) -> None:
    intent_id, _ = shop.taken()
    assert shop.refund(intent_id, reference="r-9", metadata={"reference": "else"}).reference == "r-9"


def test_an_experts_balance_is_asked_in_their_name(shop: Shop, wire: Recorder) -> None:
    account_id = shop.account()
    shop.door.balance(account_id)
    assert wire.requests[-1].headers["stripe-account"] == account_id
    assert described.faults(wire.requests[-1]) == []


class TestTheCopy:
    """What these tests hold requests to is what was published (tools/stripe_operations.py compares)."""

    def test_is_as_it_was_written(self) -> None:
        assert described.COPY["sha256"] == digest(described.PUBLISHED)

    @pytest.mark.parametrize(
        ("changed", "fault"),
        [
            ({"colour": "red"}, "colour is unknown"),
            ({"metadata": {"a": {"b": "c"}}}, "no string"),
            ({"amount": "1.5"}, "no integer"),
            ({"currency": None}, "currency"),
            ({"source_type": "gold"}, "none of"),
            ({"description": "x" * 5001}, "longer"),
            ({"expand": {"1": "a"}}, "no list"),
        ],
    )
    def test_can_fail(self, changed: dict[str, Any], fault: str) -> None:
        fit = {"amount": "1", "currency": "eur", "destination": "acct_1"}
        request = Request("POST", "/v1/transfers", {}, fit)
        assert described.faults(request) == []
        given = {name: value for name, value in (fit | changed).items() if value is not None}
        assert any(fault in one for one in described.faults(Request("POST", "/v1/transfers", {}, given)))

    def test_so_can_the_package(self) -> None:
        request = Request("POST", "/v2/core/accounts", {}, {"dashboard": "gold", "colour": 1})
        assert len(described.faults(request)) == 2
