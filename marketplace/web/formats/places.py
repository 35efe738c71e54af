"""Zones by their city, countries, languages, and where a session takes place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from babel.dates import get_timezone_location
from flask_babel import gettext

from .speech import LOCALES, capital, joined, lang, locale, reader_zone, small
from .times import local_time, session_length

VOWELS = "AEIOUYHÀÂÉÈÊËÎÏÔÖÛÜ"


def zone_name(zone: str | None = None) -> str:
    """The city people know the zone by: Paris, La Réunion."""
    return _city(zone or reader_zone(), lang())


@lru_cache(maxsize=512)
def _city(zone: str, language: str) -> str:
    return str(get_timezone_location(zone, locale=LOCALES[language], return_city=True))


def zone_hour(zone: str | None = None) -> str:
    """heure de Paris, heure d’Athènes, heure du Caire; Paris time."""
    city = zone_name(zone)
    if lang() == "en":
        return f"{city} time"
    if city.startswith("Le "):
        return f"heure du {city[3:]}"
    if city.startswith("Les "):
        return f"heure des {city[4:]}"
    return f"heure d’{city}" if city[:1].upper() in VOWELS else f"heure de {city}"


def zone_offset(zone: str | None, at: datetime) -> str:
    """UTC+1, UTC−3:30, at that instant."""
    shift = local_time(at, zone).utcoffset() or timedelta(0)
    whole, rest = divmod(abs(int(shift.total_seconds())) // 60, 60)
    sign = "−" if shift < timedelta(0) else "+"
    return f"UTC{sign}{whole}" + (f":{rest:02d}" if rest else "")


def same_hours(one: str | None, other: str | None, at: datetime) -> bool:
    """Whether two zones read the same on the clock at that instant, so that naming both would say nothing."""
    return local_time(at, one).utcoffset() == local_time(at, other).utcoffset()


def country_name(code: str | None) -> str:
    """FR → France."""
    return str(locale().territories.get((code or "").upper(), code or ""))


def language_name(code: str) -> str:
    """fr → français, French."""
    return str(locale().languages.get(code, code))


def languages(codes: Iterable[str]) -> str:
    """Français, anglais: first one with a capital."""
    return capital(", ".join(language_name(code) for code in codes))


def in_languages(codes: Iterable[str]) -> str:
    """En anglais ou en français; In English or French."""
    names = [language_name(code) for code in codes]
    if lang() == "fr":
        return capital(joined([f"en {name}" for name in names], "ou"))
    return "In " + joined(names, "or")


def listed(items: Iterable[str]) -> str:
    """a, b et c."""
    return joined([str(i) for i in items], "et" if lang() == "fr" else "and")


def format_name(kind: str) -> str:
    """Where a session may take place, in words."""
    return {
        "remote": gettext("By video"),
        "on_site": gettext("On site"),
        "both": gettext("By video or on site"),
    }.get(kind, kind)


def session_words(minutes: int, kind: str) -> str:
    """Séance de 4 h, sur place."""
    return gettext(
        "%(length)s session, %(place)s", length=session_length(minutes), place=small(format_name(kind))
    )
