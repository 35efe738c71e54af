"""What a password has to be (ASVS 5.0: 6.1.2, 6.2.1, 6.2.4, 6.2.9, 6.2.11): long, and not everybody's guess.

No rules of composition: length and rarity are what a guesser feels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .errors import WeakPassword

SHORTEST = 12
SHORTEST_OPERATOR = 15
LONGEST = 128

_LIST = Path(__file__).with_name("common_passwords.txt")
_SHORTEST_WORD = 3
# A known word inside is harmless while so many letters and digits of its own are left.
_ENOUGH_LEFT = 8
_ENDINGS = re.compile(r"[\d\W_]+$")
_PARTS = re.compile(r"[\W_]+")


def check_password(password: str, *, operator: bool = False, own_words: Iterable[str] = ()) -> None:
    """WeakPassword (why, least, most) when it is too short, too long, common, or made of known words.

    `own_words`: the product's, the company's and the person's names, and their address.
    """
    least = SHORTEST_OPERATOR if operator else SHORTEST
    if len(password) < least:
        raise WeakPassword(why="short", least=least, most=LONGEST)
    if len(password) > LONGEST:
        raise WeakPassword(why="long", least=least, most=LONGEST)
    plain = unicodedata.normalize("NFKC", password).casefold()
    if is_common(plain):
        raise WeakPassword(why="common", least=least, most=LONGEST)
    if _is_made_of(plain, own_words):
        raise WeakPassword(why="own_words", least=least, most=LONGEST)


def is_common(plain: str) -> bool:
    """In the list, or one of the list with digits behind it, or one said over and over."""
    stem = _ENDINGS.sub("", plain)
    if plain in common_passwords() or (len(stem) >= 6 and stem in common_passwords()):
        return True
    return len(set(plain)) < 4 or any(
        len(plain) % size == 0 and plain == plain[:size] * (len(plain) // size)
        for size in range(1, min(len(plain) // 2, 8) + 1)
    )


def _is_made_of(plain: str, words: Iterable[str]) -> bool:
    """Whether taking known words away leaves less than eight letters and digits."""
    left = plain
    found = False
    parts = {part for word in words for part in _PARTS.split(word.casefold()) if len(part) >= _SHORTEST_WORD}
    for part in sorted(parts, key=len, reverse=True):
        if part in left:
            found = True
            left = left.replace(part, "")
    return found and len(_PARTS.sub("", left)) < _ENOUGH_LEFT


@cache
def common_passwords() -> frozenset[str]:
    """The list, read once."""
    lines = _LIST.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
