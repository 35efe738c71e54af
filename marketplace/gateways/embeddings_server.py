"""Any server that speaks the usual `/v1/embeddings`, for those who run a larger model (docs/operations.md)."""

from __future__ import annotations

import http.client
import json
import math
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from .embeddings import EmbeddingsAway, Mean, Side, Vector, WrongDimension

# A reader waits for the first, a job for as long as it takes.
QUERY_SECONDS, OFFER_SECONDS = 3.0, 60.0
AT_ONCE = 32
LONGEST = 8_000
MOST_BYTES = 64_000_000
MOST_DIMENSIONS = 4_000  # What a halfvec holds.
PREFIX = "server:"


class ServerEmbeddings:
    """One model of one server. The first answer fixes the dimension; another one is refused by name."""

    parts: tuple[int, ...] = ()

    def __init__(
        self, url: str, model: str, *, key: str = "", means: Mapping[tuple[str, str], Mean] | None = None
    ) -> None:
        self._url = urlsplit(url)
        self._model = model
        self._key = key
        self._dimension = 0
        self.means: Mapping[tuple[str, str], Mean] = means or {}

    @property
    def name(self) -> str:
        return PREFIX + self._model

    def encode(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        found: list[Vector] = []
        for start in range(0, len(texts), AT_ONCE):
            some = [text[:LONGEST] for text in texts[start : start + AT_ONCE]]
            found += self._ask(some, QUERY_SECONDS if side == "query" else OFFER_SECONDS)
        return found

    def _ask(self, texts: Sequence[str], seconds: float) -> list[Vector]:
        answer = self._post({"model": self._model, "input": list(texts), "encoding_format": "float"}, seconds)
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            if [row["index"] for row in rows] != list(range(len(texts))):
                raise EmbeddingsAway("other_number", f"{len(rows)} vectors for {len(texts)} texts")
            vectors = [tuple(float(x) for x in row["embedding"]) for row in rows]
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
            raise EmbeddingsAway("not_understood", str(error)) from error
        return [self._unit(vector) for vector in vectors]

    def _unit(self, vector: Vector) -> Vector:
        if not 0 < len(vector) <= MOST_DIMENSIONS:
            raise WrongDimension(self._dimension or MOST_DIMENSIONS, len(vector))
        self._dimension = self._dimension or len(vector)
        if len(vector) != self._dimension:
            raise WrongDimension(self._dimension, len(vector))
        length = math.sqrt(sum(x * x for x in vector))
        if not math.isfinite(length) or not length:
            raise EmbeddingsAway("not_understood", "a vector without a length")
        return tuple(x / length for x in vector)

    def _post(self, asked: dict[str, Any], seconds: float) -> Any:
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=seconds)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            path = self._url.path.rstrip("/") + "/v1/embeddings"
            connection.connect()
            with _hung_up_after(connection.sock, seconds):
                connection.request("POST", path, json.dumps(asked).encode(), headers)
                answer = connection.getresponse()
                body = answer.read(MOST_BYTES)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise EmbeddingsAway("no_answer", str(error)) from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise EmbeddingsAway("refused", f"status {answer.status}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise EmbeddingsAway("not_understood", str(error)) from error


@contextmanager
def _hung_up_after(line: socket.socket, seconds: float) -> Iterator[None]:
    """A socket's own time-out begins anew with every byte: a server that drips would be waited for without end."""

    def hang_up() -> None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
