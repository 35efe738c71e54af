"""The shapes of the first generation's objects, by Stripe's published examples: every name, nothing in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_PUBLISHED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "objects.json").read_text("utf-8")
)["resources"]


def shaped(kind: str, **values: Any) -> dict[str, Any]:
    """An object of this kind with all of its names: these values, and null elsewhere.

    A name that is neither published nor private (`_name`) raises KeyError: it would be a mistake of ours.
    """
    names = _PUBLISHED[kind]
    unknown = [name for name in values if name not in names and not name.startswith("_")]
    if unknown:
        raise KeyError(f"{kind} has no {', '.join(unknown)}")
    return {name: None for name in names} | {"object": kind} | values
