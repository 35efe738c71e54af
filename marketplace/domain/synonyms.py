"""What a group of synonyms may hold: terms of both languages that say the same, as readers write them."""

from __future__ import annotations

import re

from .errors import SynonymsWrong
from .search import LONGEST_TERM, significant, term
from .words import clean_line

LEAST, MOST = 2, 20
LONGEST = 60
_BETWEEN = re.compile(r"[,;\r\n]+")


def read_terms(text: str) -> list[str]:
    """The terms of a text, one a line or between commas, each once in whatever spelling.

    Raises SynonymsWrong: "few", "many", "long" (a term the search would never look up) and "empty"
    (grammar alone, which would stand for every question); TextRefused for characters nobody types.
    """
    found: dict[str, str] = {}
    for piece in _BETWEEN.split(text[: 4 * MOST * LONGEST]):
        one = clean_line(piece, 4 * MOST * LONGEST)
        if not one:
            continue
        key = term(one)
        if len(one) > LONGEST or len(key.split()) > LONGEST_TERM:
            raise SynonymsWrong(why="long", term=one[:LONGEST], most=LONGEST_TERM)
        if not significant(one):
            raise SynonymsWrong(why="empty", term=one, most=0)
        found.setdefault(key, one)
    if len(found) < LEAST:
        raise SynonymsWrong(why="few", term="", most=LEAST)
    if len(found) > MOST:
        raise SynonymsWrong(why="many", term="", most=MOST)
    return list(found.values())
