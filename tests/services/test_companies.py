"""Who is billed: nothing missing, a VAT number that can be one, and not by outsiders."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.domain.errors import BillingMissing, NotFound, TextRefused, VatNumberWrong
from marketplace.domain.policy import ANONYMOUS, Actor
from marketplace.services.companies import check_vat, give_billing, missing_billing
from marketplace.storage.companies import Company
from marketplace.storage.db import Database
from tests import factories as make

WHOLE = {
    "legal_name": "Foncière Calvière SA", "street": "2 rue Haute", "postcode": "75002", "city": "Paris",
    "country": "FR", "vat_number": "FR 40 303 265 045",
}  # fmt: skip


def give(db: Database, lead: make.Lead, actor: Actor | None = None, **more: Any) -> Company:
    return give_billing(db, actor or lead.actor, company_id=lead.company.id, **(WHOLE | more))


def test_given_once_it_is_kept(db: Database) -> None:
    lead = make.lead(db, billing=False)
    assert set(missing_billing(lead.company)) == {"legal_name", "street", "postcode", "city", "country"}
    kept = give(db, lead, legal_name="  Foncière   Calvière SA ", country="fr")
    assert missing_billing(kept) == ()
    assert (kept.legal_name, kept.country, kept.vat_number) == ("Foncière Calvière SA", "FR", "FR40303265045")


def test_without_a_vat_number_it_is_whole(db: Database) -> None:
    kept = give(db, make.lead(db, billing=False), vat_number="")
    assert kept.vat_number is None
    assert missing_billing(kept) == ()


@pytest.mark.parametrize("field", ["legal_name", "street", "postcode", "city", "country"])
def test_what_is_missing_is_named(db: Database, field: str) -> None:
    with pytest.raises(BillingMissing) as missing:
        give(db, make.lead(db), **{field: "  "})
    assert missing.value.facts["missing"] == (field,)


def test_a_country_is_one_of_the_worlds(db: Database) -> None:
    with pytest.raises(BillingMissing) as missing:
        give(db, make.lead(db), country="ZZ")
    assert missing.value.facts["missing"] == ("country",)


def test_too_long_or_unkeepable_is_refused(db: Database) -> None:
    for wrong in ({"legal_name": "n" * 201}, {"city": "P\0aris"}, {"country": "FRA"}):
        with pytest.raises(TextRefused):
            give(db, make.lead(db), **wrong)


def test_outsiders_find_no_company(db: Database) -> None:
    lead = make.lead(db)
    for outsider in (make.lead(db).actor, make.seller(db).actor, make.operator(db), ANONYMOUS):
        with pytest.raises(NotFound):
            give(db, lead, outsider)


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [
        ("FR40303265045", "FR", "FR40303265045"),
        ("40.303.265.045", "FR", "FR40303265045"),
        ("FR40303265045", "MC", "FR40303265045"),
        ("de 136 695 976", "DE", "DE136695976"),
        ("EL 094259216", "GR", "EL094259216"),
        ("GB980780684", "GB", "GB980780684"),
        ("12-3456789", "US", "123456789"),
    ],
)
def test_vat_numbers_that_can_be(number: str, country: str, kept: str) -> None:
    assert check_vat(number, country) == kept


@pytest.mark.parametrize(
    ("number", "country", "facts"),
    [
        ("FR 12 345 678", "FR", {"why": "short", "missing": 3, "needed": 11}),
        ("FR 403 032 650", "FR", {"why": "short", "missing": 2}),
        ("FR 40 303 265 0451", "FR", {"why": "long", "missing": 1}),
        ("FR40303265046", "FR", {"why": "key"}),
        ("ABCDEFGHI", "DE", {"why": "form"}),
        ("DE136695976", "FR", {"why": "other", "other": "DE"}),
    ],
)
def test_vat_numbers_that_cannot_be(number: str, country: str, facts: dict[str, Any]) -> None:
    with pytest.raises(VatNumberWrong) as wrong:
        check_vat(number, country)
    assert {name: wrong.value.facts[name] for name in facts} == facts
