"""What the published description and the `stripe` package say an operation takes: the sandbox's cut-down is held to it.

`python -m tests.sandbox.described` writes the cut-down anew from both; the package is the newer one.
"""

from __future__ import annotations

import importlib
import json
import types
import typing
from pathlib import Path
from typing import Any

import typing_extensions

SHARED = Path("/work/shared/stripe")
DATA = Path(__file__).parents[2] / "sandbox" / "data"
# Operation → the package's parameter class, under stripe.params.
OPERATIONS = {
    "POST /v1/checkout/sessions": "checkout._session_create_params.SessionCreateParams",
    "GET /v1/checkout/sessions/{session}": "checkout._session_retrieve_params.SessionRetrieveParams",
    "POST /v1/checkout/sessions/{session}/expire": "checkout._session_expire_params.SessionExpireParams",
    "POST /v1/payment_intents": "_payment_intent_create_params.PaymentIntentCreateParams",
    "GET /v1/payment_intents/{intent}": "_payment_intent_retrieve_params.PaymentIntentRetrieveParams",
    "GET /v1/payment_intents": "_payment_intent_list_params.PaymentIntentListParams",
    "POST /v1/payment_intents/{intent}/cancel": "_payment_intent_cancel_params.PaymentIntentCancelParams",
    "POST /v1/payment_intents/{intent}/capture": "_payment_intent_capture_params.PaymentIntentCaptureParams",
    "GET /v1/charges": "_charge_list_params.ChargeListParams",
    "GET /v1/charges/{charge}": "_charge_retrieve_params.ChargeRetrieveParams",
    "POST /v1/refunds": "_refund_create_params.RefundCreateParams",
    "GET /v1/refunds": "_refund_list_params.RefundListParams",
    "GET /v1/refunds/{refund}": "_refund_retrieve_params.RefundRetrieveParams",
    "POST /v1/refunds/{refund}/cancel": "_refund_cancel_params.RefundCancelParams",
    "GET /v1/disputes": "_dispute_list_params.DisputeListParams",
    "GET /v1/disputes/{dispute}": "_dispute_retrieve_params.DisputeRetrieveParams",
    "POST /v1/disputes/{dispute}": "_dispute_update_params.DisputeUpdateParams",
    "POST /v1/disputes/{dispute}/close": "_dispute_close_params.DisputeCloseParams",
    "POST /v1/transfers": "_transfer_create_params.TransferCreateParams",
    "GET /v1/transfers": "_transfer_list_params.TransferListParams",
    "GET /v1/transfers/{transfer}": "_transfer_retrieve_params.TransferRetrieveParams",
    "POST /v1/transfers/{id}/reversals": "_transfer_reversal_create_params.TransferReversalCreateParams",
    "GET /v1/transfers/{id}/reversals": "_transfer_reversal_list_params.TransferReversalListParams",
    "GET /v1/events": "_event_list_params.EventListParams",
    "GET /v1/events/{id}": "_event_retrieve_params.EventRetrieveParams",
    "GET /v1/balance": "_balance_retrieve_params.BalanceRetrieveParams",
    "GET /v1/balance_transactions": "_balance_transaction_list_params.BalanceTransactionListParams",
    "GET /v1/balance_transactions/{id}": "_balance_transaction_retrieve_params.BalanceTransactionRetrieveParams",
    "GET /v1/balance_settings": "_balance_settings_retrieve_params.BalanceSettingsRetrieveParams",
    "POST /v1/balance_settings": "_balance_settings_update_params.BalanceSettingsUpdateParams",
    "POST /v1/payouts": "_payout_create_params.PayoutCreateParams",
    "GET /v1/payouts": "_payout_list_params.PayoutListParams",
    "GET /v1/payouts/{payout}": "_payout_retrieve_params.PayoutRetrieveParams",
    "POST /v1/payouts/{payout}/cancel": "_payout_cancel_params.PayoutCancelParams",
    "POST /v1/topups": "_topup_create_params.TopupCreateParams",
    "GET /v1/topups": "_topup_list_params.TopupListParams",
    "GET /v1/topups/{topup}": "_topup_retrieve_params.TopupRetrieveParams",
    "POST /v1/customers": "_customer_create_params.CustomerCreateParams",
    "GET /v1/customers/{customer}": "_customer_retrieve_params.CustomerRetrieveParams",
    "GET /v1/customers/{customer}/cash_balance": "_customer_cash_balance_retrieve_params.CustomerCashBalanceRetrieveParams",
    "POST /v1/test_helpers/customers/{customer}/fund_cash_balance":
        "test_helpers._customer_fund_cash_balance_params.CustomerFundCashBalanceParams",
    "POST /v1/accounts/{account}/login_links": "_account_login_link_create_params.AccountLoginLinkCreateParams",
    "GET /v2/core/accounts/{id}": "v2.core._account_retrieve_params.AccountRetrieveParams",
}  # fmt: skip
# Of these the description fills pages; what we use of them is kept.
KEPT = {
    "payment_method_options": ("card", "customer_balance"),
    "payment_method_data": ("type", "customer_balance", "billing_details", "metadata"),
}
KINDS = (
    "balance", "balance_transaction", "charge", "checkout.session", "customer", "customer_cash_balance_transaction",
    "dispute", "event", "login_link", "payment_intent", "payout", "refund", "transfer", "transfer_reversal", "account",
)  # fmt: skip


