"""Meaning as a vector: what we need of an encoder, whoever provides it.

Vectors come as the model gives them, each of an encoding's parts one unit long; taking the language
out of them (the mean of its texts of one kind) is the domain's, so that it can follow the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Vector = tuple[float, ...]
# Models may read a question and a text by different rules.
Side = Literal["query", "offer"]


class EmbeddingsError(Exception):
    """No vectors now; `why` is a word for logs and for the status page."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why


class EmbeddingsAway(EmbeddingsError):
    """Nobody answers, or not in time, or not sensibly."""


class WrongDimension(EmbeddingsError):
    """Vectors of another length than the encoding has: another model answers under its name."""

    def __init__(self, wanted: int, got: int) -> None:
        super().__init__("wrong_dimension", f"{got} instead of {wanted}")
        self.wanted, self.got = wanted, got


@dataclass(frozen=True)
class Mean:
    """The mean vector of `count` texts of one language and kind."""

    count: int
    vector: Vector


class Embeddings(Protocol):
    """An encoder. `name` says models, versions and settings: equal names, comparable vectors."""

    @property
    def name(self) -> str: ...

    @property
    def parts(self) -> tuple[int, ...]:
        """The lengths of what is joined in a vector, each centred by itself; () for one whole."""

    @property
    def means(self) -> Mapping[tuple[str, str], Mean]:
        """The shipped means by (language, kind); empty where none were made for this encoder."""

    def encode(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        """A vector for each text. Raises EmbeddingsError."""


class Encoders(Protocol):
    """All encoders within reach: the one to encode with from now on, and those whose vectors still serve."""

    @property
    def current(self) -> Embeddings: ...

    def named(self, name: str) -> Embeddings | None: ...
