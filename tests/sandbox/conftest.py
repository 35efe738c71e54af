"""The provider on a port of its own, asked by the `stripe` package itself."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox import balance, clockwork
from sandbox.store import Books
from tests import database as databases
from tests.clock import START, FakeClock
from tests.provider import SECRET_KEY, Provider, provider

AMOUNT = 152_640
FEE = 2_315


class Shop:
    """A platform that knows nothing of ours: the package, a clock, and the buyer's and the bank's clicks."""

    def __init__(self, at: Provider, clock: FakeClock) -> None:
        self.at, self.clock = at, clock
        self.client: Any = stripe.StripeClient(
            SECRET_KEY,
            max_network_retries=0,
            base_addresses={"api": at.api, "connect": at.api, "files": at.api},
        )
        self.v1: Any = self.client.v1

    @contextmanager
    def books(self) -> Iterator[Books]:
        """The provider's own books, as its pages change them."""
        with self.at.sandbox.api.store.transaction() as books:
            yield books

    def does(self, act: Callable[..., Any], kind: str, object_id: Any, *values: Any, **named: Any) -> Any:
        """Something the provider does with one of its objects."""
        with self.books() as books:
            return act(books, books.must(kind, object_id), *values, **named)

    def session(self, amount: int = AMOUNT, capture: str = "automatic", **more: Any) -> Any:
        """A page to pay on."""
        price: dict[str, Any] = {
            "currency": "eur",
            "unit_amount": amount,
            "product_data": {"name": "A session"},
        }
        return self.v1.checkout.sessions.create({
            "mode": "payment", "line_items": [{"quantity": 1, "price_data": price}],
            "payment_intent_data": {"capture_method": capture, "transfer_group": "g", "metadata": {"reference": "r"}},
            "success_url": "https://site.test/b", "cancel_url": "https://site.test/c", **more,
        })  # fmt: skip

    def paid(self, amount: int = AMOUNT, capture: str = "automatic") -> Any:
        """A payment the buyer has made; its intent with its charge."""
        session = self.session(amount, capture)
        self.at.click(session.url, "succeed")
        intent_id = self.v1.checkout.sessions.retrieve(session.id).payment_intent
        return self.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})

    def charge(self, amount: int = AMOUNT) -> Any:
        """What was taken at once."""
        return self.paid(amount).latest_charge

    def account(self, action: str = "complete") -> str:
        """An expert's account after onboarding."""
        made = self.client.v2.core.accounts.create({
            "contact_email": "e@x.example", "display_name": "E", "dashboard": "express", "identity": {"country": "FR"},
            "configuration": {"recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}},
        })  # fmt: skip
        link = self.client.v2.core.account_links.create({
            "account": made.id, "use_case": {"type": "account_onboarding", "account_onboarding": {
                "return_url": "https://site.test/r", "refresh_url": "https://site.test/again"}},
        })  # fmt: skip
        self.at.click(link.url, action)
        return str(made.id)

    def customer(self, **more: Any) -> Any:
        """Somebody who pays by bank transfer."""
        return self.v1.customers.create({"name": "Buyer SA", "email": "buyer@x.example", **more})

    def transfer_asked(self, customer_id: str, amount: int = AMOUNT, country: str = "DE") -> Any:
        """A payment by bank transfer that waits for its money."""
        return self.v1.payment_intents.create({
            "amount": amount, "currency": "eur", "customer": customer_id, "confirm": True,
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {
                "type": "eu_bank_transfer", "eu_bank_transfer": {"country": country}}}},
            "metadata": {"reference": "r"},
        })  # fmt: skip

    def balance(self) -> tuple[int, int]:
        """Available and pending."""
        seen = self.v1.balance.retrieve()
        return seen.available[0].amount, seen.pending[0].amount

    def settle(self) -> None:
        """What is pending is available from now on."""
        with self.books() as books:
            balance.settle_now(books)

    def later(self, **by: float) -> None:
        """Time passes, and does what it does."""
        self.clock.move(timedelta(**by))
        with self.books() as books:
            while clockwork.let_all_time_act(books):
                pass

    def told(self) -> list[str]:
        """What was announced, oldest first."""
        return [event["type"] for event in self.at.events()]

    def until(self, ready: Callable[[], bool], seconds: float = 10) -> None:
        """Wait for what another thread does."""
        ends = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < ends, "it never came"
            time.sleep(0.02)


def key() -> str:
    return str(uuid.uuid4())


def code(refused: pytest.ExceptionInfo[stripe.StripeError]) -> str | None:
    """The code in the answer's own body."""
    body: Any = refused.value.json_body
    found: str | None = body["error"].get("code")
    return found


@pytest.fixture(scope="package")
def one_url(template: tuple[str, str]) -> Iterator[str]:
    """A database of the provider's own, for all tests here."""
    with databases.own_database(template[0], None) as url:
        yield url


@pytest.fixture(scope="package")
def one_provider(one_url: str) -> Iterator[tuple[Provider, FakeClock]]:
    """One for all tests here; its clock is set anew for each."""
    clock = FakeClock()
    with provider(one_url, clock) as made:
        yield made, clock


@pytest.fixture
def shop(one_provider: tuple[Provider, FakeClock]) -> Shop:
    made, clock = one_provider
    clock.now = START
    made.sandbox.api.store.forget()
    return Shop(made, clock)
