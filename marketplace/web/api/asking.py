"""What one may ask of the list of offers: each parameter's schema, and reading them from an address.

Filters and orders are those of the results page (domain/filters.py). What a page leaves out and shows
all the same is refused here by name: a program cannot see that its filter did nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _

from ...domain.errors import TextRefused
from ...domain.filters import (
    FORMATS,
    LENGTHS,
    MOST_VALUES,
    ORDERS,
    RATINGS,
    Filters,
    read_filters,
    read_order,
)
from ...domain.words import clean_text
from ...services.search import Position
from ..language import DEFAULT, LANGUAGES
from ..position import read_position
from ..problems import Wrong

# More than the page's: a program may send a whole description, of which the first telling words weigh.
MOST_CHARACTERS = 8_000
A_PAGE, MOST_ITEMS = 10, 50
ORDER = "sort"
# What domain/words.py takes, as a pattern: no controls, nothing that turns the reading direction.
TEXT = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\u202a-\\u202e\\u2066-\\u2069]*$"

Schema = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the query, as OpenAPI describes it."""

    name: str
    schema: Schema
    description: str


def _several(values: Schema) -> Schema:
    return {"type": "array", "items": values, "maxItems": MOST_VALUES}


_SLUG: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,79}$"}
_EUROS: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999}
_DAY: Schema = {"type": "string", "format": "date", "pattern": "^2"}

LANG = Parameter(
    "lang",
    {"type": "string", "enum": list(LANGUAGES), "default": DEFAULT},
    "The language of names, of addresses and of what is said about errors. It narrows nothing: a problem "
    "told in one language finds offers written in the other.",
)
FILTERS = (
    Parameter("topic", _several(_SLUG), "Any of these topics, by slug."),
    Parameter("industry", _several(_SLUG), "Any of these industries, by slug."),
    Parameter("language", _several({"type": "string", "pattern": "^[a-z]{2}$"}), "Any of these languages is spoken."),
    Parameter("format", _several({"type": "string", "enum": list(FORMATS)}), "Any of these ways to meet."),
    Parameter("minutes", _several({"type": "integer", "enum": list(LENGTHS)}), "Any of these lengths."),
    Parameter("price_min", _EUROS, "In whole euros, without VAT."),
    Parameter("price_max", _EUROS, "In whole euros, without VAT."),
    Parameter("from", _DAY, "A session can start on this day or later, in Europe/Paris."),
    Parameter("to", _DAY, "A session can start on this day or earlier, in Europe/Paris."),
    Parameter("week", {"type": "string", "enum": ["1"]}, "A session can start within seven days from today on."),
    Parameter("rating", {"type": "integer", "enum": list(RATINGS)}, "Rated as useful as this on average, out of five."),
)  # fmt: skip
LIST = (
    Parameter(
        "q",
        {"type": "string", "maxLength": MOST_CHARACTERS, "pattern": TEXT},
        "The problem in one’s own words, in French or English, as long or short as it is. Without it, or "
        "with nothing in it, all offers are listed.",
    ),
    LANG,
    *FILTERS,
    Parameter(
        ORDER,
        {"type": "string", "enum": list(ORDERS)},
        "By default the best fit first; without `q`, and where `fit` is asked without it, the newest.",
    ),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": A_PAGE}, "So many at most."),
    Parameter("cursor", {"type": "string"}, "`next_cursor` of the page before, with the same question."),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question to the list. `about` names it in cursors: one of another question is refused."""

    query: str
    filters: Filters
    order: str
    limit: int
    after: Position | None
    about: str


def read_lang() -> list[Wrong]:
    """What is wrong with `lang`."""
    given = request.args.get("lang", DEFAULT)
    return [] if given in LANGUAGES else [Wrong("lang", _one_of(LANGUAGES))]


def read_asked(today: date) -> tuple[Asked, list[Wrong]]:
    """The question of this request, and all that is wrong with it: then it is not to be answered."""
    args, wrong = request.args, read_lang()
    query = ""
    try:
        query = clean_text(args.get("q", ""), MOST_CHARACTERS)
    except TextRefused as refused:
        wrong.append(Wrong("q", _why(refused)))
    filters, strange = read_filters(args.to_dict(flat=False), today)
    wrong += [Wrong(name, _filter_words(name)) for name in strange]
    if args.get("week", "1") != "1":
        wrong.append(Wrong("week", _one_of(("1",))))
    order = args.get(ORDER, "")
    if order and order not in ORDERS:
        wrong.append(Wrong(ORDER, _one_of(ORDERS)))
    order = read_order(order, asked=bool(query))
    limit = args.get("limit", str(A_PAGE))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 9 and 1 <= int(limit) <= MOST_ITEMS):
        wrong.append(Wrong("limit", _("a whole number from 1 to %(most)d", most=MOST_ITEMS)))
        limit = str(A_PAGE)
    about = _about(query, order)
    after = read_position(args.get("cursor"), about)
    if args.get("cursor") and (after is None or after.order != order):
        wrong.append(Wrong("cursor", _("a “next_cursor” of ours, with the question it came from")))
    return Asked(query, filters, order, int(limit), after, about), wrong


def _about(query: str, order: str) -> str:
    """A question without its page: as it was written, so that "this week" lasts over midnight."""
    names = {parameter.name for parameter in FILTERS}
    narrowed = sorted((name, text) for name, text in request.args.items(multi=True) if name in names and text)
    return urlencode([("q", query), (ORDER, order), *narrowed])


def _why(refused: TextRefused) -> str:
    if refused.facts["why"] == "too_long":
        return _("at most %(most)d characters", most=MOST_CHARACTERS)
    return _("text without control characters and marks that turn the reading direction")


def _one_of(values: tuple[str, ...]) -> str:
    return _("one of: %(values)s", values=", ".join(values))


def _filter_words(name: str) -> str:
    """What a filter takes."""
    if name in ("topic", "industry"):
        return _("up to %(most)d slugs: small letters, digits and hyphens", most=MOST_VALUES)
    if name == "language":
        return _("up to %(most)d language codes of two letters", most=MOST_VALUES)
    if name in ("price_min", "price_max"):
        return _("a whole number of euros, at most six digits")
    if name in ("from", "to"):
        return _("a day there is, as YYYY-MM-DD")
    known = {"format": FORMATS, "minutes": LENGTHS, "rating": RATINGS}
    return _one_of(tuple(str(value) for value in known[name]))
