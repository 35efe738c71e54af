"""The provider by itself: what it refuses, what it keeps, what it does unasked."""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from marketplace.gateways import payments as port
from sandbox import balance
from tests.clock import FakeClock
from tests.provider import SECRET_KEY, Provider, provider


@pytest.fixture
def at(own_url: str, clock: FakeClock) -> Iterator[Provider]:
    with provider(own_url, clock) as made:
        yield made


def key() -> str:
    return str(uuid.uuid4())


def ask(base: str, method: str, path: str, body: bytes = b"") -> int:
    """The status of a request that no honest client makes."""
    where = urlsplit(base)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
    kind = "application/json" if path.startswith("/v2") else "application/x-www-form-urlencoded"
    connection.request(method, path, body, {"Authorization": f"Bearer {SECRET_KEY}", "Content-Type": kind})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def checkout(
    at: Provider, clock: FakeClock, reference: str = "ref", capture: str = "automatic"
) -> port.Checkout:
    return at.gateway.open_checkout(
        key=key(), reference=reference, amount_minor=152640, currency="EUR", description="A session", locale="fr",
        capture=capture, success_url="https://site.test/b", cancel_url="https://site.test/c",
        expires_at=int((clock.now + timedelta(minutes=33)).timestamp()),
    )  # fmt: skip


def taken(at: Provider, clock: FakeClock, reference: str = "ref") -> port.PaymentSeen:
    opened = checkout(at, clock, reference)
    at.click(opened.url, "succeed")
    return at.gateway.payment(checkout_id=opened.id)


def account(at: Provider) -> tuple[str, str]:
    made = at.gateway.create_account(key=key(), reference="e", email="e@x.example", name="E", country="FR")
    return made.id, link(at, made.id)


def link(at: Provider, account_id: str) -> str:
    return at.gateway.onboarding_link(
        key=key(),
        account_id=account_id,
        return_url="https://site.test/r",
        refresh_url="https://site.test/again",
    ).url


def settle(at: Provider) -> None:
    """What is pending is available from now on."""
    with at.sandbox.api.store.transaction() as books:
        balance.settle_now(books)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/checkout/sessions", b"success_url=x&mode=payment"),
        ("POST", "/v1/checkout/sessions", b"success_url=x&line_items=3"),
        ("POST", "/v1/checkout/sessions", b"success_url=x&line_items[0]=3"),
        ("POST", "/v1/checkout/sessions", b"success_url=x&line_items[0][price_data]=3"),
        ("POST", "/v1/refunds", b"payment_intent=%00"),
        ("POST", "/v1/refunds", b"payment_intent[a]=1"),
        ("POST", "/v1/refunds", b"payment_intent=pi_x&reason=boredom"),
        ("POST", "/v1/transfers", b"currency=eur&destination=x"),
        ("GET", "/v1/refunds?limit=a", b""),
        ("POST", "/v2/core/accounts", b'{"contact_email":"\\u0000"}'),
        ("POST", "/v2/core/accounts", b'{"contact_email":"\\ud800"}'),
        ("POST", "/v2/core/accounts", b"[1]"),
        ("POST", "/v2/core/accounts", b"\xff"),
        ("POST", "/v2/core/accounts", b"[" * 100_000),
        ("POST", "/v2/core/account_links", b'{"account": {"a": 1}}'),
    ],
)
def test_what_cannot_be_read_is_refused(at: Provider, method: str, path: str, body: bytes) -> None:
    assert 400 <= ask(at.api, method, path, body) < 500


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/checkout/%00", 404),
        ("GET", "/onboarding/%00", 404),
        ("GET", "/checkout/%FF", 404),
        ("POST", "/checkout/cs_test_nothing/authenticate", 404),
        ("PUT", "/checkout/cs_test_nothing/authenticate", 405),
    ],
)
def test_no_page_breaks(at: Provider, method: str, path: str, status: int) -> None:
    assert ask(at.site, method, path) == status


def test_the_fee_is_the_worked_examples(at: Provider, clock: FakeClock) -> None:
    assert taken(at, clock).provider_fee_minor == 2315


def test_a_refusal_stays_under_its_key_and_a_new_key_is_a_new_try(at: Provider, clock: FakeClock) -> None:
    charge = taken(at, clock).charge_id
    account_id, page = account(at)
    at.click(page, "complete")
    # One cent more than what the fee left.
    asked: dict[str, Any] = {
        "amount_minor": 152640 - 2315 + 1, "currency": "EUR", "account_id": account_id, "charge_id": charge,
        "reference": "ref",
    }  # fmt: skip
    settle(at)
    with pytest.raises(port.Unavailable, match="balance_insufficient"):
        at.gateway.transfer(key="one", **asked)
    taken(at, clock, "other")
    settle(at)
    with pytest.raises(port.Unavailable, match="balance_insufficient"):
        at.gateway.transfer(key="one", **asked)
    assert at.gateway.transfer(key="two", **asked).amount_minor == asked["amount_minor"]


