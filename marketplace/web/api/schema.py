"""JSON Schema (2020-12) of our own frozen dataclasses: the types that answer are the types described.

`Annotated[…, "words"]` describes a field; a class's docstring describes the class.
"""

from __future__ import annotations

import dataclasses
import types
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    uuid.UUID: {"type": "string", "format": "uuid"},
}


def schema_of(kind: Any) -> Schema:
    """The schema of one type; a dataclass is referred to by its name. TypeError for what JSON does not have."""
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if dataclasses.is_dataclass(kind):
        return {"$ref": f"#/components/schemas/{kind.__name__}"}  # type: ignore[union-attr]
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return schema_of(inside[0]) | {"description": inside[1]}
    if origin is Literal:
        return {"type": "string", "enum": list(inside)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(one) for one in inside]}
    if origin is tuple and inside[1:] == (Ellipsis,):
        return {"type": "array", "items": schema_of(inside[0])}
    raise TypeError(f"{kind} has no JSON schema")


def components_of(*kinds: Any) -> dict[str, Schema]:
    """Every dataclass these are made of, by name; a field without a default is required."""
    found: dict[str, Schema] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind.__name__ in found:
            continue
        hints = get_type_hints(kind, include_extras=True)
        fields = dataclasses.fields(kind)
        found[kind.__name__] = {
            "type": "object",
            "description": " ".join((kind.__doc__ or "").split()),
            "properties": {field.name: schema_of(hints[field.name]) for field in fields},
            "required": [field.name for field in fields if field.default is dataclasses.MISSING],
        }
        for hint in hints.values():
            waiting += _classes_in(hint)
    return dict(sorted(found.items()))


def _classes_in(kind: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(kind):
        yield kind
    for inside in get_args(kind):
        yield from _classes_in(inside)
