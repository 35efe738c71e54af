"""Which encoders there are, by the settings: the one chosen, and those whose vectors may still serve."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .embeddings import Embeddings, EmbeddingsAway, Mean, Side, Vector
from .embeddings_local import ALONE, BOTH, LocalEmbeddings, read_means
from .embeddings_server import PREFIX, ServerEmbeddings

# Readers page through results and come back to them: their questions are encoded once.
REMEMBERED = 256
# A server that did not answer is not asked again by every reader.
REST_SECONDS = 15.0


class ChosenEncoders:
    """`EMBEDDINGS_URL` and `EMBEDDINGS_MODEL` name a server's model; without them the local ones."""

    def __init__(self, url: str = "", model: str = "", *, key: str = "", means: str = "") -> None:
        self._url, self._key, self._means = url, key, means
        self._known: dict[str, Embeddings] = {}
        self._local = Remembering(LocalEmbeddings())
        self.current: Embeddings = self._server(model) if url else self._local

    def named(self, name: str) -> Embeddings | None:
        """While vectors are made anew the old ones serve, so their encoder must still be asked."""
        if name.startswith(PREFIX):  # Known without loading anything.
            if self._url and name not in self._known:
                self._server(name.removeprefix(PREFIX))
            return self._known.get(name)
        if name == self._local.name:
            return self._local
        if name == ALONE and self._local.name == BOTH:
            return self._known.setdefault(name, Remembering(LocalEmbeddings(both=False)))
        return None

    def _server(self, model: str) -> Embeddings:
        means = read_means(Path(self._means)) if self._means else {}
        made = Remembering(ServerEmbeddings(self._url, model, key=self._key, means=means))
        return self._known.setdefault(made.name, made)


class Remembering:
    """An encoder that keeps the last questions' vectors, and rests for a moment after a failure."""

    def __init__(self, encoder: Embeddings) -> None:
        self._encoder = encoder
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._rests_until = 0.0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def parts(self) -> tuple[int, ...]:
        return self._encoder.parts

    @property
    def means(self) -> Mapping[tuple[str, str], Mean]:
        return self._encoder.means

    def encode(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        if side == "offer":
            return self._encoder.encode(texts, side, language)
        with self._lock:
            kept = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in kept]
        if missing:
            kept |= dict(zip(missing, self._asked(missing, side, language), strict=True))
        with self._lock:
            for text in texts:
                self._kept[text] = kept[text]
                self._kept.move_to_end(text)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return [kept[text] for text in texts]

    def _asked(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        if time.monotonic() < self._rests_until:
            raise EmbeddingsAway("resting", "it did not answer a moment ago")
        try:
            return self._encoder.encode(texts, side, language)
        except EmbeddingsAway:
            self._rests_until = time.monotonic() + REST_SECONDS
            raise
