"""Experts' accounts of the second generation: what is asked of them, what they may receive, what they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .store import Books, iso, new_id

# What a new account is asked for, and what may be asked later, in the provider's own words.
ASKED_AT_FIRST = (
    "identity.individual", "configuration.recipient.default_outbound_destination",
    "identity.attestations.terms_of_service.account",
)  # fmt: skip
ASKED_LATER = {
    "ask": "identity.individual.documents.primary_verification",
    "bank": "configuration.recipient.default_outbound_destination",
    "tax": "identity.business_details.id_numbers",
}
ACTIONS = ("complete", "restrict", *ASKED_LATER)
# Shown only where it is asked for with `include`.
INCLUDED = ("configuration", "defaults", "future_requirements", "identity", "requirements")


def create(books: Books, asked: dict[str, Any]) -> dict[str, Any]:
    """An account that nobody has gone through yet."""
    waiting = {"code": "requirements_past_due", "resolution": "provide_info"}
    defaults = asked.get("defaults") or {}
    responsibilities = {"requirements_collector": "stripe", **(defaults.get("responsibilities") or {})}
    return books.put("v2.core.account", {
        "id": new_id("acct"), "object": "v2.core.account", "applied_configurations": ["recipient"], "closed": False,
        "configuration": {"customer": None, "merchant": None, "recipient": {
            "applied": True,
            "capabilities": {"bank_accounts": None, "cards": None, "stripe_balance": {
                "payouts": None,
                "stripe_transfers": {"status": "restricted", "status_details": [waiting]}}}}},
        "contact_email": asked.get("contact_email"), "contact_phone": None, "created": iso(books.now),
        "dashboard": asked.get("dashboard"),
        "defaults": {"currency": "eur", "locales": None, "payout_methods": None, "profile": None,
                     **defaults, "responsibilities": responsibilities},
        "display_name": asked.get("display_name"), "future_requirements": None,
        "identity": {"attestations": None, "business_details": None, "country": None, "entity_type": None,
                     "individual": None, **(asked.get("identity") or {})},
        "livemode": False, "metadata": asked.get("metadata") or {},
        "requirements": _requirements(ASKED_AT_FIRST), "_balance": 0, "_onboarded": False,
    })  # fmt: skip


def _requirements(asked: tuple[str, ...]) -> dict[str, Any]:
    summary = {"minimum_deadline": {"status": "currently_due", "time": None}} if asked else None
    return {"alternatives": [], "entries": [_asks(what) for what in asked], "summary": summary}


def _asks(what: str) -> dict[str, Any]:
    """Something the provider still wants to know."""
    restricts = {
        "capability": "stripe_balance.stripe_transfers", "configuration": "recipient",
        "deadline": {"status": "currently_due"},
    }  # fmt: skip
    return {
        "description": what, "awaiting_action_from": "user", "errors": [],
        "impact": {"restricts_capabilities": [restricts]}, "minimum_deadline": {"status": "currently_due"},
        "reference": None, "requested_reasons": [{"code": "routine_onboarding"}],
    }  # fmt: skip


def transfers_of(account: dict[str, Any]) -> dict[str, Any]:
    """The capability that lets an account receive transfers."""
    found: dict[str, Any] = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    return dict(found["stripe_transfers"])


def takes_transfers(account: dict[str, Any]) -> bool:
    """Whether money can be sent to it now."""
    return bool(transfers_of(account)["status"] == "active")


def becomes(books: Books, account: dict[str, Any], action: str) -> dict[str, Any]:
    """What onboarding, or the provider later, makes of it: complete, restrict, or one more thing asked."""
    more = ASKED_LATER.get(action)
    if action == "complete":
        status, details = "active", []
    elif more:
        status, details = "restricted", [{"code": "requirements_past_due", "resolution": "provide_info"}]
    else:
        status, details = "restricted", [{"code": "restricted_other", "resolution": "contact_stripe"}]
    before = transfers_of(account)["status"]
    asked = account["requirements"]["entries"]
    balance = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    balance["stripe_transfers"] = {"status": status, "status_details": details}
    account["requirements"] = _requirements((more,) if more else ())
    account["_onboarded"] = account.get("_onboarded", True) or action != "restrict"
    books.put("v2.core.account", account)
    books.announce("account.updated", first_generation(account))
    if status != before:
        books.announce_thin("v2.core.account[configuration.recipient].capability_status_updated", account)
    if asked != account["requirements"]["entries"]:
        books.announce_thin("v2.core.account[requirements].updated", account)
    return account


def money_leaves(books: Books, account: dict[str, Any]) -> dict[str, Any]:
    """What it holds goes to the expert's own bank; a transfer can be reversed no more then."""
    return books.put("v2.core.account", account | {"_balance": 0})


def shown(account: dict[str, Any], include: set[str]) -> dict[str, Any]:
    """The account as it is shown: its larger parts only where they are asked for."""
    wanted = {one.split(".")[0] for one in include}
    out = {name: value for name, value in account.items() if not name.startswith("_")}
    return {name: None if name in INCLUDED and name not in wanted else value for name, value in out.items()}


def first_generation(account: dict[str, Any]) -> dict[str, Any]:
    """The same account as v1 shows it, in `account.updated`."""
    due = [one["description"] for one in account["requirements"]["entries"]]
    active = takes_transfers(account)
    empty: dict[str, Any] = {"alternatives": [], "current_deadline": None, "disabled_reason": None, "errors": [], "past_due": [],
             "pending_verification": []}  # fmt: skip
    url = f"/v1/accounts/{account['id']}/external_accounts"
    return {
        "id": account["id"], "object": "account", "business_profile": {"name": account["display_name"]},
        "business_type": None, "capabilities": {"transfers": "active" if active else "inactive"},
        "charges_enabled": False, "controller": {"type": "application"},
        "country": (account["identity"].get("country") or "").upper() or None,
        "created": int(datetime.fromisoformat(account["created"]).timestamp()), "default_currency": "eur",
        "details_submitted": account.get("_onboarded", True), "email": account["contact_email"],
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": url},
        "future_requirements": {**empty, "currently_due": [], "eventually_due": []},
        "metadata": account["metadata"], "payouts_enabled": active,
        "requirements": {**empty, "currently_due": due, "eventually_due": due,
                         "disabled_reason": None if active else "requirements.past_due" if due else "other"},
        "settings": {"dashboard": {"display_name": account["display_name"], "timezone": "Etc/UTC"}},
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None}, "type": "none",
    }  # fmt: skip
