"""What every operation reads: numbers, the object in its path, pages of lists; and how objects go out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..store import Books, Page, bare
from ..wrong import invalid

MOST_AMOUNT = 99_999_999
PAGING = ("limit", "starting_after", "ending_before", "expand")
RANGES = ("created", "arrival_date", "amount")
# What an id names, by its beginning.
PREFIXES = {
    "pi": "payment_intent", "ch": "charge", "py": "charge", "txn": "balance_transaction", "re": "refund",
    "pyr": "refund", "tr": "transfer", "trr": "transfer_reversal", "po": "payout", "tu": "topup", "cus": "customer",
    "du": "dispute", "cs": "checkout.session",
}  # fmt: skip
EXPANDABLE = {
    "payment_intent", "latest_charge", "balance_transaction", "charge", "customer", "source", "transfer", "refund",
    "failure_balance_transaction",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One request: the books, what was asked, the id in its path, where the pages are, whose account."""

    books: Books
    asked: dict[str, Any]
    id: str
    public_base: str
    account: str | None = None

    def needs(self, kind: str) -> dict[str, Any]:
        """The object of the path."""
        return need(self.books, kind, self.id)

    def shown(self, thing: dict[str, Any]) -> dict[str, Any]:
        """The answer, with what was asked to be expanded."""
        return shown(self.books, thing, self.asked)

    def amount(self, name: str = "amount") -> int | None:
        """An amount in minor units; None where it was not given."""
        return whole(self.asked[name], name, most=MOST_AMOUNT) if name in self.asked else None

    def metadata(self) -> dict[str, str]:
        """What the platform hangs on it."""
        given = self.asked.get("metadata") or {}
        if len(given) > 50 or any(len(k) > 40 or len(str(v)) > 500 for k, v in given.items()):
            raise invalid("Metadata has at most 50 keys of 40 characters, with 500 each.", param="metadata")
        return {name: str(value) for name, value in given.items() if value != ""}


Handler = Callable[[Call], dict[str, Any]]


def whole(text: Any, name: str, least: int = 1, most: int = 10**12) -> int:
    """A whole number within bounds."""
    if not re.fullmatch(r"-?\d{1,12}", str(text)):
        raise invalid(f"Invalid integer: {str(text)[:60]}", "parameter_invalid_integer", param=name)
    number = int(text)
    if number < least:
        raise invalid(f"This value must be greater than or equal to {least}.", param=name)
    if number > most:
        raise invalid(f"Amount must be no more than {most}.", "amount_too_large", param=name)
    return number


def truth(text: Any) -> bool:
    """A yes or no as a form carries it."""
    return str(text).lower() == "true"


def need(books: Books, kind: str, object_id: Any, param: str = "id") -> dict[str, Any]:
    """That object, or Stripe's word for there being none."""
    found = books.get(kind, object_id) if isinstance(object_id, str) else None
    if found is None:
        raise invalid(f"No such {kind}: '{object_id}'", "resource_missing", status=404, param=param)
    return found


def getter(kind: str) -> Handler:
    """An object by its id."""
    return lambda call: call.shown(call.needs(kind))


def lister(kind: str, url: str | None = None) -> Handler:
    """A page of objects of a kind, newest first, by whatever the operation takes."""
    return lambda call: listed(call, kind, url or f"/v1/{kind}s")


def listed(
    call: Call, kind: str, url: str, *, among: tuple[str, list[str]] | None = None, **fixed: Any
) -> dict[str, Any]:
    """The page; `fixed` are conditions of the path or of names that differ."""
    asked = {name: value for name, value in call.asked.items() if name not in PAGING}
    between = [bound for name in RANGES if name in asked for bound in _bounds(name, asked.pop(name))]
    limit = whole(call.asked.get("limit", 10), "limit", most=100)
    page = Page(limit, call.asked.get("starting_after"), call.asked.get("ending_before"))
    for name, value in (("starting_after", page.after), ("ending_before", page.before)):
        if value is not None and call.books.get(kind, value) is None:
            raise invalid(f"No such {kind}: '{str(value)[:60]}'", "resource_missing", param=name)
    rows = call.books.page(kind, asked | fixed, between=between, among=among, page=page, limit=limit + 1)
    more = len(rows) > limit
    rows = rows[-limit:] if page.before else rows[:limit]
    data = [bare(row) for row in rows]
    for path in _paths(call.asked):
        if path[0] != "data":
            raise invalid(f"This property cannot be expanded ({path[0]}).", param="expand")
        for one in data:
            _expand(call.books, one, path[1:])
    return {"object": "list", "url": url, "has_more": more, "data": data}


def _bounds(name: str, value: Any) -> list[tuple[str, str, int]]:
    if not isinstance(value, dict):
        number = whole(value, name, least=0)
        return [(name, "gte", number), (name, "lte", number)]
    return [(name, how, whole(number, f"{name}[{how}]", least=0)) for how, number in value.items()]


def shown(books: Books, thing: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The object as it goes out: without what is ours alone, with what was asked to be expanded."""
    out = bare(thing)
    for path in _paths(asked):
        _expand(books, out, path)
    return out


def _paths(asked: dict[str, Any]) -> list[list[str]]:
    paths = [str(path).split(".") for path in (asked.get("expand") or {}).values()]
    if any(len(path) > 4 for path in paths):
        raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
    return paths


def _expand(books: Books, thing: dict[str, Any], steps: list[str]) -> None:
    if not steps:
        return
    name, *rest = steps
    if name == "refunds" and thing["object"] == "charge":
        thing[name] = thing[name] | {"data": [bare(one) for one in books.find("refund", charge=thing["id"])]}
        return
    if name not in EXPANDABLE or name not in thing:
        raise invalid(f"This property cannot be expanded ({name}).", param="expand")
    value = thing[name]
    if isinstance(value, str):
        kind = PREFIXES.get(value.split("_")[0])
        found = books.get(kind, value) if kind else None
        thing[name] = value = bare(found) if found else value
    if isinstance(value, dict):
        _expand(books, value, rest)
