"""Why an offer fits: the reader's phrase beside the sentence of the story that answers it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.search import Part, normalise, passage, sentences
from ...storage import search as rows
from ...storage import vectors as records
from ...storage.offers import OfferVersion
from ..offers import OfferLine
from .meaning import Meant
from .words import Words

STORY = ("problem", "failed", "unlocked")
# Under this a pair only happens to be the best of many.
LEAST_PAIR = 0.15


@dataclass(frozen=True)
class Why:
    """The reader's phrase and the sentence that answers it, in the offer's own language."""

    phrase: str
    field: str
    sentence: str


def with_passages(
    session: Session, words: Words, meant: Meant | None, lines: Sequence[OfferLine]
) -> list[tuple[tuple[Part, ...], Why | None]]:
    """For each line the passage to show, its best sentence marked, and why; two statements for all."""
    stories = _stories(session, [line.version_id for line in lines])
    whys = _pairs(session, meant, lines) if meant else {}
    by_words = _by_words(session, words, stories, [line for line in lines if line.id not in whys])
    found: list[tuple[tuple[Part, ...], Why | None]] = []
    for line in lines:
        story = stories.get(line.version_id, ("", "", ""))
        why = whys.get(line.id)
        parts = _marked(story, why) if why else ()
        if not parts:
            parts = by_words.get(line.id) or _opening(story)
            why = _held(story, parts, meant)
        found.append((parts, why))
    return found


def _held(story: tuple[str, str, str], parts: Sequence[Part], meant: Meant | None) -> Why | None:
    """A few words typed, beside the sentence that holds them; a long text has no one phrase to set there."""
    sentence = next((part.text for part in parts if part.marked), None)
    if sentence is None or meant is None or len(meant.phrases) > 1:
        return None
    return next(
        (Why(meant.phrases[0][0], f, sentence) for f, t in zip(STORY, story, strict=True) if sentence in t),
        None,
    )


def answer_in(session: Session, meant: Meant, offer_id: uuid.UUID, version: OfferVersion) -> Why | None:
    """The one sentence of an offer's story that answers the question, as the list of results marks it."""
    found = records.best_pairs(
        session, meant.encoding_id, meant.vector, [vector for _phrase, vector in meant.phrases], [offer_id]
    ).get(offer_id)
    if found is None or found[4] < LEAST_PAIR:
        return None
    field, ordinal, text, phrase, _fit = found
    cut = sentences(getattr(version, field, "") or "")
    # Vectors of an earlier version may stand for a moment: what is not there cannot be marked.
    if ordinal >= len(cut) or normalise(cut[ordinal]) != text:
        return None
    return Why(meant.phrases[phrase][0], field, cut[ordinal])


def _pairs(session: Session, meant: Meant, lines: Sequence[OfferLine]) -> dict[uuid.UUID, Why]:
    found = records.best_pairs(
        session,
        meant.encoding_id,
        meant.vector,
        [vector for _phrase, vector in meant.phrases],
        [line.id for line in lines],
    )
    return {
        offer: Why(meant.phrases[phrase][0], field, text)
        for offer, (field, _ordinal, text, phrase, fit) in found.items()
        if fit >= LEAST_PAIR
    }


def _marked(story: tuple[str, str, str], why: Why) -> tuple[Part, ...]:
    cut = sentences(story[STORY.index(why.field)])
    for place, one in enumerate(cut):
        if normalise(one) == why.sentence:
            return passage(cut, place)
    return ()


def _by_words(
    session: Session,
    words: Words,
    stories: dict[uuid.UUID, tuple[str, str, str]],
    lines: Sequence[OfferLine],
) -> dict[uuid.UUID, tuple[Part, ...]]:
    """The sentence of each story that holds most of what was asked."""
    places: list[tuple[uuid.UUID, int, int]] = []
    cut: list[tuple[str, str]] = []
    for line in lines:
        for part, text in enumerate(stories.get(line.version_id, ())):
            for number, sentence in enumerate(sentences(text)):
                places.append((line.id, part, number))
                cut.append((line.lang, normalise(sentence)))
    # One word in common is chance, unless one word was all that was asked.
    least = min(2, words.asked or 1)
    weighed = words.weighed
    fits = rows.fit_of_sentences(session, weighed, cut, least) if any(weighed.values()) else {}
    best: dict[uuid.UUID, tuple[float, int]] = {}
    for flat, fit in fits.items():
        offer = places[flat][0]
        best[offer] = max(best.get(offer, (0.0, 0)), (fit, -flat))
    versions = {line.id: line.version_id for line in lines}
    found: dict[uuid.UUID, tuple[Part, ...]] = {}
    for offer, (_fit, flat) in best.items():
        _offer, part, number = places[-flat]
        # Within the part the sentence stands in: what unlocked it is not read on from the problem.
        found[offer] = passage(sentences(stories[versions[offer]][part]), number)
    return found


def _opening(story: tuple[str, str, str]) -> tuple[Part, ...]:
    return passage(sentences(story[0]), None)


def _stories(session: Session, versions: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str, str]]:
    found = session.execute(
        sa.select(OfferVersion.id, OfferVersion.problem, OfferVersion.failed, OfferVersion.unlocked).where(
            OfferVersion.id.in_(versions)
        )
    )
    return {row.id: (row.problem, row.failed, row.unlocked) for row in found}
