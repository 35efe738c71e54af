"""How amounts, times, places and names are written in each language, to the exact space.

French: a narrow no-break space (U+202F) in 1 200, before % and €, in 14 h 00 and 3 h 30; « 1er » raised.
English: €1,100, 14:00. Amounts are integer minor units, instants aware UTC; a zone is an IANA name, the
reader's own where none is given. What the words cannot say without ambiguity (a time) always has its
zone beside it: that is the caller's duty, `zone_hour` gives the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_location
from flask import Flask
from flask_babel import get_locale, get_timezone, gettext, ngettext
from lucide.jinja import lucide
from markupsafe import Markup, escape

from . import assets, highlight, rulers
from .house import house

NARROW = "\u202f"
NO_BREAK = "\u00a0"
DASH = f"{NARROW}–{NARROW}"
LOCALES = {"fr": Locale("fr"), "en": Locale("en", "GB")}
VOWELS = "AEIOUYHÀÂÉÈÊËÎÏÔÖÛÜ"


def install(app: Flask) -> None:
    """Register every filter of this module, the rulers' geometry and the addresses of the assets."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        timebar_view=rulers.timebar,
        days_view=rulers.days,
        refund_view=rulers.refund,
        minibar_view=rulers.minibar,
        price_view=rulers.prices,
        parts_of=rulers.parts_of,
    )
    app.jinja_env.globals["settings"] = lambda: house().config
    app.jinja_env.globals["lucide"] = lucide
    assets.install(app)