def published(name: str) -> dict[str, Any] | None:
    """The parameters of an operation as Stripe publishes them; None where it came later."""
    method, path = name.split(" ")
    everything = json.loads((SHARED / "requests.json").read_text("utf-8"))["paths"]
    found = everything.get(path, {}).get(method.lower())
    if found is None:
        return None
    if method == "POST":
        return dict(found["body"]["schema"])
    query = [one for one in found["parameters"] if one["in"] == "query"]
    return {
        "type": "object", "properties": {one["name"]: one["schema"] for one in query},
        "required": [one["name"] for one in query if one["required"]],
    }  # fmt: skip


def package(name: str) -> dict[str, Any]:
    """The same as the package's class has it."""
    module, _, cls = OPERATIONS[name].rpartition(".")
    found = importlib.import_module(f"stripe.params.{module}")
    return _of_class(getattr(found, cls), found)


def _of_class(cls: Any, module: Any) -> dict[str, Any]:
    properties, required = {}, []
    for one in reversed(cls.__orig_bases__ if hasattr(cls, "__orig_bases__") else ()):
        del one
    for key, hint in vars(cls).get("__annotations__", {}).items():
        if key in ("idempotency_key", "stripe_version", "stripe_account", "stripe_context", "api_key"):
            continue
        if key in ("headers", "max_network_retries", "content_type"):
            continue
        value = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
        kind = _evaluated(value, module)
        if typing.get_origin(kind) in (typing.NotRequired, typing_extensions.NotRequired):
            kind = typing.get_args(kind)[0]
        else:
            required.append(key)
        properties[key] = _of_type(kind, module)
    return {"type": "object", "properties": properties, "required": required}


def _evaluated(value: Any, module: Any) -> Any:
    if isinstance(value, typing.ForwardRef):
        value = value.__forward_arg__
    if not isinstance(value, str):
        return value
    names = {**vars(typing), **vars(typing_extensions), **vars(module), "UntypedStripeObject": dict}
    return _Union.of(value, names)


class _Union:
    """`Literal['']|int` of names that may be strings of the package's own."""

    @staticmethod
    def of(text: str, names: dict[str, Any]) -> Any:
        return eval(text, names)


def _of_type(kind: Any, module: Any) -> dict[str, Any]:
    kind = _evaluated(kind, module)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = [_of_type(one, module) for one in typing.get_args(kind)]
        words = [one for one in options if one.get("enum")]
        plain = [one for one in options if one == {"type": "string"}]
        if words and plain:  # An open list of words; what is not in it is refused all the same.
            options = [one for one in options if one is not plain[0]]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin in (typing.Literal, typing_extensions.Literal):
        return {"type": "string", "enum": list(typing.get_args(kind))}
    if origin is list:
        return {"type": "array", "items": _of_type(typing.get_args(kind)[0], module)}
    if origin is dict or kind is dict:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if typing_extensions.is_typeddict(kind):
        return _of_class(kind, module)
    return {"type": {int: "integer", bool: "boolean", float: "number"}.get(kind, "string")}


def together(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """The published schema with the package's newer names; what either calls required is."""
    if old is None:
        return new
    if "properties" not in new or "properties" not in old:
        return old
    merged = {**new["properties"], **old["properties"]}
    for name in new["properties"].keys() & old["properties"].keys():
        merged[name] = together(old["properties"][name], new["properties"][name])
    return {**old, "properties": merged, "required": old.get("required") or []}


def cut(schema: dict[str, Any]) -> dict[str, Any]:
    """Without what fills pages and is never used here."""
    for name, kept in KEPT.items():
        inner = schema.get("properties", {}).get(name)
        if inner and "properties" in inner:
            inner["properties"] = {key: one for key, one in inner["properties"].items() if key in kept}
    return schema


def requests() -> dict[str, Any]:
    """The cut-down, from both."""
    return {name: cut(together(published(name), package(name))) for name in OPERATIONS}


def objects() -> dict[str, Any]:
    """The published examples of the kinds kept here."""
    everything = json.loads((SHARED / "objects.json").read_text("utf-8"))["resources"]
    return {kind: everything[kind] for kind in KINDS}


def write() -> None:
    """Write both files."""
    about = "Request parameters as Stripe publishes them (OpenAPI, MIT), with the newer names of stripe 16.1; operations spoken here."
    (DATA / "requests.json").write_text(
        json.dumps({"about": about, "operations": requests()}, sort_keys=True) + "\n"
    )
    about = "Example objects as Stripe publishes them (MIT), cut to the kinds kept here; only their names and types are used."
    (DATA / "objects.json").write_text(
        json.dumps({"about": about, "resources": objects()}, sort_keys=True) + "\n"
    )


if __name__ == "__main__":
    write()
