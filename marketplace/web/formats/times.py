"""Days, times and lengths. Instants are aware UTC; a zone is an IANA name, the reader's own where none is given."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import ngettext
from markupsafe import Markup

from .speech import NARROW, NO_BREAK, lang, locale, reader_zone

DASH = f"{NARROW}–{NARROW}"


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
    return f"{locale().months['stand-alone']['wide'][local.month]} {local.year}"


def weekday_short(when: datetime | date, zone: str | None = None) -> str:
    """mar., Tue."""
    return _weekday(_local(when, zone), "abbreviated")


def weekday_name(day: int) -> str:
    """lundi, Monday: ISO days 1..7."""
    return str(locale().days["stand-alone"]["wide"][day - 1])


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
    local = local_time(when, zone)
    return _hours_minutes(local.hour, local.minute)


def span(start: datetime, end: datetime, zone: str | None = None) -> str:
    """14 h 00 – 17 h 00, in one zone; a day later is said by +1."""
    first, last = local_time(start, zone), local_time(end, zone)
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


def day_clock(when: datetime, zone: str | None = None) -> str:
    """mer. 11 h 20, Wed 11:20: within a week that the page names."""
    return f"{weekday_short(when, zone)} {clock_time(when, zone)}"


def clock_hour(hour: int) -> str:
    """8 h, 08:00: the hours beside a calendar."""
    return f"{hour}{NARROW}h" if lang() == "fr" else f"{hour:02d}:00"


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


def session_length(minutes: int) -> str:
    """The length before "session": 3-hour, 3½-hour; in French the duration itself."""
    if lang() == "fr" or minutes % 30:
        return duration(minutes)
    return f"{minutes // 60}{'½' if minutes % 60 else ''}-hour"


def local_time(when: datetime, zone: str | None) -> datetime:
    """The instant on a zone's clock; a naive one is refused."""
    if when.tzinfo is None:
        raise ValueError("an instant without a zone")
    return when.astimezone(_zone(zone))


def _local(when: datetime | date, zone: str | None) -> date:
    return local_time(when, zone).date() if isinstance(when, datetime) else when


def _weekday(local: date, width: str) -> str:
    return str(locale().days["format"][width][local.weekday()])


def _ordinal(local: date) -> Markup:
    return Markup("1<sup>er</sup>") if lang() == "fr" and local.day == 1 else Markup(str(local.day))  # noqa: S704


def _day_month(local: date, width: str, *, year: bool) -> Markup:
    name = str(locale().months["format"][width][local.month])
    if lang() == "en" and name == "Sept":
        name = "Sep"
    text = Markup("{}{}{}").format(_ordinal(local), NO_BREAK, name)
    return Markup("{} {}").format(text, local.year) if year else text


def _hours_minutes(hour: int, minute: int) -> str:
    return f"{hour}{NARROW}h{NARROW}{minute:02d}" if lang() == "fr" else f"{hour:02d}:{minute:02d}"


def _zone(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or reader_zone())
