"""Which sentence of a story to go over with the highlighter: at most one, and only for a reason that can be said."""

from __future__ import annotations

import re
import unicodedata

Pairs = list[tuple[str, bool]]

_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[\wÀ-ÿ«“\"])")
_WORD = re.compile(r"\w+", re.UNICODE)
SHORTEST_WORD = 4
LONGEST_END = 90


def mark_for(text: str, query: str) -> Pairs:
    """The text, its sentence holding most of the query's words marked; unmarked below two words in common.

    A query of one long word is content with that word.
    """
    wanted = _words(query)
    if not wanted:
        return [(text, False)]
    pieces = _SENTENCE.split(text)
    best = max(pieces, key=lambda piece: len(wanted & _words(piece)))
    if len(wanted & _words(best)) < min(2, len(wanted)):
        return [(text, False)]
    before, after = text.split(best, 1)
    return [(t, m) for t, m in ((before, False), (best, True), (after, False)) if t]


def mark_sentence(text: str, sentence: str) -> Pairs:
    """The text with that very sentence marked; unmarked where it does not stand in it."""
    before, found, after = text.partition(sentence)
    return [(t, m) for t, m in ((before, False), (found, True), (after, False)) if t]


def mark_end(text: str) -> Pairs:
    """The text with its last sentence marked, where that is short enough to be one stroke or two."""
    pieces = _SENTENCE.split(text.strip())
    if len(pieces) < 2 or len(pieces[-1]) > LONGEST_END:
        return [(text, False)]
    return [(text.strip()[: -len(pieces[-1])], False), (pieces[-1], True)]


def _words(text: str) -> set[str]:
    """Long words without accents, case and plural."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return {word.rstrip("sx") for word in _WORD.findall(plain) if len(word) >= SHORTEST_WORD}
