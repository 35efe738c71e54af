"""The description is true: made from the types, and tried by Schemathesis over the application itself."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
import schemathesis
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from marketplace.domain.errors import TextRefused
from marketplace.domain.words import clean_text
from marketplace.storage.offers import Offer
from marketplace.storage.people import Attempt
from marketplace.web.api.asking import TEXT
from marketplace.web.api.schema import components_of, schema_of

EXAMPLES = 60


@pytest.fixture
def described(demo_house: Flask) -> Any:
    """The description as it is handed out, read by Schemathesis; a fixed seed, so many examples."""
    with demo_house.extensions["declic"].db.transaction() as tx:
        tx.session.execute(sa.delete(Attempt))
    config = SchemathesisConfig(
        seed=6,
        projects=ProjectsConfig(
            default=ProjectConfig(generation=GenerationConfig(max_examples=EXAMPLES, deterministic=True))
        ),
    )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", demo_house, config=config)


@pytest.mark.parametrize("operation", ["list_offers", "read_offer", "list_slots"])
def test_every_answer_is_as_described(described: Any, demo_house: Flask, operation: str) -> None:
    """Right and wrong parameters alike: the status, the headers and the body are those described."""
    case = described.find_operation_by_id(operation).as_strategy()
    with demo_house.extensions["declic"].db.reading() as session:
        live = session.scalars(sa.select(Offer.id).where(Offer.status == "live").order_by(Offer.id)).first()
    statuses: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=case)
    def tried(case: Any) -> None:
        if operation == "list_slots" and len(case.path_parameters["offer_id"]) == 36:
            case.path_parameters["offer_id"] = str(live)
        answer = case.call()
        # Which zones there are, and that `to` lies after `from` and not too far, no schema says.
        about = [one["parameter"] for one in answer.json().get("errors", [])]
        case.validate_response(
            answer, excluded_checks=[positive_data_acceptance] if set(about) & {"to", "tz"} else []
        )
        statuses[answer.status_code] += 1

    tried()
    assert set(statuses) <= {200, 400, 404, 422}, statuses
    assert statuses[200] or operation == "read_offer"


def test_the_description_names_all_there_is(demo_house: Flask) -> None:
    answer = demo_house.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document = answer.json
    served = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule))
        for rule in demo_house.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
    }
    assert set(document["paths"]) == served - {"/api/v1/openapi.json"}
    assert document["servers"] == [{"url": "http://localhost:8000"}]
    assert set(document["components"]["schemas"]) == {
        "Expert", "FoundOffer", "Named", "Offers", "Price", "Problem", "Slot", "Slots", "WholeOffer", "Why", "Wrong",
    }  # fmt: skip


def test_the_pattern_of_text_is_the_rule_of_text() -> None:
    for number in (*range(0xD800), *range(0xE000, 0x11000)):
        letter = f"a{chr(number)}b"
        try:
            clean_text(letter, 10)
            taken = True
        except TextRefused:
            taken = False
        assert bool(re.search(TEXT, letter)) is taken, hex(number)


@dataclass(frozen=True)
class Inner:
    """Something
    within."""

    name: str


@dataclass(frozen=True)
class Outer:
    """Something."""

    id: uuid.UUID
    kind: Annotated[Literal["a", "b"], "which"]
    inner: Annotated[Inner | None, "if any"]
    many: tuple[Inner, ...]
    score: float = 0.0


def test_a_dataclass_as_json_schema() -> None:
    assert components_of(Outer) == {
        "Inner": {
            "type": "object",
            "description": "Something within.",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
        "Outer": {
            "type": "object",
            "description": "Something.",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "kind": {"type": "string", "enum": ["a", "b"], "description": "which"},
                "inner": {
                    "anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}],
                    "description": "if any",
                },
                "many": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
                "score": {"type": "number"},
            },
            "required": ["id", "kind", "inner", "many"],
        },
    }


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError):
        schema_of(complex)
    with pytest.raises(TypeError):
        schema_of(tuple[int, str])
