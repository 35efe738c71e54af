"""Names, and text people wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape

from .speech import capital


def usefulness_words(value: int) -> str:
    """Utilité 4 sur 5."""
    return gettext("Usefulness %(value)d out of 5", value=value)


def first_name(name: str) -> str:
    """The given name one is spoken of by; a compound one stays whole."""
    return name.split(" ")[0] if name else ""


def initials(name: str) -> str:
    """Two letters for the monogram."""
    words = [w for w in name.replace("’", " ").split() if w]
    return "".join(w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


def paragraphs(text: str) -> list[str]:
    """Split at blank lines; the template gives each its <p>."""
    return [part.strip() for part in (text or "").replace("\r\n", "\n").split("\n\n") if part.strip()]


def marked(pairs: Sequence[tuple[str, bool]]) -> Markup:
    """(text, marked) pairs as text with <mark>, each piece escaped."""
    return Markup("").join(Markup("<mark>{}</mark>").format(t) if m else escape(t) for t, m in pairs)


def capitalize_first(text: str) -> str:
    """A capital on the first letter only: Heure de Paris."""
    return capital(text)


def attribute(value: Any) -> str:
    """A formatted value as plain text, for an attribute or a title."""
    return value.striptags() if isinstance(value, Markup) else str(value)