def lang() -> str:
    """The language of this page: "fr" or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "fr"


# Amounts


def money(minor: int, *, sign: bool = False) -> str:
    """1 200,00 € or €1,200.00, from minor units; a minus is a real one; `sign` writes the plus too."""
    return _amount(minor, cents=True, sign=sign)


def money_round(minor: int) -> str:
    """Without cents when there are none: 1 200 € or €1,200."""
    return _amount(minor, cents=bool(minor % 100), sign=False)


def money_bare(minor: int) -> str:
    """For a column whose head names the currency: 1 200,00."""
    return _signed(minor) + _digits(abs(minor), cents=True)


def _amount(minor: int, *, cents: bool, sign: bool) -> str:
    before = "+" if sign and minor > 0 else _signed(minor)
    number = _digits(abs(minor), cents=cents)
    return f"{before}{number}{NARROW}€" if lang() == "fr" else f"{before}€{number}"


def _signed(minor: int) -> str:
    return "−" if minor < 0 else ""


def _digits(minor: int, *, cents: bool) -> str:
    whole = number(minor // 100)
    if not cents:
        return whole
    return f"{whole}{',' if lang() == 'fr' else '.'}{minor % 100:02d}"


def number(value: int) -> str:
    """1 200 or 1,200."""
    grouped = f"{value:,}"
    return grouped.replace(",", NARROW) if lang() == "fr" else grouped


def decimal(value: float, places: int = 1) -> str:
    """A measured figure, not an amount: 4,5 or 4.5, without a useless zero."""
    text = f"{value:.{places}f}".rstrip("0").rstrip(".") if places else f"{value:.0f}"
    return text.replace(".", ",") if lang() == "fr" else text


def percent(value: int) -> str:
    """Whole percent: 10 % or 10%."""
    return f"{value}{NARROW}%" if lang() == "fr" else f"{value}%"


def rate(basis_points: int) -> str:
    """A rate in basis points: 1 000 → 10 %, 550 → 5,5 %."""
    text = f"{basis_points / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text.replace('.', ',')}{NARROW}%" if lang() == "fr" else f"{text}%"


# Days and times


def day(when: datetime | date, zone: str | None = None) -> Markup:
    """mar. 8 déc. 2026, Tue 8 Dec 2026."""
    local = _local(when, zone)
    return Markup("{} {}").format(_weekday(local, "abbreviated"), _day_month(local, "abbreviated", year=True))


def day_short(when: datetime | date, zone: str | None = None) -> Markup:
    """Without the year, where the page names it: mar. 8 déc."""
    local = _local(when, zone)
    return Markup("{} {}").format(
        _weekday(local, "abbreviated"), _day_month(local, "abbreviated", year=False)
    )


def day_month(when: datetime | date, zone: str | None = None) -> Markup:
    """8 déc., 8 Dec: for rulers and narrow columns beside a full date."""
    return _day_month(_local(when, zone), "abbreviated", year=False)


def day_long(when: datetime | date, zone: str | None = None) -> Markup:
    """mardi 8 décembre 2026."""
    local = _local(when, zone)
    return Markup("{} {}").format(_weekday(local, "wide"), _day_month(local, "wide", year=True))


def date_long(when: datetime | date, zone: str | None = None) -> Markup:
    """8 décembre 2026, without the day of the week."""
    return _day_month(_local(when, zone), "wide", year=True)


def month(when: datetime | date, zone: str | None = None) -> str:
    """juin 2026."""
    local = _local(when, zone)
    return f"{_locale().months['stand-alone']['wide'][local.month]} {local.year}"


def weekday_short(when: datetime | date, zone: str | None = None) -> str:
    """mar., Tue."""
    return _weekday(_local(when, zone), "abbreviated")


def week_span(first: date, last: date) -> Markup:
    """Du 7 au 13 décembre 2026, 7 to 13 December 2026; the month or year is said twice only where it changes."""
    if first.year != last.year:
        start = _day_month(first, "wide", year=True)
    elif first.month != last.month:
        start = _day_month(first, "wide", year=False)
    else:
        start = _ordinal(first)
    end = _day_month(last, "wide", year=True)
    return (
        Markup("Du {} au {}").format(start, end) if lang() == "fr" else Markup("{} to {}").format(start, end)
    )


def clock_time(when: datetime, zone: str | None = None) -> str:
    """14 h 00, 14:00."""
    local = _at(when, zone)
    return _hours_minutes(local.hour, local.minute)


def span(start: datetime, end: datetime, zone: str | None = None) -> str:
    """14 h 00 – 17 h 00, in one zone; a day later is said by +1."""
    first, last = _at(start, zone), _at(end, zone)
    later = (last.date() - first.date()).days
    suffix = f"{NARROW}(+{later}{NARROW}{'j' if lang() == 'fr' else 'd'})" if later else ""
    return f"{clock_time(start, zone)}{DASH}{clock_time(end, zone)}{suffix}"


def moment(when: datetime, zone: str | None = None) -> Markup:
    """mardi 8 décembre 2026, 14 h 00: whole, for sentences and deadlines."""
    return Markup("{}, {}").format(day_long(when, zone), clock_time(when, zone))


def strong_moment(when: datetime, zone: str | None = None) -> Markup:
    """The same, in bold and machine-readable, for the middle of a sentence."""
    return Markup('<time datetime="{}"><b>{}</b></time>').format(iso(when), moment(when, zone))


def clock_pair(pair: tuple[int, int]) -> str:
    """An hour and minute already read off a clock."""
    return _hours_minutes(*pair)


def moment_short(when: datetime, zone: str | None = None) -> Markup:
    """24 nov., 10 h 12: for a timeline whose page names the year."""
    return Markup("{}, {}").format(day_month(when, zone), clock_time(when, zone))


def moment_day(when: datetime, zone: str | None = None) -> Markup:
    """mar. 8 déc. 2026, 14 h 00."""
    return Markup("{}, {}").format(day(when, zone), clock_time(when, zone))


def duration(minutes: int) -> str:
    """3 h, 3 h 30, 45 min."""
    hours, rest = divmod(int(minutes), 60)
    if not hours:
        return f"{rest}{NARROW}min"
    return f"{hours}{NARROW}h{NARROW}{rest:02d}" if rest else f"{hours}{NARROW}h"


def elapsed(minutes: int) -> str:
    """A place on a session's own ruler: 0 h, 1 h 15."""
    return (
        duration(minutes) if minutes >= 60 else f"0{NARROW}h" + (f"{NARROW}{minutes:02d}" if minutes else "")
    )


def hours(count: int) -> str:
    """72 h."""
    return f"{count}{NARROW}h"


