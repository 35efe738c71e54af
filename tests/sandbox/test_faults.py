"""The fault dial, key by key and event by event; several endpoints, secrets that are replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import stripe
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import sandbox
from sandbox import __main__ as command
from sandbox import faults
from sandbox.store import Endpoint
from tests.clock import FakeClock

from .conftest import AMOUNT, Shop, key


def turn(shop: Shop, name: str, **how: int) -> None:
    with shop.books() as books:
        faults.turn(books.connection, name, **how)


def refund(shop: Shop, charge: str, under: str) -> Any:
    return shop.v1.refunds.create({"charge": charge, "amount": 100}, {"idempotency_key": under})


def made(shop: Shop) -> int:
    return len(shop.v1.refunds.list().data)


class TestRequests:
    def test_a_lost_reply_was_carried_out(self, shop: Shop) -> None:
        charge, under = shop.charge().id, key()
        turn(shop, "lost_reply", next=1)
        with pytest.raises(stripe.APIConnectionError):
            refund(shop, charge, under)
        assert made(shop) == 1
        assert refund(shop, charge, under).id == shop.v1.refunds.list().data[0].id
        assert made(shop) == 1

    def test_an_error_before_did_nothing_and_the_key_is_free(self, shop: Shop) -> None:
        charge, under = shop.charge().id, key()
        turn(shop, "error_before", next=1)
        with pytest.raises(stripe.APIError):
            refund(shop, charge, under)
        assert made(shop) == 0
        refund(shop, charge, under)
        assert made(shop) == 1

    def test_an_error_after_did_it_all_the_same(self, shop: Shop) -> None:
        charge, under = shop.charge().id, key()
        turn(shop, "error_after", next=1)
        with pytest.raises(stripe.APIError):
            refund(shop, charge, under)
        assert made(shop) == 1
        refund(shop, charge, under)
        assert made(shop) == 1

    @pytest.mark.parametrize(("name", "done"), [("kept_error", 0), ("kept_after", 1)])
    def test_an_error_is_kept_under_its_key_for_a_day(self, shop: Shop, name: str, done: int) -> None:
        charge, under = shop.charge().id, key()
        turn(shop, name, next=1)
        for _ in range(3):
            with pytest.raises(stripe.APIError, match="Kept under this key"):
                refund(shop, charge, under)
            assert made(shop) == done
            shop.clock.move(timedelta(hours=11))
        # The key is forgotten a day after, by the platform's clock: the same key does it (again).
        refund(shop, charge, under)
        assert made(shop) == done + 1

    def test_too_many_requests(self, shop: Shop) -> None:
        charge = shop.charge().id
        turn(shop, "busy", next=2)
        for _ in range(2):
            with pytest.raises(stripe.RateLimitError):
                refund(shop, charge, key())
        refund(shop, charge, key())
        assert made(shop) == 1

    def test_away_answers_nobody(self, shop: Shop) -> None:
        turn(shop, "away", permille=1000)
        with pytest.raises(stripe.APIError):
            shop.v1.balance.retrieve()
        with shop.books() as books:
            faults.reset(books.connection)
        shop.v1.balance.retrieve()

    def test_slow_is_slow(self, shop: Shop) -> None:
        turn(shop, "slow", next=1, seconds=1)
        began = time.monotonic()
        shop.customer()
        assert time.monotonic() - began >= 1

    def test_the_packages_own_repetition_survives_it(self, shop: Shop) -> None:
        charge = shop.charge().id
        turn(shop, "lost_reply", next=2)
        client: Any = stripe.StripeClient(
            shop.client._requestor.api_key, max_network_retries=2, base_addresses={"api": shop.at.api}
        )
        client.v1.refunds.create({"charge": charge, "amount": 100})
        assert made(shop) == 1

    def test_another_request_under_the_same_key_is_refused(self, shop: Shop) -> None:
        charge, under = shop.charge().id, key()
        refund(shop, charge, under)
        with pytest.raises(stripe.IdempotencyError):
            shop.v1.refunds.create({"charge": charge, "amount": 101}, {"idempotency_key": under})

    def test_two_hundred_refunds_at_once_never_pass_the_payment(self, shop: Shop) -> None:
        charge = shop.charge().id
        ends: list[str] = []

        def one() -> None:
            try:
                shop.v1.refunds.create({"charge": charge, "amount": 1_000})
                ends.append("made")
            except stripe.InvalidRequestError:
                ends.append("refused")

        threads = [threading.Thread(target=one) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (ends.count("made"), ends.count("refused")) == (AMOUNT // 1_000, 200 - AMOUNT // 1_000)


class TestEvents:
    def waiting(self, shop: Shop) -> list[tuple[str, float]]:
        """What is to be delivered yet, in order, and in how many seconds."""
        with shop.books() as books:
            rows = books.connection.execute(
                "select event->>'type' as type, extract(epoch from next_try - now())::float as wait"
                " from sandbox.deliveries order by made, id"
            ).fetchall()
        return [(row["type"], row["wait"]) for row in rows]

    def test_dropped_but_still_to_be_looked_up(self, shop: Shop) -> None:
        turn(shop, "drop", next=1)
        shop.customer()
        topup = shop.v1.topups.create({"amount": 100, "currency": "eur"})
        assert self.waiting(shop) == []
        (event,) = shop.v1.events.list({"type": "topup.created"}).data
        assert (event.data.object["id"], event.pending_webhooks) == (topup.id, 0)

    def test_twice(self, shop: Shop) -> None:
        turn(shop, "duplicate", next=1)
        shop.v1.topups.create({"amount": 100, "currency": "eur"})
        assert [kind for kind, _ in self.waiting(shop)] == ["topup.created"] * 2
        assert len(shop.v1.events.list().data) == 1

    def test_later(self, shop: Shop) -> None:
        turn(shop, "delay", next=1, seconds=600)
        shop.v1.topups.create({"amount": 100, "currency": "eur"})
        ((_, wait),) = self.waiting(shop)
        assert 590 < wait <= 600

    def test_behind_what_came_after_it(self, shop: Shop) -> None:
        turn(shop, "reorder", next=1)
        charge = shop.charge()
        shop.v1.refunds.create({"charge": charge.id})
        kinds = [kind for kind, _ in self.waiting(shop)]
        assert kinds.index("payment_intent.succeeded") > kinds.index("charge.succeeded")

    def test_the_same_seed_strikes_the_same(self, shop: Shop) -> None:
        def struck(seed: int) -> list[int]:
            with shop.books() as books:
                faults.reset(books.connection, seed)
                faults.turn(books.connection, "drop", permille=300)
                return [n for n in range(200) if faults.strikes(books.connection, "drop")]

        first = struck(7)
        assert first == struck(7)
        assert first != struck(8)
        assert 30 < len(first) < 90

    def test_events_carry_the_key_of_their_request(self, shop: Shop) -> None:
        under = key()
        refund(shop, shop.charge().id, under)
        told = {one.type: one.request.idempotency_key for one in shop.v1.events.list({"limit": 100}).data}
        assert told["refund.created"] == under
        assert told["checkout.session.completed"] is None
        kinds = shop.v1.events.list({"types": ["refund.created", "charge.refunded"]}).data
        assert {one.type for one in kinds} == {"refund.created", "charge.refunded"}


def test_the_command_line(shop: Shop, one_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = one_url.replace("postgresql+psycopg://", "postgresql://", 1)
    command.dial(dsn, ["lost_reply", "--next", "2"])
    command.dial(dsn, ["drop", "--percent", "12.5"])
    said = capsys.readouterr().out
    assert "next 2, 0.0 %" in said
    assert "next 0, 12.5 %" in said
    command.dial(dsn, ["--off", "--seed", "9"])
    said = capsys.readouterr().out
    assert said.startswith("seed 9")
    assert said.count("off") == len(faults.NAMES)
    with pytest.raises(SystemExit):
        command.dial(dsn, ["nonsense"])


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A platform that takes whatever comes: path, signature, body."""
    got: list[tuple[str, str, bytes]] = []

    @Request.application
    def platform(request: Request) -> Response:
        got.append((request.path, request.headers["Stripe-Signature"], request.get_data()))
        return Response(status=200)

    server = make_server("127.0.0.1", 0, platform, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


def test_each_endpoint_gets_its_own_by_its_own_secrets(own_url: str, clock: FakeClock) -> None:
    with listening() as (url, got):
        other = sandbox.create(
            own_url.replace("postgresql+psycopg://", "postgresql://", 1), secret_key="k", public_base="", clock=clock,
            endpoints=(
                Endpoint("first", f"{url}/first", ("whsec_old", "whsec_new")),
                Endpoint("second", f"{url}/second", ("whsec_second",)),
                Endpoint("thin", f"{url}/thin", ("whsec_thin",), thin=True),
            ),
        )  # fmt: skip
        with other.api.store.transaction() as books:
            thing = {"id": "acct_x", "object": "v2.core.account"}
            books.announce("topup.created", thing)
            books.announce_thin("v2.core.account[requirements].updated", thing)
        while other.deliveries.one():
            pass
        other.close()
    assert [path for path, _, _ in got] == ["/first", "/second", "/thin"]
    for path, header, body in got:
        for secret in {"/first": ("whsec_old", "whsec_new"), "/second": ("whsec_second",), "/thin": ("whsec_thin",)}[path]:  # fmt: skip
            stripe.WebhookSignature.verify_header(body.decode(), header, secret, 300)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(got[1][2].decode(), got[1][1], "whsec_old", 300)
    assert (b'"pending_webhooks": 2' in got[0][2], b'"pending_webhooks": 1' in got[1][2]) == (True, True)
    assert b"pending_webhooks" not in got[2][2]
