"""The API's description (OpenAPI 3.1), made from the types that answer and the parameters that are read."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import jsonify

from ..access import rule
from ..house import house
from ..problems import MEDIA_TYPE, Problem
from . import blueprint
from .answers import Offers, Slots, WholeOffer
from .asking import LANG, LIST, Parameter
from .schema import components_of, schema_of
from .slots import SLOTS

# Each address may answer these; what they mean stands in the problem itself.
_ERRORS = {
    "400": "The request is damaged.",
    "404": "There is no such live offer, or no such place in this list: `errors` names the cursor.",
    "422": "Parameters cannot be taken as they are; `errors` names each.",
    "429": "Your network has asked too often; `Retry-After` says after how many seconds to go on.",
    "500": "A fault of ours.",
    "503": "The records do not answer just now; `Retry-After` says when to try again.",
}
_LATER = {
    "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
}


@blueprint.get("/openapi.json")
@rule("public")
def openapi() -> Any:
    """The description; asks nothing of the records."""
    config = house().config
    return jsonify(described() | {"servers": [{"url": config.site_url}]})


@cache
def described() -> dict[str, Any]:
    """The document without its server. Pure: the code's own types, one operation after the other."""
    one = {"name": "offer_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Offers",
            "version": "1",
            "description": "Offers to read: found by a problem told in one’s own words, or one by one.",
        },
        "paths": {
            "/api/v1/offers": {
                "get": _operation("list_offers", "Find offers", [_parameter(one) for one in LIST], Offers)
            },
            "/api/v1/offers/{offer_id}": {
                "get": _operation("read_offer", "Read an offer", [one, _parameter(LANG)], WholeOffer)
            },
            "/api/v1/offers/{offer_id}/slots": {
                "get": _operation(
                    "list_slots", "See when a session can be held", [one, *map(_parameter, SLOTS)], Slots
                )
            },
        },
        "components": {"schemas": components_of(Offers, WholeOffer, Slots, Problem)},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    told = {"name": parameter.name, "in": "query", "description": parameter.description}
    return told | {"schema": parameter.schema}


def _operation(name: str, summary: str, parameters: list[dict[str, Any]], answer: type) -> dict[str, Any]:
    wrong = {"content": {MEDIA_TYPE: {"schema": schema_of(Problem)}}}
    found = {
        "description": "What was asked for.",
        "content": {"application/json": {"schema": schema_of(answer)}},
    }
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": found,
            **{status: {"description": words, **wrong} for status, words in _ERRORS.items()},
            **{status: {"description": _ERRORS[status], **wrong, **_LATER} for status in ("429", "503")},
        },
    }
