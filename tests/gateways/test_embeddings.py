"""Encoders: the two small models in process, a server that speaks /v1/embeddings, and which of them serves."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from marketplace.gateways import embeddings_server
from marketplace.gateways.embeddings import EmbeddingsAway, EmbeddingsError, Mean, WrongDimension
from marketplace.gateways.embeddings_choice import ChosenEncoders, Remembering
from marketplace.gateways.embeddings_local import (
    ALONE,
    BOTH,
    PARTS,
    LocalEmbeddings,
    read_means,
    write_means,
)
from marketplace.gateways.embeddings_server import ServerEmbeddings

ODD = ["", " ", "a", "🦆" * 40, "مرحبا بالعالم", "\u202eabc", "\x00\x01", "' OR 1=1 --", "x" * 20_000]


@pytest.fixture(scope="module")
def local() -> LocalEmbeddings:
    return LocalEmbeddings()


def dot(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_both_models_are_joined_each_one_unit_long(local: LocalEmbeddings) -> None:
    assert local.name == BOTH
    ((*vector,),) = (local.encode(["Des capteurs en sous-sol"], "offer", "fr"),)
    (one,) = vector
    assert len(one) == sum(PARTS)
    assert math.hypot(*one[: PARTS[0]]) == pytest.approx(1, abs=1e-5)
    assert math.hypot(*one[PARTS[0] :]) == pytest.approx(1, abs=1e-5)


def test_what_means_the_same_is_near_across_languages(local: LocalEmbeddings) -> None:
    french, english, other = local.encode(
        ["la pile du capteur est vide", "the sensor battery is empty", "le bail du locataire"], "query", "fr"
    )
    assert dot(french[:512], english[:512]) > dot(french[:512], other[:512])


def test_any_text_gets_finite_numbers(local: LocalEmbeddings) -> None:
    for vector in local.encode(ODD, "query", "fr"):
        assert len(vector) == sum(PARTS)
        assert all(map(math.isfinite, vector))
    assert local.encode([], "query", "fr") == []


def test_without_the_second_model_its_places_are_zeros() -> None:
    alone = LocalEmbeddings(both=False)
    assert alone.name == ALONE
    (vector,) = alone.encode(["une pile"], "query", "fr")
    assert not any(vector[PARTS[0] :])
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert not any(alone.means["fr", "short"].vector[PARTS[0] :])


def test_means_are_shipped_for_every_kind(local: LocalEmbeddings) -> None:
    kinds = {"long", "short", "phrase", "whole", "stuck", "title", "for_whom", "sentence"}
    assert set(local.means) == {(language, kind) for language in ("fr", "en") for kind in kinds}
    assert all(len(mean.vector) == sum(PARTS) and mean.count >= 20 for mean in local.means.values())


def test_means_come_back_as_written(tmp_path: Path) -> None:
    file = tmp_path / "means.json"
    write_means(file, {("fr", "long"): Mean(7, (0.5, -0.25))})
    assert read_means(file) == {("fr", "long"): Mean(7, (0.5, -0.25))}
    assert read_means(tmp_path / "none.json") == {}


Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = answer(asked | {"path": self.path, "key": self.headers.get("Authorization")})
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def vectors(asked: dict[str, Any], size: int = 3) -> tuple[int, bytes]:
    """Backwards, as a server may."""
    rows = [{"index": n, "embedding": [float(n + 1)] * size} for n, _ in enumerate(asked["input"])]
    return 200, json.dumps({"data": rows[::-1]}).encode()


def test_a_server_is_asked_in_batches_and_put_in_order(serve: Any) -> None:
    heard: list[dict[str, Any]] = []

    def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
        heard.append(asked)
        return vectors(asked)

    server = ServerEmbeddings(serve(answer), "large", key="k")
    found = server.encode([f"text {n}" for n in range(40)], "offer", "fr")
    assert len(found) == 40
    assert all(math.hypot(*one) == pytest.approx(1) for one in found)
    assert [len(asked["input"]) for asked in heard] == [32, 8]
    assert heard[0]["path"] == "/v1/embeddings"
    assert heard[0]["model"] == "large"
    assert heard[0]["key"] == "Bearer k"
    assert server.name == "server:large"


def test_another_dimension_is_refused_by_name(serve: Any) -> None:
    sizes = iter([3, 4])
    server = ServerEmbeddings(serve(lambda asked: vectors(asked, next(sizes))), "m")
    server.encode(["a"], "query", "fr")
    with pytest.raises(WrongDimension) as refused:
        server.encode(["b"], "query", "fr")
    assert (refused.value.wanted, refused.value.got) == (3, 4)


@pytest.mark.parametrize(
    "status, body",
    [
        (500, b"{}"),
        (401, b"no"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"index": 0}]}'),
        (200, b'{"data": [{"index": 0, "embedding": []}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [0, 0]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": ["x", 1]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": null}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}"),
        (200, b"[" * 200_000),
    ],
)
def test_what_is_no_answer_is_an_error_of_ours(serve: Any, status: int, body: bytes) -> None:
    server = ServerEmbeddings(serve(lambda asked: (status, body)), "m")
    with pytest.raises(EmbeddingsError):
        server.encode(["a"], "query", "fr")


@pytest.fixture
def dripping() -> Iterator[str]:
    """An address where an answer begins at once and comes a byte at a time, for thirty seconds."""
    told = json.dumps({"data": [{"index": 0, "embedding": [1.0] * 40}]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            for byte in told:
                self.wfile.write(bytes([byte]))
                if over.wait(0.15):
                    return

        def log_message(self, *_: Any) -> None:
            pass

    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    over.set()
    server.shutdown()
    server.server_close()


def test_an_answer_that_drips_is_not_waited_for(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings_server, "QUERY_SECONDS", 1.0)
    begun = time.monotonic()
    with pytest.raises(EmbeddingsAway):
        ServerEmbeddings(dripping, "m").encode(["a"], "query", "fr")
    assert time.monotonic() - begun < 10


def test_nobody_at_the_address() -> None:
    with pytest.raises(EmbeddingsAway) as away:
        ServerEmbeddings("http://127.0.0.1:9", "m").encode(["a"], "query", "fr")
    assert away.value.why == "no_answer"


def test_a_server_that_did_not_answer_rests_and_questions_are_remembered(serve: Any) -> None:
    heard: list[int] = []

    def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
        heard.append(len(asked["input"]))
        return vectors(asked) if len(heard) == 1 else (503, b"")

    encoder = Remembering(ServerEmbeddings(serve(answer), "m"))
    first = encoder.encode(["a", "a", "b"], "query", "fr")
    assert encoder.encode(["b", "a"], "query", "fr") == [first[2], first[0]]
    assert heard == [2]
    for _ in range(3):
        with pytest.raises(EmbeddingsAway):
            encoder.encode(["c"], "query", "fr")
    assert heard == [2, 1]


def test_the_settings_choose_and_what_served_before_is_still_in_reach() -> None:
    local = ChosenEncoders()
    assert local.current.name == BOTH
    assert local.named(BOTH) is local.current
    assert local.named("server:large") is None
    assert local.named("another/1") is None
    server = ChosenEncoders("http://127.0.0.1:9", "large")
    assert server.current.name == "server:large"
    assert server.named("server:large") is server.current
    assert server.named(BOTH) is not None
    older = server.named("server:small")
    assert older is not None
    assert older.name == "server:small"
