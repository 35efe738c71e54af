"""What an operation takes: by Stripe's published description (a copy beside this, tools/stripe_operations.py),
and by the parameter classes of the installed package. Nothing here knows the sandbox."""

from __future__ import annotations

import importlib
import json
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

import stripe
import typing_extensions

from marketplace.gateways.payments_stripe import StripePayments
from tests.gateways.recording import Request

COPY = json.loads((Path(__file__).parent / "stripe_operations.json").read_text("utf-8"))
PUBLISHED: dict[str, dict[str, Any]] = COPY["operations"]

# What the adapter calls of the package, and the operation that is; the package's class follows from the first.
CALLED = {
    "v1.accounts.login_links.create": "POST /v1/accounts/{account}/login_links",
    "v1.balance.retrieve": "GET /v1/balance",
    "v1.balance_transactions.list": "GET /v1/balance_transactions",
    "v1.balance_transactions.retrieve": "GET /v1/balance_transactions/{id}",
    "v1.charges.retrieve": "GET /v1/charges/{charge}",
    "v1.checkout.sessions.create": "POST /v1/checkout/sessions",
    "v1.checkout.sessions.expire": "POST /v1/checkout/sessions/{session}/expire",
    "v1.checkout.sessions.retrieve": "GET /v1/checkout/sessions/{session}",
    "v1.customers.create": "POST /v1/customers",
    "v1.disputes.list": "GET /v1/disputes",
    "v1.disputes.retrieve": "GET /v1/disputes/{dispute}",
    "v1.disputes.update": "POST /v1/disputes/{dispute}",
    "v1.payment_intents.cancel": "POST /v1/payment_intents/{intent}/cancel",
    "v1.payment_intents.capture": "POST /v1/payment_intents/{intent}/capture",
    "v1.payment_intents.create": "POST /v1/payment_intents",
    "v1.payment_intents.retrieve": "GET /v1/payment_intents/{intent}",
    "v1.payouts.create": "POST /v1/payouts",
    "v1.payouts.list": "GET /v1/payouts",
    "v1.payouts.retrieve": "GET /v1/payouts/{payout}",
    "v1.refunds.create": "POST /v1/refunds",
    "v1.refunds.list": "GET /v1/refunds",
    "v1.refunds.retrieve": "GET /v1/refunds/{refund}",
    "v1.transfers.create": "POST /v1/transfers",
    "v1.transfers.list": "GET /v1/transfers",
    "v1.transfers.retrieve": "GET /v1/transfers/{transfer}",
    "v1.transfers.reversals.create": "POST /v1/transfers/{id}/reversals",
    "v2.core.account_links.create": "POST /v2/core/account_links",
    "v2.core.accounts.create": "POST /v2/core/accounts",
    "v2.core.accounts.retrieve": "GET /v2/core/accounts/{id}",
    "v1.balance_settings.retrieve": "GET /v1/balance_settings",
}
OPERATIONS = {operation: called for called, operation in CALLED.items()}
# Newer than the published description; the package's classes alone say what they take.
NEWER = {name for name in OPERATIONS if "/v2/" in name or "balance_settings" in name}
# What is no parameter of the operation but of the request.
_OF_THE_REQUEST = set(stripe.RequestOptions.__annotations__)


def operation_of(request: Request) -> str:
    """Its name, as the description writes it; a path nobody describes fails."""
    names = [name for name in OPERATIONS if _fits(name, request)]
    # A fixed path before one with an id in that place.
    assert names, f"{request.method} {request.path} is no operation of ours"
    return min(names, key=lambda name: name.count("{"))


def _fits(name: str, request: Request) -> bool:
    method, path = name.split(" ")
    pattern = re.sub(r"\{\w+\}", r"[A-Za-z0-9_]+", path)
    return method == request.method and re.fullmatch(pattern, request.path) is not None


def faults(request: Request) -> list[str]:
    """Everything about its parameters that either description does not allow."""
    name = operation_of(request)
    by_package = _by_class(request.given, _class_of(OPERATIONS[name]), "the package: ")
    if name in NEWER:
        return by_package
    return _by_schema(request.given, _schema_of(name), "published: ") + by_package


def _schema_of(name: str) -> dict[str, Any]:
    described = PUBLISHED[name]
    if name.startswith("POST"):
        return dict(described["body"]["schema"])
    query = [one for one in described["parameters"] if one["in"] == "query"]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in query},
        "required": [one["name"] for one in query if one["required"]],
    }


