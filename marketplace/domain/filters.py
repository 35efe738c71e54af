"""What narrows a list of offers, and in which order it comes: read from an address, written back into one.

Within one filter several values mean "any of them", across filters "all of them". A value that is
none is left out and named, so that an old or mistyped address still shows a sensible page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

FORMATS = ("remote", "on_site")
LENGTHS = (180, 210, 240)
# Mean usefulness, in whole stars out of five, from which an offer counts.
RATINGS = (3, 4)
ORDERS = ("fit", "price", "price_down", "soonest", "rating", "newest")
# Filters whose values are counted beside the list.
FACETS = ("topic", "industry", "language", "format", "minutes")
MOST_VALUES = 10
MOST_EUROS = 100_000
HORIZON = timedelta(days=61)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_EUROS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Filters:
    """Prices in whole euros without VAT, both ends included; days included, in the reader's zone."""

    topic: tuple[str, ...] = ()
    industry: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    minutes: tuple[int, ...] = ()
    price_min: int | None = None
    price_max: int | None = None
    from_day: date | None = None
    to_day: date | None = None
    rating: int | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """As an address says it, in a fixed order: the same filters, the same address."""
        found: list[tuple[str, str]] = []
        for name in NAMES:
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else () if value is None else (value,)
            found += [(_IN_ADDRESS.get(name, name), str(one)) for one in values]
        return found

    def without(self, name: str, value: object = None) -> Filters:
        """The same without a filter, or without one of its values. "days" takes both days away."""
        if name == "days":
            return replace(self, from_day=None, to_day=None)
        kept = getattr(self, name)
        if not isinstance(kept, tuple):
            left: Any = None
        else:
            left = tuple(one for one in kept if value is not None and one != value)
        return replace(self, **{name: left})

    def set_names(self) -> tuple[str, ...]:
        """Which filters are set; the two days are one filter, "days"."""
        names = [name for name in NAMES if getattr(self, name) not in ((), None)]
        return tuple(dict.fromkeys("days" if name in ("from_day", "to_day") else name for name in names))

    def __bool__(self) -> bool:
        return bool(self.set_names())


NAMES = (*FACETS, "price_min", "price_max", "from_day", "to_day", "rating")
_IN_ADDRESS = {"from_day": "from", "to_day": "to"}
NONE = Filters()


def read_filters(asked: Mapping[str, Sequence[str]], today: date) -> tuple[Filters, tuple[str, ...]]:
    """The filters of an address, and the names in it whose value is none of theirs.

    `week=1` means from today on for seven days. Days turned round, and prices, are put in order.
    """
    wrong: list[str] = []

    def several(
        name: str, form: re.Pattern[str] | None = None, known: Collection[str] = ()
    ) -> tuple[str, ...]:
        given = list(dict.fromkeys(text.strip() for text in asked.get(name, ()) if text.strip()))
        right = [text for text in given if (form.fullmatch(text) if form else text in known)][:MOST_VALUES]
        if len(right) < len(given):
            wrong.append(name)
        return tuple(right)

    def one(name: str, form: re.Pattern[str]) -> str:
        given = next((text.strip() for text in asked.get(name, ()) if text.strip()), "")
        if given and not form.fullmatch(given):
            wrong.append(name)
            return ""
        return given

    def day(name: str) -> date | None:
        text = one(name, _DAY)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            wrong.append(name)
            return None

    low, high = (one(name, _EUROS) for name in ("price_min", "price_max"))
    prices = [int(text) if text else None for text in (low, high)]
    if None not in prices:
        prices.sort(key=lambda price: price or 0)
    first, last = day("from"), day("to")
    if any(text == "1" for text in asked.get("week", ())):
        first, last = today, today + timedelta(days=6)
    if first and last and first > last:
        first, last = last, first
    rating = several("rating", known=tuple(str(stars) for stars in RATINGS))
    return (
        Filters(
            topic=several("topic", _SLUG),
            industry=several("industry", _SLUG),
            language=several("language", _LANGUAGE),
            format=several("format", known=FORMATS),
            minutes=tuple(int(m) for m in several("minutes", known=tuple(str(m) for m in LENGTHS))),
            price_min=prices[0],
            price_max=prices[1],
            from_day=first,
            to_day=last,
            rating=int(rating[0]) if rating else None,
        ),
        tuple(dict.fromkeys(wrong)),
    )


# Of this millennium: no sum of days leads out of the calendar.
_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")


def read_order(text: str, *, asked: bool) -> str:
    """The order of an address. Without words there is no fit: the newest come first."""
    if text in ORDERS and (asked or text != "fit"):
        return text
    return "fit" if asked else "newest"
