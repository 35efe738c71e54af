"""Standard VAT rates by country, as data, and the grounds for charging none, as codes.

Source: payments.md ("standard rates by country are data"); regulation.md, Invoices. Rates as of November
2026, in basis points. Outside the EU only countries whose standard rate is one figure for the whole country
are listed; the United States and Canada tax by state and province, so no rate is stated for them.
"""

from __future__ import annotations

REVERSE_CHARGE = "reverse_charge"
OUTSIDE_SCOPE = "outside_scope"
# The ground of a seller exempt as a small business. FR prints "TVA non applicable, art. 293 B du CGI".
SMALL_BUSINESS = {"FR": "fr_293b", "*": "small_business"}

EU_RATES = {
    "AT": 2_000,
    "BE": 2_100,
    "BG": 2_000,
    "CY": 1_900,
    "CZ": 2_100,
    "DE": 1_900,
    "DK": 2_500,
    "EE": 2_400,
    "ES": 2_100,
    "FI": 2_550,
    "FR": 2_000,
    "GR": 2_400,
    "HR": 2_500,
    "HU": 2_700,
    "IE": 2_300,
    "IT": 2_200,
    "LT": 2_100,
    "LU": 1_700,
    "LV": 2_100,
    "MT": 1_800,
    "NL": 2_100,
    "PL": 2_300,
    "PT": 2_300,
    "RO": 2_100,
    "SE": 2_500,
    "SI": 2_200,
    "SK": 2_300,
}
OTHER_RATES = {"CH": 810, "GB": 2_000, "IS": 2_400, "LI": 810, "NO": 2_500}
IN_EU = frozenset(EU_RATES)
# Greece writes EL in its VAT numbers; Monaco counts as French territory (Directive 2006/112/EC, art. 7).
_SAME_TERRITORY = {"EL": "GR", "MC": "FR"}


def territory(country: str) -> str:
    """The country code VAT knows a place by: two capital letters. Anything else: ValueError."""
    code = country.strip().upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        raise ValueError(f"no country code: {country!r}")
    return _SAME_TERRITORY.get(code, code)


def standard_rate(country: str) -> int | None:
    """The standard rate in basis points; None where no single one is known."""
    code = territory(country)
    return EU_RATES.get(code, OTHER_RATES.get(code))
