"""What an offer's address is made of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

LONGEST_SLUG = 70
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "%": " pct "})


def slug(text: str, taken: Container[str] = ()) -> str:
    """A readable address for a title or name, cut between words; a number is added where it is taken.

    Text without a single letter or digit gives "x": an address is never empty.
    """
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    words = _NOT_A_LETTER.sub("-", bare).strip("-")
    if len(words) > LONGEST_SLUG:
        words = words[: LONGEST_SLUG + 1].rpartition("-")[0] or words[:LONGEST_SLUG]
    words = words or "x"
    found, number = words, 2
    while found in taken:
        found, number = f"{words}-{number}", number + 1
    return found