def minutes_left(until: datetime, now: datetime) -> int:
    """Whole minutes from `now` to `until`, rounded up, never below zero."""
    return max(0, -int((now - until) // timedelta(minutes=1)))


def time_left(until: datetime, now: datetime) -> str:
    """23 minutes, 24 h 56, 8 jours: always beside the instant itself."""
    left = minutes_left(until, now)
    if left <= 60:
        return ngettext("%(num)d minute", "%(num)d minutes", left)
    if left < 48 * 60:
        return duration(left)
    return days_count(left // 1440)


def days_count(count: int) -> str:
    """8 days."""
    return ngettext("%(num)d day", "%(num)d days", count)


def iso(when: datetime) -> str:
    """For `<time datetime>`."""
    return when.isoformat().replace("+00:00", "Z")


# Zones, places, languages


def zone_name(zone: str | None = None) -> str:
    """The city people know the zone by: Paris, La Réunion."""
    return _city(zone or _reader_zone(), lang())


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
    shift = _at(at, zone).utcoffset() or timedelta(0)
    whole, rest = divmod(abs(int(shift.total_seconds())) // 60, 60)
    sign = "−" if shift < timedelta(0) else "+"
    return f"UTC{sign}{whole}" + (f":{rest:02d}" if rest else "")


def same_hours(one: str | None, other: str | None, at: datetime) -> bool:
    """Whether two zones read the same on the clock at that instant, so that naming both would say nothing."""
    return _at(at, one).utcoffset() == _at(at, other).utcoffset()


def country_name(code: str | None) -> str:
    """FR → France."""
    return str(_locale().territories.get((code or "").upper(), code or ""))


def language_name(code: str) -> str:
    """fr → français, French."""
    return str(_locale().languages.get(code, code))


def languages(codes: Iterable[str]) -> str:
    """Français, anglais: first one with a capital."""
    return _capital(", ".join(language_name(code) for code in codes))


def in_languages(codes: Iterable[str]) -> str:
    """En anglais ou en français; In English or French."""
    names = [language_name(code) for code in codes]
    if lang() == "fr":
        return _capital(_joined([f"en {name}" for name in names], "ou"))
    return "In " + _joined(names, "or")


def listed(items: Iterable[str]) -> str:
    """a, b et c."""
    return _joined([str(i) for i in items], "et" if lang() == "fr" else "and")


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
        "%(length)s session, %(place)s", length=session_length(minutes), place=_small(format_name(kind))
    )


def usefulness_words(value: int) -> str:
    """Utilité 4 sur 5."""
    return gettext("Usefulness %(value)d out of 5", value=value)


# Names and text


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


def mail_address(sender: str) -> str:
    """The bare address of a sender line: Déclic <bonjour@…> → bonjour@…"""
    return parseaddr(sender)[1]


def session_length(minutes: int) -> str:
    """The length before "session": 3-hour, 3½-hour; in French the duration itself."""
    if lang() == "fr" or minutes % 30:
        return duration(minutes)
    return f"{minutes // 60}{'½' if minutes % 60 else ''}-hour"


def capitalize_first(text: str) -> str:
    """A capital on the first letter only: Heure de Paris."""
    return _capital(text)


def _joined(words: Sequence[str], link: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {link} {words[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _locale() -> Locale:
    return LOCALES[lang()]


def _reader_zone() -> str:
    return str(get_timezone() or "Europe/Paris")


def _zone(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or _reader_zone())


def _at(when: datetime, zone: str | None) -> datetime:
    if when.tzinfo is None:
        raise ValueError("an instant without a zone")
    return when.astimezone(_zone(zone))


def _local(when: datetime | date, zone: str | None) -> date:
    return _at(when, zone).date() if isinstance(when, datetime) else when


def _weekday(local: date, width: str) -> str:
    return str(_locale().days["format"][width][local.weekday()])


def _ordinal(local: date) -> Markup:
    return Markup("1<sup>er</sup>") if lang() == "fr" and local.day == 1 else Markup(str(local.day))  # noqa: S704


def _day_month(local: date, width: str, *, year: bool) -> Markup:
    name = str(_locale().months["format"][width][local.month])
    if lang() == "en" and name == "Sept":
        name = "Sep"
    text = Markup("{}{}{}").format(_ordinal(local), NO_BREAK, name)
    return Markup("{} {}").format(text, local.year) if year else text


def _hours_minutes(hour: int, minute: int) -> str:
    return f"{hour}{NARROW}h{NARROW}{minute:02d}" if lang() == "fr" else f"{hour:02d}:{minute:02d}"


def attribute(value: Any) -> str:
    """A formatted value as plain text, for an attribute or a title."""
    return value.striptags() if isinstance(value, Markup) else str(value)


FILTERS = {
    f.__name__: f
    for f in (
        money,
        money_round,
        money_bare,
        number,
        decimal,
        percent,
        rate,
        day,
        day_short,
        day_month,
        day_long,
        date_long,
        month,
        week_span,
        weekday_short,
        strong_moment,
        clock_pair,
        elapsed,
        clock_time,
        span,
        moment,
        moment_short,
        moment_day,
        duration,
        hours,
        minutes_left,
        time_left,
        days_count,
        iso,
        zone_name,
        zone_hour,
        zone_offset,
        same_hours,
        country_name,
        language_name,
        languages,
        in_languages,
        listed,
        format_name,
        session_words,
        usefulness_words,
        first_name,
        initials,
        paragraphs,
        marked,
        attribute,
        capitalize_first,
        mail_address,
        session_length,
        highlight.mark_for,
        highlight.mark_end,
    )
}