def _by_schema(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if "anyOf" in schema:
        tried = [_by_schema(value, one, where) for one in schema["anyOf"]]
        return min(tried, key=len)
    kind = schema.get("type", "object")
    if kind == "array":
        return _rows(value, where) or [
            fault
            for index, one in value.items()
            for fault in _by_schema(one, schema["items"], f"{where}[{index}]")
        ]
    if kind == "object":
        return _fields_by_schema(value, schema, where)
    return _single(value, kind, where) or _word(value, schema, where)


def _fields_by_schema(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is not fields"]
    extra = schema.get("additionalProperties")
    known = schema.get("properties", {})
    found = [f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    for name, one in value.items():
        if name in known:
            found += _by_schema(one, known[name], f"{where}[{name}]")
        elif isinstance(extra, dict):
            found += _by_schema(one, extra, f"{where}[{name}]")
        else:
            found.append(f"{where}: {name} is unknown")
    return found


def _rows(value: Any, where: str) -> list[str]:
    if isinstance(value, dict) and sorted(value) == sorted(str(number) for number in range(len(value))):
        return []
    return [f"{where} is no list"]


def _single(value: Any, kind: str, where: str) -> list[str]:
    shapes = {"integer": r"-?\d+", "boolean": r"true|false", "number": r"-?\d+(\.\d+)?", "string": r"(?s).*"}
    fits = isinstance(value, str) and re.fullmatch(shapes[kind], value)
    return [] if fits else [f"{where} = {value!r} is no {kind}"]


def _word(value: str, schema: dict[str, Any], where: str) -> list[str]:
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} = {value!r} is none of {schema['enum']}"]
    if len(value) > schema.get("maxLength", len(value)):
        return [f"{where} is longer than {schema['maxLength']}"]
    return []


def _class_of(called: str) -> Any:
    """The parameter class of what is called on the client, found by its annotation."""
    method: Any = StripePayments("sk_test_x", [])._client
    for step in called.split("."):
        method = getattr(method, step)
    plain = method.__func__
    named = re.search(r"\w+Params", str(plain.__annotations__["params"]))
    assert named is not None
    room = plain.__module__.rpartition(".")[0].replace("stripe", "stripe.params", 1)
    return getattr(importlib.import_module(room), named[0])


def _hints(cls: Any) -> dict[str, Any]:
    names = {
        "StripeContext": str,
        "UntypedStripeObject": _AsMapping,
        **vars(typing),
        **vars(typing_extensions),
    }
    hints = typing_extensions.get_type_hints(cls, globalns=names | vars(sys.modules[cls.__module__]) | {
        "UntypedStripeObject": _AsMapping
    })  # fmt: skip
    return {name: hint for name, hint in hints.items() if name not in _OF_THE_REQUEST}


class _AsMapping:
    """Where the package takes an object of its own in the place of a dict: never what we give."""

    def __class_getitem__(cls, item: Any) -> Any:
        return dict[str, item]


def _by_class(value: Any, kind: Any, where: str) -> list[str]:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return min((_by_class(value, one, where) for one in typing.get_args(kind)), key=len)
    if origin in (typing.Literal, typing_extensions.Literal):
        return (
            []
            if value in typing.get_args(kind)
            else [f"{where} = {value!r} is none of {typing.get_args(kind)}"]
        )
    if origin is list:
        rows = dict(enumerate(value)) if isinstance(value, list) else value
        wrong = [] if isinstance(value, list) else _rows(value, where)
        (item,) = typing.get_args(kind)
        return wrong or [fault for i, one in rows.items() for fault in _by_class(one, item, f"{where}[{i}]")]
    if origin is dict:
        (_, item) = typing.get_args(kind)
        named = value.items() if isinstance(value, dict) else ()
        wrong = [] if isinstance(value, dict) else [f"{where} is not fields"]
        return wrong or [fault for name, one in named for fault in _by_class(one, item, f"{where}[{name}]")]
    if typing_extensions.is_typeddict(kind):
        return _fields_by_class(value, kind, where)
    if isinstance(value, (bool, int)):  # Only JSON has other than text.
        return [] if kind is type(value) else [f"{where} = {value!r} is no {kind.__name__}"]
    words = {int: "integer", bool: "boolean", float: "number", str: "string"}
    return _single(value, words[kind], where)


def _fields_by_class(value: Any, kind: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is not fields"]
    hints = _hints(kind)
    found = [
        f"{where}: {name} is missing"
        for name in kind.__required_keys__
        if name in hints and name not in value
    ]
    for name, one in value.items():
        if name in hints:
            found += _by_class(one, hints[name], f"{where}[{name}]")
        else:
            found.append(f"{where}: {name} is unknown")
    return found
