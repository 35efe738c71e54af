"""What is wrong with a draft's answers, each by its refusal: form and check digits, never the registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stdnum.exceptions import ValidationError
from stdnum.fr import siren, siret
from stdnum.util import get_cc_module

from ...domain.errors import (
    AnswerRefused,
    CountryNotServed,
    Refusal,
    RegistrationWrong,
    TextRefused,
    VatNumberWrong,
)
from ...domain.profiles import (
    BIO_WORDS,
    IDENTITY,
    PROFILE,
    grounds_for,
    is_https,
    missing_identity,
    missing_profile,
    words_in,
)
from ...domain.vat import standard_rate
from ...gateways.payments import ACCOUNT_COUNTRIES
from ..companies import check_vat

# Whose number python-stdnum knows by form and check digit. Elsewhere (a German or Dutch register gives
# numbers without one) it is kept as given.
_REGISTERS = {
    "BE": "vat", "BG": "vat", "CA": "bn", "CH": "uid", "CZ": "dic", "DK": "cvr", "EE": "registrikood",
    "ES": "nif", "FI": "ytunnus", "GR": "vat", "HR": "oib", "IT": "iva", "LI": "peid", "NO": "orgnr", "PL": "nip",
    "PT": "nif", "RO": "cui", "SE": "orgnr", "US": "ein",
}  # fmt: skip


def problems(content: Mapping[str, Any], page: str = "") -> dict[str, Refusal]:
    """What keeps the draft from being submitted, a field at a time. page: "identity", "profile" or both."""
    found: dict[str, Refusal] = {}
    if page in ("", "identity"):
        found |= _missing(missing_identity(content)) | _identity(content)
    if page in ("", "profile"):
        found |= _missing(missing_profile(content)) | _profile(content)
    return {name: found[name] for name in (*IDENTITY, *PROFILE) if name in found}


def check_registration(number: str, country: str) -> str:
    """The number as its register writes it, or RegistrationWrong. A French SIRET gives its SIREN."""
    try:
        if country == "FR":
            bare = siret.compact(number)
            return str(siren.validate(siret.validate(bare)[:9] if len(bare) == 14 else bare))
        if country in _REGISTERS:
            rules: Any = get_cc_module(country.lower(), _REGISTERS[country])
            return str(rules.validate(number))
    except ValidationError as wrong:
        why = "key" if type(wrong).__name__ == "InvalidChecksum" else "form"
        raise RegistrationWrong(country=country, why=why) from None
    return number


def tidied(content: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as they are kept once submitted: numbers as their registers write them, no ground beside VAT."""
    wrong, country, tidy = problems(content), content["country"], dict(content)
    if content["registration"] and "registration" not in wrong:
        tidy["registration"] = check_registration(content["registration"], country)
    if content["vat_number"] and "vat_number" not in wrong:
        tidy["vat_number"] = check_vat(content["vat_number"], country)
    if content["vat_status"] == "liable":
        tidy["vat_ground"] = ""
    return tidy


def _missing(names: tuple[str, ...]) -> dict[str, Refusal]:
    return {name: AnswerRefused(why="missing") for name in names}


def _identity(content: Mapping[str, Any]) -> dict[str, Refusal]:
    found: dict[str, Refusal] = {}
    country = content["country"]
    if country and country not in ACCOUNT_COUNTRIES:
        found["country"] = CountryNotServed(country=country)
    if country and content["registration"]:
        _try(found, "registration", lambda: check_registration(content["registration"], country))
    liable = content["vat_status"] == "liable"
    if liable and country in ACCOUNT_COUNTRIES and standard_rate(country) is None:
        found["vat_status"] = AnswerRefused(why="no_vat_there")
    elif country and content["vat_number"]:
        _try(found, "vat_number", lambda: check_vat(content["vat_number"], country))
    exempt = content["vat_status"] == "exempt" and content["vat_ground"]
    if exempt and content["vat_ground"] not in grounds_for(country):
        found["vat_ground"] = AnswerRefused(why="ground")
    return found


def _profile(content: Mapping[str, Any]) -> dict[str, Refusal]:
    found: dict[str, Refusal] = {}
    least, most = BIO_WORDS
    count = words_in(content["bio"])
    if content["bio"] and count < least:
        found["bio"] = AnswerRefused(why="too_short", least=least, given=count)
    if count > most:
        found["bio"] = AnswerRefused(why="too_many_words", most=most, given=count)
    for name in ("website", "meeting_link"):
        if content[name] and not is_https(content[name]):
            found[name] = AnswerRefused(why="address")
    return found


def _try(found: dict[str, Refusal], name: str, check: Any) -> None:
    try:
        check()
    except (RegistrationWrong, VatNumberWrong, TextRefused) as refusal:
        found[name] = refusal
