"""What is asked of a company that is billed: names of fields, countries, how long VAT numbers are."""

from __future__ import annotations

import re

from .errors import VatNumberWrong

BILLING = ("legal_name", "street", "postcode", "city", "country")

# ISO 3166-1, two letters.
_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA"
    " CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR"
    " GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM"
    " JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP"
    " MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY"
    " QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN"
    " TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())

# How many characters follow the country's letters (Commission's VIES page, "What is the format of a VAT
# number?"); two figures where a country has several lengths.
VAT_LENGTHS = {
    "AT": (9, 9), "BE": (10, 10), "BG": (9, 10), "CY": (9, 9), "CZ": (8, 10), "DE": (9, 9), "DK": (8, 8),
    "EE": (9, 9), "ES": (9, 9), "FI": (8, 8), "FR": (11, 11), "GR": (9, 9), "HR": (11, 11), "HU": (8, 8),
    "IE": (8, 9), "IT": (11, 11), "LT": (9, 12), "LU": (8, 8), "LV": (11, 11), "MT": (8, 8), "NL": (12, 12),
    "PL": (10, 10), "PT": (9, 9), "RO": (2, 10), "SE": (12, 12), "SI": (8, 8), "SK": (10, 10),
}  # fmt: skip
# Countries whose VAT numbers carry other letters than their code.
_PREFIX = {"GR": "EL", "MC": "FR"}
_SEPARATORS = re.compile(r"[\s.\-/_]+")


def vat_prefix(country: str) -> str:
    """The letters a country's VAT numbers start with."""
    return _PREFIX.get(country, country)


def vat_country(country: str) -> str:
    """The country by whose rules a number is read: Monaco's are French."""
    return "FR" if country == "MC" else country


def compact_vat(number: str, country: str) -> str:
    """As the registers write it: capitals, no spaces, the country's letters in front (EU countries).

    VatNumberWrong: short or long, by how many characters; other, when it carries another country's letters.
    """
    plain = _SEPARATORS.sub("", number).upper()
    lengths = VAT_LENGTHS.get(vat_country(country))
    if lengths is None:
        return plain
    prefix = vat_prefix(country)
    body = plain.removeprefix(prefix)
    other = next((code for code in VAT_LENGTHS if plain.startswith(vat_prefix(code))), None)
    if not plain.startswith(prefix) and other is not None and _has_length(plain[2:], other):
        raise VatNumberWrong(why="other", country=vat_country(country), prefix=prefix, other=other)
    facts = {"country": vat_country(country), "prefix": prefix, "needed": lengths[1], "least": lengths[0]}
    if len(body) < lengths[0]:
        raise VatNumberWrong(why="short", missing=lengths[0] - len(body), **facts)
    if len(body) > lengths[1]:
        raise VatNumberWrong(why="long", missing=len(body) - lengths[1], **facts)
    return prefix + body


def _has_length(body: str, country: str) -> bool:
    least, most = VAT_LENGTHS[country]
    return least <= len(body) <= most
