"""Filters and orders of the results as the page shows them: fields with counts, chips, and what emptied a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext as _

from ...domain.filters import FACETS, FORMATS, LENGTHS, ORDERS, RATINGS, Filters, read_filters, read_order
from ...services.offers import Taxonomy
from ...storage.narrowing import Counts
from ..formats.amounts import money_round
from ..formats.places import format_name, language_name
from ..formats.speech import capital, lang
from ..formats.times import date_long, duration

# So many values of a filter stand open; the others are one click away.
OPEN_VALUES = 6
WEEK = timedelta(days=6)


@dataclass(frozen=True)
class Asked:
    """What a results page was asked for besides words. `wrong`: the filters whose value is none of theirs."""

    query: str
    filters: Filters
    order: str
    wrong: tuple[str, ...]
    today: date
    zone: ZoneInfo

    def address(self, filters: Filters | None = None, **place: Any) -> str:
        """The results with these filters, in the same order."""
        named: dict[str, Any] = {}
        for name, value in (self.filters if filters is None else filters).pairs():
            named.setdefault(name, []).append(value)
        order = self.order if self.order != read_order("", asked=bool(self.query.strip())) else None
        return url_for("public.results", **{"q": self.query or None, "sort": order, **named, **place})

    @property
    def this_week(self) -> bool:
        return (self.filters.from_day, self.filters.to_day) == (self.today, self.today + WEEK)

    def window(self) -> tuple[datetime, datetime | None] | None:
        """From when to when a session is to begin; None where no day was asked for."""
        first, last = self.filters.from_day, self.filters.to_day
        if first is None and last is None:
            return None
        opens = datetime.combine(first or self.today, time(0), self.zone)
        return opens, datetime.combine(last + timedelta(days=1), time(0), self.zone) if last else None


def read(args: Any, query: str, taxonomy: Taxonomy, now: datetime, zone: ZoneInfo) -> Asked:
    """An address's filters and order. Topics, industries and languages nobody knows are left out and named."""
    today = now.astimezone(zone).date()
    filters, wrong = read_filters(args.to_dict(flat=False), today)
    known: dict[str, Any] = {
        "topic": taxonomy.topics.__contains__,
        "industry": taxonomy.industries.__contains__,
        "language": lambda code: language_name(code) != code,
    }
    for name, is_known in known.items():
        right = tuple(value for value in getattr(filters, name) if is_known(value))
        if right != getattr(filters, name):
            changed: dict[str, Any] = {name: right}
            filters, wrong = replace(filters, **changed), (*wrong, name)
    order = read_order(args.get("sort", ""), asked=bool(query.strip()))
    if args.get("sort") and args["sort"] not in ORDERS:
        wrong = (*wrong, "sort")
    return Asked(query, filters, order, tuple(dict.fromkeys(wrong)), today, zone)


def shown_beside(asked: Asked, counts: Counts, taxonomy: Taxonomy) -> SimpleNamespace:
    """All that stands around the list: fields, chips, orders, filters left out, and ways out of an empty one."""
    filters = asked.filters
    return SimpleNamespace(
        facets=[_facet(name, asked, counts, taxonomy) for name in FACETS],
        orders=[(order, words) for order, words in order_words().items() if asked.query.strip() or order != "fit"],
        order=asked.order,
        ratings=RATINGS,
        filters=filters,
        this_week=asked.this_week,
        chips=chips(asked, taxonomy),
        clear=asked.address(Filters()),
        ways_out=_ways_out(asked, counts),
        wrong=[filter_name(name) for name in asked.wrong],
    )  # fmt: skip


def order_words() -> dict[str, str]:
    """Each order of `domain.filters.ORDERS`, in words."""
    return {
        "fit": _("Closest to your problem"),
        "price": _("Price, lowest first"),
        "price_down": _("Price, highest first"),
        "soonest": _("Soonest free slot"),
        "rating": _("Best rated"),
        "newest": _("Newest"),
    }


def filter_name(name: str) -> str:
    """A filter, or the field of one, in words."""
    return {
        "topic": _("Topic"),
        "industry": _("Industry"),
        "language": _("Language of the session"),
        "format": _("Place"),
        "minutes": _("Length"),
        "price_min": _("Lowest price"),
        "price_max": _("Highest price"),
        "days": _("Days"),
        "from": _("First day"),
        "to": _("Last day"),
        "rating": _("Rating"),
        "sort": _("Order"),
    }.get(name, name)


def _facet(name: str, asked: Asked, counts: Counts, taxonomy: Taxonomy) -> SimpleNamespace:
    chosen = {str(value) for value in getattr(asked.filters, name)}
    held: Mapping[str, int] = counts.values.get(name, {})
    if name == "format":
        values: Iterable[str] = FORMATS
    elif name == "minutes":
        values = (str(minutes) for minutes in LENGTHS)
    else:
        values = sorted({*held, *chosen}, key=lambda value: (value not in chosen, -held.get(value, 0), value))
    options = [
        SimpleNamespace(
            value=value,
            words=_value(name, value, taxonomy),
            count=held.get(value, 0),
            chosen=value in chosen,
        )
        for value in values
        if held.get(value) or value in chosen
    ]
    return SimpleNamespace(
        name=name, words=filter_name(name), options=options[:OPEN_VALUES], more=options[OPEN_VALUES:]
    )


def _value(name: str, value: object, taxonomy: Taxonomy) -> str:
    if name in ("topic", "industry"):
        named = taxonomy.topics if name == "topic" else taxonomy.industries
        return named.get(str(value), {}).get(lang(), str(value))
    if name == "language":
        return capital(language_name(str(value)))
    if name == "format":
        return format_name(str(value))
    return duration(int(str(value)))


def chips(asked: Asked, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(words, the address without it) of each value that is set."""
    filters = asked.filters
    found = [
        (_value(name, value, taxonomy), filters.without(name, value))
        for name in FACETS
        for value in getattr(filters, name)
    ]
    if filters.price_min is not None:
        price = money_round(filters.price_min * 100)
        found.append((_("From %(price)s excl. VAT", price=price), filters.without("price_min")))
    if filters.price_max is not None:
        price = money_round(filters.price_max * 100)
        found.append((_("Up to %(price)s excl. VAT", price=price), filters.without("price_max")))
    if "days" in filters.set_names():
        found.append((_days(asked), filters.without("days")))
    if filters.rating is not None:
        words = _("Rated %(stars)s of 5 or more", stars=filters.rating)
        found.append((words, filters.without("rating")))
    return [(words, asked.address(rest)) for words, rest in found]


def _days(asked: Asked) -> str:
    first, last = asked.filters.from_day, asked.filters.to_day
    if asked.this_week:
        return _("Free this week")
    if first and last:
        return _("Free from %(first)s to %(last)s", first=_plain(first), last=_plain(last))
    if first:
        return _("Free from %(first)s on", first=_plain(first))
    return _("Free until %(last)s", last=_plain(last or asked.today))


def _plain(day: date) -> str:
    return str(date_long(day).striptags())


def _ways_out(asked: Asked, counts: Counts) -> list[SimpleNamespace]:
    """Each filter whose absence alone gives offers, the most first: which one emptied the list."""
    ways = [
        SimpleNamespace(
            words=filter_name(name),
            count=counts.without[name],
            url=asked.address(asked.filters.without(name)),
        )
        for name in asked.filters.set_names()
        if counts.without.get(name)
    ]
    return sorted(ways, key=lambda way: -way.count)
