"""The circuit breaker: a provider that does not answer is asked no more for a while, and then once."""

from __future__ import annotations

import socket
import threading

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from marketplace.gateways.payments import Refused, Unavailable, Unknown
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.gateways.payments_stripe.breaker import MOST_UNANSWERED, PAUSE_SECONDS, Breaker


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100

    def __call__(self) -> int:
        return self.now * 1_000_000_000


def test_it_opens_after_so_many_and_lets_one_through_after_the_pause() -> None:
    clock = Hands()
    breaker = Breaker(clock)
    for _ in range(MOST_UNANSWERED):
        assert breaker.may_ask()
        breaker.unanswered()
    assert not breaker.may_ask()
    clock.now += PAUSE_SECONDS
    assert [breaker.may_ask() for _ in range(3)] == [True, False, False]
    breaker.unanswered()
    assert not breaker.may_ask()
    clock.now += PAUSE_SECONDS
    assert breaker.may_ask()
    breaker.answered()
    assert all(breaker.may_ask() for _ in range(20))


def test_an_answer_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(Hands())
    for _ in range(MOST_UNANSWERED - 1):
        breaker.unanswered()
    breaker.answered()
    breaker.unanswered()
    assert breaker.may_ask()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_nobody_there_is_unknown_then_paused_without_a_request() -> None:
    """Through the real package: "it may have happened" while it was asked, "nothing was sent" once it pauses."""
    port = free_port()
    gateway = StripePayments("sk_test_x", ["whsec_x"], api_base=f"http://127.0.0.1:{port}")
    with pytest.raises(Unknown):
        gateway.balance()  # Three requests: the package repeats twice.
    with pytest.raises(Unknown):
        gateway.balance()
    asked: list[str] = []

    def answer(environ, start_response):  # type: ignore[no-untyped-def]
        asked.append(environ["PATH_INFO"])
        return Response("{}", 200, mimetype="application/json")(environ, start_response)

    server = make_server("127.0.0.1", port, answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(Unavailable) as paused:
            gateway.balance()
    finally:
        server.shutdown()
        server.server_close()
    assert (paused.value.reason, paused.value.new_key, asked) == ("paused", False, [])


def test_a_refusal_is_an_answer() -> None:
    def refuse(environ, start_response):  # type: ignore[no-untyped-def]
        body = '{"error": {"type": "invalid_request_error", "message": "No."}}'
        return Response(body, 400, mimetype="application/json")(environ, start_response)

    server = make_server("127.0.0.1", 0, refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gateway = StripePayments("sk_test_x", ["whsec_x"], api_base=f"http://127.0.0.1:{server.server_port}")
    try:
        for _ in range(MOST_UNANSWERED + 2):
            with pytest.raises(Refused):
                gateway.balance()
    finally:
        server.shutdown()
        server.server_close()
