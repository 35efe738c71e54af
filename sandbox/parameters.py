"""Parameters as Stripe reads them: nested form fields, JSON; unknown and missing ones refused by the published list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

from .books import invalid

PUBLISHED = json.loads((Path(__file__).parent / "data" / "requests.json").read_text("utf-8"))["operations"]


def read(request: Request) -> dict[str, Any]:
    if request.path.startswith("/v2/"):
        if request.method == "GET":
            return _nested(request.args.items(multi=True))
        try:
            body = json.loads(request.get_data() or b"{}")
        except ValueError:
            raise invalid("Invalid JSON.") from None
        return body if isinstance(body, dict) else {}
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
    """Unknown and missing parameters are refused as Stripe refuses them."""
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
