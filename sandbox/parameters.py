"""Parameters as Stripe reads them: nested form fields, JSON; unknown and missing ones refused by the published list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

from .wrong import invalid

PUBLISHED = json.loads((Path(__file__).parent / "data" / "requests.json").read_text("utf-8"))["operations"]


def read(request: Request) -> dict[str, Any]:
    if request.path.startswith("/v2/"):
        if request.method == "GET":
            return _nested(request.args.items(multi=True))
        try:
            body = json.loads(request.get_data() or b"{}")
        except (ValueError, RecursionError):
            raise invalid("Invalid JSON.") from None
        if not isinstance(body, dict):
            raise invalid("The body is one JSON object.")
        return body
    pairs = request.args.items(multi=True) if request.method == "GET" else parse_qsl(
        request.get_data(as_text=True), keep_blank_values=True
    )  # fmt: skip
    return _nested(pairs)


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as Stripe reads it."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        steps = re.findall(r"[^\[\]]+", name)
        if not steps or len(steps) > 8:
            raise invalid(f"Invalid parameter name: {name[:60]}")
        place = found
        for step in steps[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise invalid(f"Invalid parameter: {name[:60]}")
        if name.endswith("[]"):
            place.setdefault(steps[-1], {})[str(len(place.get(steps[-1], {})))] = value
        else:
            place[steps[-1]] = value
    return found


def check(name: str, asked: dict[str, Any]) -> None:
    """Unknown, missing and unfit parameters are refused as Stripe refuses them."""
    _check_text(asked)
    published = PUBLISHED.get(name)
    if published is None:
        return
    _check_known(asked, published, "")
    for needed in published.get("required", ()):
        if needed not in asked:
            raise invalid(f"Missing required param: {needed}.", "parameter_missing", param=needed)


def _check_known(asked: dict[str, Any], schema: dict[str, Any], above: str) -> None:
    properties = schema.get("properties")
    if properties is None:
        return
    for name, value in asked.items():
        path = f"{above}[{name}]" if above else name
        if name not in properties:
            raise invalid(f"Received unknown parameter: {path}", "parameter_unknown", param=path)
        inner = properties[name]
        _check_kind(value, inner, path)
        if isinstance(value, dict):
            options = inner.get("anyOf", [inner])
            objects = [one for one in options if one.get("properties")]
            if objects and not inner.get("additionalProperties"):
                _check_known(value, objects[0], path)
            items = next((one.get("items") for one in options if one.get("type") == "array"), None)
            if items and items.get("properties"):
                for index, one in value.items():
                    if isinstance(one, dict):
                        _check_known(one, items, f"{path}[{index}]")


def _check_text(value: Any) -> None:
    """No text that a database cannot keep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)
    elif isinstance(value, str) and ("\x00" in value or (not value.isprintable() and _lone(value))):
        raise invalid("Invalid characters in a parameter.")


def _lone(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _check_kind(value: Any, schema: dict[str, Any], path: str) -> None:
    """A single value where fields belong, fields where a single value belongs, a word that is none of the list."""
    options = schema.get("anyOf", [schema])
    nested = any(one.get("type") in ("object", "array") for one in options)
    single = any(one.get("type") not in ("object", "array") for one in options)
    if isinstance(value, dict) and not nested:
        raise invalid(f"Invalid string: {path}", param=path)
    if not isinstance(value, dict) and not single:
        raise invalid(f"Invalid {options[0]['type']}", "parameter_invalid", param=path)
    words = options[0].get("enum") if len(options) == 1 else None
    if words and isinstance(value, str) and value not in words:
        raise invalid(f"Invalid {path}: must be one of {', '.join(words)}", param=path)
    items = next((one["items"] for one in options if one.get("type") == "array" and "items" in one), None)
    if items and isinstance(value, dict):
        for index, one in value.items():
            _check_kind(one, items, f"{path}[{index}]")
