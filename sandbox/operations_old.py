"""The operations spoken: each takes the books, what was asked, and the path's id, and answers an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from . import books as money
from .books import Wrong, invalid, not_so
from .store import Books, new_id

Handler = Callable[[str, Books, dict[str, Any], dict[str, str]], dict[str, Any]]


def _whole(text: Any, name: str, least: int = 1) -> int:
    if not re.fullmatch(r"-?\d{1,12}", str(text)):
        raise invalid(f"Invalid integer: {text}", "parameter_invalid_integer", param=name)
    number = int(text)
    if number < least:
        raise invalid(f"This value must be greater than or equal to {least}.", param=name)
    return number


def _need(books: Books, kind: str, object_id: str) -> dict[str, Any]:
    found = books.get(kind, object_id) if isinstance(object_id, str) else None
    if found is None:
        raise invalid(f"No such {kind}: '{object_id}'", "resource_missing", status=404, param="id")
    return found


def create_session(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    expires = _whole(asked.get("expires_at", books.unix + 86400), "expires_at")
    if not books.unix + 1800 - 60 <= expires <= books.unix + 86400 + 60:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    total, prices = 0, []
    for number, item in enumerate((asked.get("line_items") or {}).values()):
        price = item.get("price_data") or {}
        if not {"currency", "unit_amount", "product_data"} <= price.keys():
            where = f"line_items[{number}][price_data]"
            raise invalid(f"Missing required param: {where}.", "parameter_missing", param=where)
        total += _whole(price["unit_amount"], "line_items") * _whole(item.get("quantity", 1), "quantity")
        prices.append(price)
    if not prices:
        raise invalid("Missing required param: line_items.", "parameter_missing", param="line_items")
    session_id = new_id("cs_test")
    first = prices[0]
    session = {
        "id": session_id, "object": "checkout.session", "amount_total": total, "amount_subtotal": total,
        "cancel_url": asked.get("cancel_url"), "client_reference_id": asked.get("client_reference_id"),
        "created": books.unix, "currency": first["currency"], "customer_email": asked.get("customer_email"),
        "expires_at": expires, "livemode": False, "locale": asked.get("locale", "en"),
        "metadata": asked.get("metadata", {}), "mode": "payment", "payment_intent": None, "payment_status": "unpaid",
        "status": "open", "success_url": asked["success_url"], "url": f"{public_base}/checkout/{session_id}",
        "_intent_data": asked.get("payment_intent_data", {}), "_name": first["product_data"]["name"],
    }  # fmt: skip
    books.put("checkout.session", session)
    return shown(books, session, asked)


def get_session(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    return shown(books, money.let_time_act(books, _need(books, "checkout.session", path["id"])), asked)


def expire_session(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    session = money.let_time_act(books, _need(books, "checkout.session", path["id"]))
    if session["status"] != "open":
        raise not_so(
            'Only Checkout Sessions with a status in ["open"] can be expired.', "checkout_session_not_open"
        )
    session["status"] = "expired"
    books.put("checkout.session", session)
    books.announce("checkout.session.expired", session)
    return shown(books, session, asked)


def get_intent(public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
    return shown(books, money.ended_authorisation(books, _need(books, "payment_intent", path["id"])), asked)


def capture_intent(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    intent = money.ended_authorisation(books, _need(books, "payment_intent", path["id"]))
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "captured")
    amount = _whole(asked.get("amount_to_capture", intent["amount"]), "amount_to_capture")
    if amount != intent["amount"]:
        raise invalid("The sandbox takes whole amounts.", "amount_too_large", param="amount_to_capture")
    if intent.get("_fails_at_capture"):
        money.cancel(books, intent, "automatic")
        return shown(books, intent, asked)
    return shown(books, money.take(books, intent), asked)


def cancel_intent(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    intent = money.ended_authorisation(books, _need(books, "payment_intent", path["id"]))
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent, "canceled")
    return shown(books, money.cancel(books, intent), asked)


def _unexpected(intent: dict[str, Any], done: str) -> Wrong:
    return not_so(
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}.",
        "payment_intent_unexpected_state",
    )


def create_refund(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    intent = _need(books, "payment_intent", asked.get("payment_intent", ""))
    amount = _whole(asked["amount"], "amount") if "amount" in asked else None
    return shown(books, money.refund(books, intent, amount, asked.get("metadata", {})), asked)


def create_transfer(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    if "amount" not in asked:
        raise invalid("Missing required param: amount.", "parameter_missing", param="amount")
    asked["amount"] = _whole(asked["amount"], "amount")
    return shown(books, money.transfer(books, asked), asked)


def create_reversal(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    amount = _whole(asked["amount"], "amount") if "amount" in asked else None
    made = _need(books, "transfer", path["id"])
    return shown(books, money.reverse(books, made, amount, asked.get("metadata") or {}), asked)


def list_reversals(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    made = _need(books, "transfer", path["id"])
    return lister("transfer_reversal", "transfer")(public_base, books, asked | {"transfer": made["id"]}, path)


def getter(kind: str) -> Handler:
    """An object by its id."""

    def get(public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
        return shown(books, _need(books, kind, path["id"]), asked)

    return get


def lister(kind: str, *filters: str) -> Handler:
    """A page of objects, newest first."""

    def listed(public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
        rows = books.find(kind, **{name: asked[name] for name in filters if name in asked})
        after = asked.get("starting_after")
        if after:
            ids = [row["id"] for row in rows]
            rows = rows[ids.index(after) + 1 :] if after in ids else []
        limit = min(_whole(asked.get("limit", 10), "limit"), 100)
        return {
            "object": "list", "url": f"/v1/{kind}s", "has_more": len(rows) > limit,
            "data": [shown(books, row, {}) for row in rows[:limit]],
        }  # fmt: skip

    return listed


def get_balance(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    line = {"amount": money.balance(books), "currency": "eur", "source_types": {"card": money.balance(books)}}
    return {"object": "balance", "livemode": False, "available": [line], "pending": [line | {"amount": 0}]}


def balance_settings(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    schedule = {"interval": "manual"}
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": None,
            "payouts": {"schedule": schedule, "statement_descriptor": None, "status": "enabled",
                        "minimum_balance_by_currency": None},
            "settlement_timing": {"delay_days": 2},
        },
    }  # fmt: skip


def create_account(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    account = {
        "id": new_id("acct"), "object": "v2.core.account", "livemode": False, "created": _iso(books.now),
        "contact_email": asked.get("contact_email"), "display_name": asked.get("display_name"),
        "dashboard": asked.get("dashboard"), "identity": asked.get("identity") or {},
        "metadata": asked.get("metadata") or {}, "defaults": asked.get("defaults"),
        "applied_configurations": ["recipient"],
        "configuration": {"recipient": {"capabilities": {"stripe_balance": {
            "stripe_transfers": {"status": "restricted", "status_details": []}}}}},
        "requirements": {"entries": [asks(what) for what in ASKED_AT_FIRST]},
    }  # fmt: skip
    return books.put("v2.core.account", account)


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


def asks(what: str) -> dict[str, Any]:
    """Something the provider still wants to know."""
    return {
        "description": what, "awaiting_action_from": "user", "errors": [], "impact": {},
        "minimum_deadline": {"status": "currently_due"}, "requested_reasons": [{"code": "routine_onboarding"}],
    }  # fmt: skip


def create_account_link(
    public_base: str, books: Books, asked: dict[str, Any], path: dict[str, str]
) -> dict[str, Any]:
    account = _need(books, "v2.core.account", asked.get("account", ""))
    case = asked.get("use_case")
    use = case.get("account_onboarding") if isinstance(case, dict) else None
    if not isinstance(use, dict) or not {"refresh_url", "return_url"} <= use.keys():
        raise invalid(
            "Missing required param: use_case[account_onboarding].", "parameter_missing", param="use_case"
        )
    token = new_id("link")
    link = {
        "id": token, "object": "v2.core.account_link", "account": account["id"], "created": _iso(books.now),
        "expires_at": _iso(books.now + timedelta(minutes=5)), "livemode": False, "use_case": asked["use_case"],
        "url": f"{public_base}/onboarding/{token}", "_return_url": use["return_url"],
        "_refresh_url": use["refresh_url"], "_until": books.unix + 300,
    }  # fmt: skip
    return shown(books, books.put("account_link", link), {})


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def shown(books: Books, thing: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The object as it goes out: without what is ours alone, with what was asked to be expanded."""
    out = {name: value for name, value in thing.items() if not name.startswith("_")}
    for path in (asked.get("expand") or {}).values():
        _expand(books, out, path.split("."))
    return out


