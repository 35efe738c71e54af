"""One gate for text that people type: what may be kept, and how it is kept."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

from .errors import TextRefused

# PostgreSQL keeps no NUL, and UTF-8 no lone surrogate.
_NUL = "\x00"
_SURROGATE = re.compile("[\ud800-\udfff]")
# What no keyboard types on purpose: controls but tab and line ends, and what turns the reading direction.
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
# Not the no-break spaces: French typography means them.
_SPACES = re.compile("[ \t\n]+")
# What French and English put at the end of a word to decline or conjugate it, without accents.
_ENDING = re.compile("(?:s|es?|ees?|er|ez|ons|ions|iez|ent|ait|ais|aient|ants?|ed|ing|d|t|x|ers?|aux?|als?)?")
_SHORTEST_STEM = 5


def clean_line(text: str, most: int) -> str:
    """One line: NFC, line ends and runs of spaces as one space, ends trimmed; at most `most` characters.

    Raises TextRefused with `why`: "nul", "surrogate", "control" or "too_long", and `most`.
    """
    return _within(_SPACES.sub(" ", _clean(text, most)).strip(), most)


def clean_text(text: str, most: int) -> str:
    """Several lines: NFC, line ends as \\n, ends trimmed. Raises as `clean_line` does."""
    return _within(_clean(text, most).strip(), most)


def _clean(text: str, most: int) -> str:
    if _NUL in text:
        raise TextRefused(why="nul", most=most)
    if _SURROGATE.search(text):
        raise TextRefused(why="surrogate", most=most)
    if _CONTROL.search(text):
        raise TextRefused(why="control", most=most)
    return unicodedata.normalize("NFC", _LINE_END.sub("\n", text))


def _within(text: str, most: int) -> str:
    if len(text) > most:
        raise TextRefused(why="too_long", most=most)
    return text


def same_but_ending(one: str, other: str) -> bool:
    """Whether two bare words seem to be one word in two forms (doublons, doubler): neither misspells the other."""
    stem = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return (
        stem >= _SHORTEST_STEM
        and _ENDING.fullmatch(one[stem:]) is not None
        and _ENDING.fullmatch(other[stem:]) is not None
    )
