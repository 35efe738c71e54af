"""Amounts, days, times and zones in words, in French and in English: pure functions.

Letters are written with these, and pages may be (`web/formats.py`), so that both say a date the
same way. French typography: U+202F inside numbers, before € and %, and around h in a clock time;
the first of a month is « 1er ». English: €1,584.00 and 14:00. Zones are always named.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.numbers import format_decimal

LANGUAGES = ("fr", "en")
NARROW = "\u202f"
NO_BREAK = "\u00a0"
DASH = f"{NARROW}\u2013{NARROW}"

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF"}
# An h that French does not sound: « heure d’Helsinki », but « de Hong Kong ».
_MUTE_H = ("Helsinki", "Honolulu", "Harare", "Hermosillo")
_VOWELS = "AEIOUYÀÂÄÉÈÊËÎÏÔÖÙÛÜŒÅØ"


@cache
def locale(language: str) -> Locale:
    """The CLDR locale behind a language of ours; English is Britain's (day before month, 24 hours)."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}")
    return Locale.parse("fr_FR" if language == "fr" else "en_GB")


def money(minor: int, language: str, currency: str = "EUR") -> str:
    """`minor` units as an amount with its cents: « 1 584,00 € », €1,584.00."""
    return _amount(minor, language, currency, cents=True)


def money_round(minor: int, language: str, currency: str = "EUR") -> str:
    """The same without cents where there are none: « 1 584 € », €1,584, €1,584.50."""
    return _amount(minor, language, currency, cents=minor % 100 != 0)


def _amount(minor: int, language: str, currency: str, *, cents: bool) -> str:
    whole, rest = divmod(abs(minor), 100)
    number = format_decimal(whole, locale=locale(language))
    sign = _SIGNS.get(currency, currency)
    minus = "−" if minor < 0 else ""
    if language == "fr":
        return f"{minus}{number}{f',{rest:02d}' if cents else ''}{NARROW}{sign}"
    gap = NO_BREAK if len(sign) > 1 else ""
    return f"{minus}{sign}{gap}{number}{f'.{rest:02d}' if cents else ''}"


def number(value: int, language: str) -> str:
    """A whole number with its groups: « 38 000 », 38,000."""
    return str(format_decimal(value, locale=locale(language)))


def percent(value: int, language: str) -> str:
    """A whole percentage: « 50 % », 50%."""
    return f"{value}{NARROW}%" if language == "fr" else f"{value}%"


def day_long(instant: datetime, zone: str, language: str) -> str:
    """The complete date: « mardi 8 décembre 2026 », Tuesday 8 December 2026."""
    local = _local(instant, zone)
    pattern = "EEEE d MMMM y"
    return _first(format_date(local, pattern, locale=locale(language)), local, language, at=1)


def day(instant: datetime, zone: str, language: str) -> str:
    """The date without its weekday: « 8 décembre 2026 », 8 December 2026."""
    local = _local(instant, zone)
    return _first(format_date(local, "d MMMM y", locale=locale(language)), local, language, at=0)


def clock_time(instant: datetime, zone: str, language: str) -> str:
    """The time of day: « 14 h 00 », 14:00."""
    local = _local(instant, zone)
    if language == "fr":
        return f"{local.hour}{NARROW}h{NARROW}{local.minute:02d}"
    return f"{local.hour:02d}:{local.minute:02d}"


def moment(instant: datetime, zone: str, language: str) -> str:
    """Date and time: « jeudi 26 novembre 2026, 10 h 31 », Thursday 26 November 2026, 10:31."""
    return f"{day_long(instant, zone, language)}, {clock_time(instant, zone, language)}"


def hours(start: datetime, end: datetime, zone: str, language: str) -> str:
    """From when to when: « 14 h 00 – 17 h 00 », 14:00 – 17:00, the spaces narrow."""
    return f"{clock_time(start, zone, language)}{DASH}{clock_time(end, zone, language)}"


def span(start: datetime, end: datetime, zone: str, language: str) -> str:
    """Day and hours; where the end is on another day, that day too."""
    if _local(start, zone).date() == _local(end, zone).date():
        return f"{day_long(start, zone, language)}, {hours(start, end, zone, language)}"
    return f"{moment(start, zone, language)} \u2013 {moment(end, zone, language)}"


def city(zone: str, language: str) -> str:
    """The place a zone is named after: Paris, « La Réunion », New York."""
    name: str = get_timezone_location(zone, locale=locale(language), return_city=True)
    return name.rsplit("/", 1)[-1]


def zone_name(zone: str, language: str) -> str:
    """A zone as people say it: « heure de Paris », « heure du Caire », Paris time."""
    if zone in ("UTC", "Etc/UTC", "GMT", "Etc/GMT"):
        return "UTC"
    place = city(zone, language)
    if language == "en":
        return f"{place} time"
    if place.startswith("Le "):
        return f"heure du {place[3:]}"
    if place.startswith(("Les ", "Îles ", "Iles ")):
        return f"heure des {place.removeprefix('Les ')}"
    if place[0].upper() in _VOWELS or place.startswith(_MUTE_H):
        return f"heure d’{place}"
    return f"heure de {place}"


def duration(minutes: int, language: str) -> str:
    """How long: « 3 h 30 », « 45 min »; 3 h 30, 45 min in English too."""
    full, rest = divmod(minutes, 60)
    if not full:
        return f"{rest}{NO_BREAK}min"
    gap = NARROW if language == "fr" else NO_BREAK
    return f"{full}{gap}h{gap}{rest:02d}" if rest else f"{full}{gap}h"


def country_name(code: str, language: str) -> str:
    """A country by its two letters; the letters themselves where CLDR has no name."""
    return str(locale(language).territories.get(code.upper(), code))


def language_name(code: str, language: str) -> str:
    """A language by its code; the code itself where CLDR has no name."""
    return str(locale(language).languages.get(code, code))


def capital(text: str) -> str:
    """The text with its first letter raised, the rest as it is: dates at the head of a line."""
    return text[:1].upper() + text[1:]


def _local(instant: datetime, zone: str) -> datetime:
    if instant.tzinfo is None:
        raise TypeError("a naive time is no instant")
    return instant.astimezone(ZoneInfo(zone))


def _first(words: str, local: datetime, language: str, *, at: int) -> str:
    if language != "fr" or local.day != 1:
        return words
    parts = words.split(" ")
    parts[at] = "1er"
    return " ".join(parts)
