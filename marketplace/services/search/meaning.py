"""What a reader means, as vectors: encoded before anything is read, by the encoder whose vectors serve."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from ...domain.search import TOLD, clauses, grammar_of, language_of, normalise, significant
from ...domain.vectors import ENOUGH_FOR_A_MEAN, Vector, centred, nearer
from ...gateways.embeddings import Embeddings, EmbeddingsError, Encoders, WrongDimension
from ...storage import vectors as records
from ...storage.db import Database

log = logging.getLogger(__name__)
# A problem told at length is set beside an answer by its clauses, so many at most.
MOST_PHRASES = 16
Means = Mapping[tuple[str, str], Vector]


@dataclass(frozen=True)
class Meant:
    """A question in the encoding that serves; its phrases, each with its own vector."""

    encoding_id: uuid.UUID
    vector: Vector
    phrases: tuple[tuple[str, Vector], ...]


def meant_by(db: Database, encoders: Encoders, query: str) -> Meant | None:
    """The question's vectors; None while matching by meaning rests, and for a question that says nothing."""
    if not significant(query):
        return None
    with db.reading() as session:
        found = records.serving(session)
        if found is None:
            return None
        encoding_id, name, dimension = found
        own = records.means(session, encoding_id)
    try:
        encoder = encoders.named(name)
        if encoder is None:
            return None
        return _encoded(encoder, encoding_id, dimension, means_of(encoder, own), query)
    except EmbeddingsError as error:
        log.warning("matching by meaning rests: %s", error)
        return None


def means_of(encoder: Embeddings, own: Mapping[tuple[str, str], tuple[int, Vector]]) -> Means:
    """The catalogue's own means where enough texts stand behind them, else the shipped ones."""
    shipped = {key: mean.vector for key, mean in encoder.means.items()}
    sure = {key: mean for key, (count, mean) in own.items() if count >= ENOUGH_FOR_A_MEAN}
    return shipped | sure


def checked(vectors: list[Vector], dimension: int) -> list[Vector]:
    """Vectors of the encoding's own dimension, or an error that names it."""
    for vector in vectors:
        if len(vector) != dimension:
            raise WrongDimension(dimension, len(vector))
    return vectors


def _encoded(encoder: Embeddings, encoding_id: uuid.UUID, dimension: int, means: Means, query: str) -> Meant:
    text = normalise(query)
    kind = "long" if len(significant(text)) >= TOLD else "short"
    language = language_of(text)
    pieces = clauses(text, MOST_PHRASES) if kind == "long" else ()
    whole, *parts = checked(encoder.encode([text, *pieces], "query", language), dimension)
    if not grammar_of(text):
        sides = {one: means[one, kind] for one in ("fr", "en") if (one, kind) in means}
        language = nearer(whole, sides, language)

    def without_language(raw: Vector, what: str) -> Vector:
        return centred(raw, means.get((language, what)), encoder.parts).vector

    asked = without_language(whole, kind)
    phrases = [
        (piece, without_language(raw, "phrase")) for piece, raw in zip(pieces, parts, strict=True)
    ] or [(text.strip(), asked)]
    return Meant(encoding_id, asked, tuple(phrases))
