"""Cases: how soon each is owed an answer, which answers there are, and how long one can be taken back.

Source: ux.md 1.10; Regulation (EU) 2022/2065, art. 16 and 17; regulation.md, "Reviews".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import SequenceMatcher

# From the submission, or the first notice, to the answer that is owed.
TARGETS: Mapping[str, timedelta] = {
    "expert": timedelta(hours=72),
    "profile": timedelta(hours=48),
    "offer": timedelta(hours=48),
    "report": timedelta(hours=24),
}
# In the order of the keys 1, 2, 3. A reported text is kept or hidden, never corrected.
DECISIONS: Mapping[str, tuple[str, ...]] = {
    "expert": ("approve", "changes", "refuse"),
    "profile": ("approve", "changes", "refuse"),
    "offer": ("approve", "changes", "refuse"),
    "report": ("keep", "hide"),
}
# Effects stand at once; people are told only when nobody can take it back any more.
UNDO_WINDOW = timedelta(seconds=60)
SNOOZES = (1, 3, 7)  # days
# Before the name of a field of the first offer, in the notes on an application.
OF_OFFER = "offer."

# Why somebody reports a text. Who reports the abuse of a child need not say who they are (art. 16, 2 c).
WHYS = ("untrue", "not_held", "insulting", "private", "copied", "unlawful", "child_abuse", "other")
NAMELESS = frozenset({"child_abuse"})
LONGEST_NOTICE = 4000
LEAST_NOTICE = 20
_WORDS = re.compile(r"\S+\s*|\s+")


def undo_open(decided_at: datetime, now: datetime) -> bool:
    """Whether a decision of then can still be taken back."""
    return now < decided_at + UNDO_WINDOW


def reason_needed(decision: str) -> bool:
    """Whether the people concerned are owed words: all but a plain yes."""
    return decision in ("refuse", "keep", "hide")


def word_changes(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """What became of a text, word by word: ("same" | "gone" | "new", piece), in reading order."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[tuple[str, str]] = []
    for how, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        if a < b:
            pieces.append(("gone", "".join(old[a:b])))
        if c < d:
            pieces.append(("new", "".join(new[c:d])))
    return tuple(pieces)
