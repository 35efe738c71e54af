"""Accounts, and the links into their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .. import accounts
from ..store import iso, new_id
from ..wrong import invalid, not_so
from .reading import Call, need

COUNTRIES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "GB",
        "CH",
        "US",
        "CA",
    ]
)


def create_account(call: Call) -> dict[str, Any]:
    """An account for somebody who is to be paid."""
    for name in ("identity", "defaults", "configuration", "metadata"):
        if not isinstance(call.asked.get(name) or {}, dict):
            raise invalid(f"Invalid object: {name}", param=name)
    country = str((call.asked.get("identity") or {}).get("country", "")).upper()
    if country and country not in COUNTRIES:
        raise invalid(
            f"Accounts in {country[:10]} are not supported.", "country_unsupported", param="identity.country"
        )
    return accounts.shown(accounts.create(call.books, call.asked), _included(call))


def get_account(call: Call) -> dict[str, Any]:
    """An account, with the parts that were asked for."""
    return accounts.shown(call.needs("v2.core.account"), _included(call))


def _included(call: Call) -> set[str]:
    asked = call.asked.get("include") or []
    return {str(one) for one in (asked.values() if isinstance(asked, dict) else asked)}


def create_link(call: Call) -> dict[str, Any]:
    """A way into the onboarding pages, for one use within minutes."""
    account = need(call.books, "v2.core.account", call.asked.get("account", ""), "account")
    case = call.asked.get("use_case")
    use = case.get("account_onboarding") if isinstance(case, dict) else None
    if not isinstance(use, dict) or not {"refresh_url", "return_url"} <= use.keys():
        raise invalid(
            "Missing required param: use_case[account_onboarding].", "parameter_missing", param="use_case"
        )
    token = new_id("link")
    link = {
        "id": token, "object": "v2.core.account_link", "account": account["id"], "created": iso(call.books.now),
        "expires_at": iso(call.books.now + timedelta(minutes=5)), "livemode": False, "use_case": case,
        "url": f"{call.public_base}/onboarding/{token}", "_return_url": use["return_url"],
        "_refresh_url": use["refresh_url"], "_until": call.books.unix + 300,
    }  # fmt: skip
    call.books.put("account_link", link)
    return {name: value for name, value in call.shown(link).items() if name != "id"}


def create_login_link(call: Call) -> dict[str, Any]:
    """A way into the expert's own view, once the account has been through onboarding."""
    account = call.needs("v2.core.account")
    if not account.get("_onboarded", True):
        raise not_so("Cannot create a login link for an account that has not completed onboarding.")
    token = new_id("login")
    call.books.put("login_link", {"id": token, "account": account["id"], "_until": call.books.unix + 300})
    return {"object": "login_link", "created": call.books.unix, "url": f"{call.public_base}/express/{token}"}