def test_a_refused_parameter_leaves_its_key_free(at: Provider, clock: FakeClock) -> None:
    with pytest.raises(port.Refused):
        at.gateway.refund(key="one", intent_id="pi_nothing", amount_minor=1, reference="r")
    intent = taken(at, clock).intent_id
    assert intent
    assert at.gateway.refund(key="one", intent_id=intent, amount_minor=1, reference="r").state == "done"


def test_a_transfer_comes_back_in_parts_and_never_more(at: Provider, clock: FakeClock) -> None:
    charge = taken(at, clock).charge_id
    account_id, page = account(at)
    at.click(page, "complete")
    before = at.gateway.balance().available["EUR"]
    assert charge
    made = at.gateway.transfer(
        key=key(), amount_minor=1000, currency="EUR", account_id=account_id, charge_id=charge, reference="ref"
    )
    at.gateway.reverse_transfer(key=key(), transfer_id=made.id, amount_minor=600)
    with pytest.raises(port.Refused):
        at.gateway.reverse_transfer(key=key(), transfer_id=made.id, amount_minor=401)
    at.gateway.reverse_transfer(key=key(), transfer_id=made.id, amount_minor=400)
    assert at.gateway.transfer_seen(made.id).reversed_minor == 1000
    assert at.gateway.balance().available["EUR"] == before


def test_an_onboarding_link_is_for_one_use_within_minutes(at: Provider, clock: FakeClock) -> None:
    account_id, page = account(at)
    assert at.click(page, "ask") == (303, "https://site.test/r")
    assert at.gateway.account(account_id).asked == ("identity.individual.documents.primary_verification",)
    assert at.click(page, "complete") == (303, "https://site.test/again")
    late = link(at, account_id)
    clock.move(timedelta(minutes=6))
    assert at.click(late, "complete") == (303, "https://site.test/again")
    assert not at.gateway.account(account_id).payable


def test_more_may_be_asked_of_a_complete_account(at: Provider) -> None:
    account_id, page = account(at)
    at.click(page, "complete")
    assert at.gateway.account(account_id).payable
    at.click(link(at, account_id), "ask")
    seen = at.gateway.account(account_id)
    assert (seen.payable, seen.asked) == (False, ("identity.individual.documents.primary_verification",))


def test_what_runs_out_is_told_though_nobody_looks(at: Provider, clock: FakeClock) -> None:
    checkout(at, clock, "left")
    opened = checkout(at, clock, "reserved", "manual")
    at.click(opened.url, "succeed")
    clock.move(timedelta(days=8))
    until = time.monotonic() + 5
    while time.monotonic() < until:
        told = {event["type"] for event in at.events()}
        if {"checkout.session.expired", "payment_intent.canceled"} <= told:
            return
        time.sleep(0.05)
    pytest.fail(f"only told: {told}")


def test_events_show_nothing_of_the_providers_own(at: Provider, clock: FakeClock) -> None:
    taken(at, clock)
    shown = [event["data"]["object"] for event in at.events()]
    assert shown
    assert not [name for about in shown for name in about if name.startswith("_")]


def test_a_slow_platform_locks_nothing_and_is_asked_again(own_url: str, clock: FakeClock) -> None:
    got: list[str] = []
    go_on = threading.Event()

    @Request.application
    def platform(request: Request) -> Response:
        got.append(request.get_json()["id"])
        go_on.wait(5)
        return Response(status=500 if len(got) == 1 else 200)

    server = make_server("127.0.0.1", 0, platform, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        with provider(own_url, clock, f"http://127.0.0.1:{server.server_port}/hook") as at:
            opened = checkout(at, clock)
            threading.Thread(target=at.click, args=(opened.url, "decline"), daemon=True).start()
            until = time.monotonic() + 5
            while not got and time.monotonic() < until:
                time.sleep(0.02)
            # The delivery waits for the platform; its row can be had all the same.
            with at.sandbox.api.store.transaction() as books:
                books.connection.execute("select 1 from sandbox.deliveries for update nowait")
            go_on.set()
            while got.count(got[0]) < 2 and time.monotonic() < until + 5:
                time.sleep(0.05)
            assert got.count(got[0]) == 2
    finally:
        server.shutdown()
        server.server_close()
