"""What all formats share: the page's language, the spaces, and how words are joined."""

from __future__ import annotations

from collections.abc import Sequence

from babel import Locale
from flask_babel import get_locale, get_timezone

NARROW = "\u202f"
NO_BREAK = "\u00a0"
LOCALES = {"fr": Locale("fr"), "en": Locale("en", "GB")}


def lang() -> str:
    """The language of this page: "fr" or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "fr"


def locale() -> Locale:
    return LOCALES[lang()]


def reader_zone() -> str:
    return str(get_timezone() or "Europe/Paris")


def joined(words: Sequence[str], link: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {link} {words[-1]}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    return text[:1].lower() + text[1:]
