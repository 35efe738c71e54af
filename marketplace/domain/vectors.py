"""Vectors of meaning, freed of their language.

Language is a direction in the space of any multilingual model, and removing it is worth more than
another model (docs/decisions/014): the mean of the texts of that language and kind is taken away from
each joined part, which is then made one unit long again. How long a part was is kept, so that a text
can be centred anew by other means without being read again. Pure, plain numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Vector = tuple[float, ...]
# Texts of offers, and of readers: each kind has a mean of its own.
OfferKind = Literal["whole", "stuck", "title", "for_whom", "sentence"]
QueryKind = Literal["long", "short", "phrase"]
# What an offer's one vector is made of; measured on the development set (benchmarks/search_quality.py).
# "gist" is the mean of its sentences.
COMPOSITION: Mapping[str, float] = {"whole": 1.0, "stuck": 0.5, "gist": 0.5, "for_whom": 0.3, "title": 0.2}
# From so many offers of a language on the catalogue's own means are surer than the shipped ones.
ENOUGH_FOR_A_MEAN = 30
TRACE = 1e-9


@dataclass(frozen=True)
class Centred:
    """A vector without its language, one unit long; and how long its parts were before."""

    vector: Vector
    lengths: tuple[float, ...]


def centred(raw: Vector, mean: Vector | None, parts: Sequence[int]) -> Centred:
    """Take `mean` away, part by part; a part that is nothing stays nothing."""
    found: list[float] = []
    lengths: list[float] = []
    for start, end in _spans(parts, len(raw)):
        part = raw[start:end]
        there = any(part)
        if there and mean is not None:
            part = tuple(x - m for x, m in zip(part, mean[start:end], strict=True))
        # What is there has a length, if only a trace of one: by that it is told from what is missing.
        length = math.hypot(*part) or (TRACE if there else 0.0)
        lengths.append(length)
        found += [x / length for x in part] if length > TRACE else [0.0] * len(part)
    # A part that is nothing (a model that could not be loaded) leaves the others their whole weight.
    filled = math.sqrt(sum(1 for length in lengths if length)) or 1.0
    return Centred(tuple(x / filled for x in found), tuple(lengths))


def uncentred(one: Centred, mean: Vector | None, parts: Sequence[int]) -> Vector:
    """What `centred` was given."""
    filled = math.sqrt(sum(1 for length in one.lengths if length)) or 1.0
    raw: list[float] = []
    for (start, end), length in zip(_spans(parts, len(one.vector)), one.lengths, strict=True):
        part = [x * filled * length for x in one.vector[start:end]]
        if length and mean is not None:
            part = [x + m for x, m in zip(part, mean[start:end], strict=True)]
        raw += part
    return tuple(raw)


def composed(fields: Mapping[str, Vector], sentences: Sequence[Vector]) -> Vector:
    """An offer's one vector: the weighted sum of its parts, so that one inner product weighs them all."""
    given = {**fields, "gist": _gist(sentences)} if sentences else dict(fields)
    size = len(next(iter(given.values())))
    total = [0.0] * size
    for name, weight in COMPOSITION.items():
        # What an offer does not have weighs as what it has.
        vector = given.get(name) or given["whole"]
        for place, x in enumerate(vector):
            total[place] += weight * x
    whole = sum(COMPOSITION.values())
    return tuple(x / whole for x in total)


def _gist(sentences: Sequence[Vector]) -> Vector:
    summed = [sum(places) for places in zip(*sentences, strict=True)]
    length = math.sqrt(sum(x * x for x in summed)) or 1.0
    return tuple(x / length for x in summed)


def mean_of(vectors: Iterable[Vector]) -> tuple[int, Vector]:
    """(how many, their mean); the mean of none is empty."""
    total: list[float] = []
    count = 0
    for vector in vectors:
        total = [a + b for a, b in zip(total, vector, strict=True)] if total else list(vector)
        count += 1
    return count, tuple(x / count for x in total)


def nearer(raw: Vector, means: Mapping[str, Vector], otherwise: str) -> str:
    """The language on whose side of the middle a text lies: for texts too short to hold grammar."""
    if set(means) != {"fr", "en"}:
        return otherwise
    side = sum((x - (f + e) / 2) * (f - e) for x, f, e in zip(raw, means["fr"], means["en"], strict=True))
    return "fr" if side > 0 else "en"


def _spans(parts: Sequence[int], size: int) -> list[tuple[int, int]]:
    if not parts:
        return [(0, size)]
    spans, start = [], 0
    for length in parts:
        spans.append((start, start + length))
        start += length
    return spans
