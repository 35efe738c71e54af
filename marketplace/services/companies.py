"""Companies: who is billed, and where."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum.ch import vat as swiss_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as british_vat

from ..domain.companies import BILLING, COUNTRIES, VAT_LENGTHS, compact_vat, vat_country, vat_prefix
from ..domain.errors import BillingMissing, NotFound, VatNumberWrong
from ..domain.policy import Actor, Parties, may
from ..domain.words import clean_line
from ..storage.companies import Company, Membership
from ..storage.db import Database
from .people import write_audit

_MOST = {"legal_name": 200, "street": 200, "postcode": 20, "city": 100, "country": 2, "vat_number": 40}
_ELSEWHERE: dict[str, Any] = {"GB": british_vat, "CH": swiss_vat, "LI": swiss_vat}


def missing_billing(company: Company) -> tuple[str, ...]:
    """Which of legal name, street, postcode, city and country are not given. A VAT number not every company has."""
    return tuple(field for field in BILLING if not getattr(company, field))


def give_billing(
    db: Database,
    actor: Actor,
    *,
    company_id: uuid.UUID,
    legal_name: str,
    street: str,
    postcode: str,
    city: str,
    country: str,
    vat_number: str = "",
) -> Company:
    """Keep who is billed. BillingMissing (missing), VatNumberWrong (why, …), NotFound for outsiders."""
    typed = {
        "legal_name": legal_name, "street": street, "postcode": postcode, "city": city,
        "country": country.upper(), "vat_number": vat_number,
    }  # fmt: skip
    given = {name: clean_line(text, _MOST[name]) for name, text in typed.items()}
    if given["country"] == "EL":
        given["country"] = "GR"
    missing = tuple(name for name in BILLING if not given[name])
    if given["country"] not in COUNTRIES and "country" not in missing:
        missing = (*missing, "country")
    if missing:
        raise BillingMissing(missing=missing)
    number = check_vat(given["vat_number"], given["country"]) if given["vat_number"] else None
    with db.transaction() as tx:
        company = tx.session.get(Company, company_id, with_for_update=True)
        parties = Parties(lead_id=None, company_id=company_id, expert_id=None)
        if company is None or not may("company.bill", actor, parties):
            raise NotFound
        for name in BILLING:
            setattr(company, name, given[name])
        company.vat_number = number
        write_audit(tx, actor_id=actor.person_id, act="company.billing", subject=str(company.id))
        return company


def check_vat(number: str, country: str) -> str:
    """The number in its compact form, or VatNumberWrong. Form and check digits only: whether it is
    registered, the Commission's register alone knows."""
    compact = compact_vat(number, country)
    module = _rules(country)
    if module is None:
        return compact
    try:
        valid = str(module.validate(compact))
    except ValidationError as wrong:
        facts = {"country": vat_country(country), "prefix": vat_prefix(country)}
        why = "key" if type(wrong).__name__ == "InvalidChecksum" else "form"
        raise VatNumberWrong(why=why, **facts) from None
    return f"GB{valid}" if country == "GB" else valid if vat_country(country) not in VAT_LENGTHS else compact


def _rules(country: str) -> Any:
    if vat_country(country) in VAT_LENGTHS:
        return eu_vat
    return _ELSEWHERE.get(country)


def companies_of(session: Session, person_id: uuid.UUID) -> list[tuple[Company, tuple[str, ...]]]:
    """The companies a person belongs to, with their roles there."""
    rows = session.execute(
        sa.select(Company, Membership.roles)
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.person_id == person_id)
        .order_by(Membership.joined_at, Membership.id)
    )
    return [(company, tuple(roles)) for company, roles in rows]
