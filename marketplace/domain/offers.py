"""What an offer is made of: its fields, their limits, what is still missing, what changed, its address.

A draft's content is a plain mapping of FIELDS (amounts in minor units, lengths in minutes, notice in
hours). A published version has the same fields as columns (storage/offers.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

from .errors import PriceRefused, TextRefused
from .profiles import SPOKEN
from .words import clean_line, clean_text

LONGEST_SLUG = 70
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "%": " pct "})

# Below, our tenth does not pay for taking, holding and transferring the money, and half a day is not sold
# for less. Above, a session is a contract of its own; it also catches the two zeros typed too many.
LEAST_PRICE, MOST_PRICE = 200_00, 20_000_00
LENGTHS = (180, 210, 240)
# N, in hours: "at least 24 h; at least 4 h for an instant offer" (booking-process.md).
LEAST_NOTICE, LEAST_NOTICE_INSTANT = 24, 4
NOTICES = (4, 8, 12, 24, 48, 72, 96, 120, 168, 240)
LANGUAGES = ("fr", "en")
FORMATS = ("remote", "on_site", "both")
POLICIES = ("flexible", "moderate", "strict")
LEAST_TAKEAWAYS, MOST_TAKEAWAYS = 3, 5
MOST_QUESTIONS = 5
MOST_TOPICS = 5

# Field → (fewest, most) characters. A text of fewer is not written yet; fewest 0: it may stay empty.
TEXTS: Mapping[str, tuple[int, int]] = {
    "title": (20, 120),
    "problem": (150, 3000),
    "failed": (0, 3000),
    "unlocked": (150, 3000),
    "for_whom": (20, 300),
    "not_for_whom": (0, 300),
    "area": (0, 120),
}
LINES = frozenset({"title", "area"})
LONGEST_TAKEAWAY = 140
LONGEST_QUESTION = 200

# A new draft: what needs no thought is chosen already.
BLANK: Mapping[str, Any] = {
    "language": "fr",
    "title": "",
    "problem": "",
    "failed": "",
    "unlocked": "",
    "takeaways": [],
    "for_whom": "",
    "not_for_whom": "",
    "topics": [],
    "industries": [],
    "minutes": 180,
    "price_minor": None,
    "format": "remote",
    "area": "",
    "languages": [],
    "notice_hours": 72,
    "policy": "moderate",
    "instant": False,
    "promises_plan": False,
    "questions": [],
}
FIELDS = tuple(BLANK)
SETS = ("topics", "industries")

Content = Mapping[str, Any]
Change = tuple[str, Any, Any]


def whole(content: Content) -> dict[str, Any]:
    """All fields, in order; what is not given is as in a blank draft, what is no field is left out.

    Topics and industries have no order of their own: two that differ in it alone say the same.
    """
    return {
        name: sorted(set(content.get(name, blank))) if name in SETS else content.get(name, blank)
        for name, blank in BLANK.items()
    }


def changes(before: Content | None, after: Content) -> list[Change]:
    """(field, before, after) for each field that differs, in order; against nothing, all that is given."""
    old = whole(before or {}) if before is not None else dict.fromkeys(FIELDS)
    new = whole(after)
    return [
        (name, old[name], new[name])
        for name in FIELDS
        if old[name] != new[name] and not (before is None and new[name] in ("", [], None))
    ]


def missing(content: Content) -> tuple[str, ...]:
    """The fields that still keep a draft from being submitted, in the form's order."""
    has = whole(content)
    lacking = {name for name, (fewest, _most) in TEXTS.items() if len(has[name]) < max(fewest, 1) and fewest}
    if len(has["takeaways"]) < LEAST_TAKEAWAYS:
        lacking.add("takeaways")
    if has["price_minor"] is None:
        lacking.add("price_minor")
    lacking |= {name for name in ("topics", "industries", "languages") if not has[name]}
    if has["format"] != "remote" and not has["area"]:
        lacking.add("area")
    if has["notice_hours"] < (LEAST_NOTICE_INSTANT if has["instant"] else LEAST_NOTICE):
        lacking.add("notice_hours")
    return tuple(name for name in FIELDS if name in lacking)


def tidied(name: str, value: Any) -> Any:
    """A field's value as it may be kept in a draft, half-written or not.

    Raises TextRefused (`why` too_long, nul, surrogate, control; choice for what is none of the choices)
    and PriceRefused (least, most).
    """
    if name in TEXTS:
        return (clean_line if name in LINES else clean_text)(str(value), TEXTS[name][1])
    if name == "takeaways":
        return _lines(value, MOST_TAKEAWAYS, LONGEST_TAKEAWAY)
    if name == "questions":
        return _lines(value, MOST_QUESTIONS, LONGEST_QUESTION)
    if name in SETS:
        return sorted(set(_lines(value, MOST_TOPICS, 80)))
    if name == "languages":
        return [code for code in SPOKEN if code in value]
    if name == "price_minor":
        if value is not None and not LEAST_PRICE <= value <= MOST_PRICE:
            raise PriceRefused(least=LEAST_PRICE, most=MOST_PRICE)
        return value
    if name in ("instant", "promises_plan"):
        return bool(value)
    if name == "notice_hours":
        if not LEAST_NOTICE_INSTANT <= value <= max(NOTICES):
            raise TextRefused(why="choice", most=max(NOTICES))
        return value
    if value not in _CHOICES[name]:
        raise TextRefused(why="choice", most=len(_CHOICES[name]))
    return value


_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "language": LANGUAGES,
    "minutes": LENGTHS,
    "format": FORMATS,
    "policy": POLICIES,
}


def is_instant(offered: bool, standing_since: datetime | None, meeting_link: str | None) -> bool:
    """Instant offers need the standing acceptance, and a place to meet for a video session."""
    return offered and standing_since is not None and bool(meeting_link)


def unanswered(content: Mapping[str, Any], notes: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields the operators asked about that stand as they were."""
    return tuple(name for name, note in notes.items() if name and content.get(name) == note["was"])


def _lines(values: Any, most: int, longest: int) -> list[str]:
    """Lines that say something, in order; more than `most` are refused."""
    kept = [line for line in (clean_line(str(value), longest) for value in values) if line]
    if len(kept) > most:
        raise TextRefused(why="too_long", most=most)
    return kept


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
