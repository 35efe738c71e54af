"""The words of a question, weighed: the reader's own, those that mean the same, those nearly spelt so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ...domain.search import (
    SHORTEST_SPELT,
    SPELLING_WEIGHT,
    TOLD,
    Word,
    bare,
    expand,
    terms_of,
    weigh,
    weigh_by,
)
from ...domain.words import same_but_ending
from ...storage import search as rows
from ...storage import vocabulary
from ...storage.search import Lexeme

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Words:
    """Language → its lexemes, rarest first; how many of the reader's own there are; what else they may mean."""

    weighed: Mapping[str, tuple[Word, ...]]
    asked: int
    instead: str | None = None


def words_of(session: Session, query: str, own: Sequence[str]) -> Words:
    """Weigh the question's words. Two statements; four where the catalogue does not know some of them."""
    if not own:
        return Words({"fr": (), "en": ()}, 0)
    factors = dict.fromkeys(own, 1.0)
    for word, factor in expand(query, vocabulary.groups(session, terms_of(query))).items():
        factors.setdefault(word, factor)
    documents, found = rows.lexemes(session, list(factors))
    known = {one.word for one in found if one.having}
    unknown = [word for word in own if word not in known and len(word) >= SHORTEST_SPELT]
    near = vocabulary.near(session, unknown)
    if near:
        instead = {word: SPELLING_WEIGHT for word, _shown in near.values() if word not in factors}
        found += rows.lexemes(session, list(instead))[1]
        factors |= instead
    # A problem told at length holds words of its own everywhere: correcting them would put others in its mouth.
    told = len(own) >= TOLD
    shown = {w: form for w, (other, form) in near.items() if not told and not same_but_ending(w, other)}
    weighed = {language: _weigh(documents, found, factors, language) for language in ("fr", "en")}
    asked = max(len({one.lexeme for one in found if one.word in own and one.language == la and one.having})
                for la in ("fr", "en"))  # fmt: skip
    return Words(weighed, asked, _respelt(query, shown) if shown else None)


def _weigh(
    documents: int, found: Sequence[Lexeme], factors: Mapping[str, float], language: str
) -> tuple[Word, ...]:
    having: dict[str, int] = {}
    best: dict[str, float] = {}
    for one in found:
        if one.language == language:
            having[one.lexeme] = one.having
            best[one.lexeme] = max(best.get(one.lexeme, 0.0), factors[one.word])
    return weigh_by(weigh(documents, having.items()), best)


def _respelt(query: str, shown: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: shown.get(bare(match.group()), match.group()), query)