_KINDS = {
    "payment_intent": "payment_intent",
    "latest_charge": "charge",
    "balance_transaction": "balance_transaction",
}


def _expand(books: Books, thing: dict[str, Any], steps: list[str]) -> None:
    if not steps:
        return
    name, *rest = steps
    if name not in _KINDS or name not in thing:
        raise invalid(f"This property cannot be expanded ({name}).")
    value = thing[name]
    if isinstance(value, str):
        found = books.get(_KINDS[name], value)
        if found is not None and name == "payment_intent":
            found = money.ended_authorisation(books, found)
        value = {k: v for k, v in (found or {}).items() if not k.startswith("_")}
        thing[name] = value
    if isinstance(value, dict):
        _expand(books, value, rest)


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/checkout/sessions", create_session),
    ("GET", "/v1/checkout/sessions/{session}", get_session),
    ("POST", "/v1/checkout/sessions/{session}/expire", expire_session),
    ("GET", "/v1/payment_intents/{intent}", get_intent),
    ("POST", "/v1/payment_intents/{intent}/capture", capture_intent),
    ("POST", "/v1/payment_intents/{intent}/cancel", cancel_intent),
    ("GET", "/v1/charges/{charge}", getter("charge")),
    ("POST", "/v1/refunds", create_refund),
    ("GET", "/v1/refunds/{refund}", getter("refund")),
    ("GET", "/v1/refunds", lister("refund", "payment_intent", "charge")),
    ("POST", "/v1/transfers", create_transfer),
    ("GET", "/v1/transfers/{transfer}", getter("transfer")),
    ("GET", "/v1/transfers", lister("transfer", "transfer_group", "destination")),
    ("POST", "/v1/transfers/{id}/reversals", create_reversal),
    ("GET", "/v1/transfers/{id}/reversals", list_reversals),
    ("GET", "/v1/events/{id}", getter("event")),
    ("GET", "/v1/events", lister("event", "type")),
    ("GET", "/v1/balance_transactions", lister("balance_transaction", "source", "type")),
    ("GET", "/v1/balance", get_balance),
    ("GET", "/v1/balance_settings", balance_settings),
    ("POST", "/v2/core/accounts", create_account),
    ("GET", "/v2/core/accounts/{id}", getter("v2.core.account")),
    ("POST", "/v2/core/account_links", create_account_link),
)
