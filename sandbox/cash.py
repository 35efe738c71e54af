"""A customer's cash balance: bank transfers that belong to no payment yet."""

from __future__ import annotations

from typing import Any

from .store import Books, new_id


def held(books: Books, customer_id: str) -> int:
    """What it holds, minor units."""
    return int(books.must("customer", customer_id).get("_cash", 0))


def change(books: Books, customer_id: str, by: int, kind: str, **about: Any) -> dict[str, Any]:
    """Move money into it or out of it, with a line of its own that says why."""
    customer = books.must("customer", customer_id)
    customer["_cash"] = customer.get("_cash", 0) + by
    assert customer["_cash"] >= 0, "a cash balance is never below zero"
    books.put("customer", customer)
    line = {
        "id": new_id("ccsbtxn"), "object": "customer_cash_balance_transaction", "created": books.unix,
        "currency": "eur", "customer": customer_id, "customer_account": None, "ending_balance": customer["_cash"],
        "livemode": False, "net_amount": by, "type": kind, **_why(kind, about),
    }  # fmt: skip
    books.put("customer_cash_balance_transaction", line)
    books.announce("customer_cash_balance_transaction.created", line)
    return line


def _why(kind: str, about: dict[str, Any]) -> dict[str, Any]:
    if kind == "funded":
        details = {"bic": "SOGEDEFFXXX", "iban_last4": about["iban"][-4:], "sender_name": about["sender"]}
        transfer = {"type": "eu_bank_transfer", "eu_bank_transfer": details, "reference": about["reference"]}
        return {"funded": {"bank_transfer": transfer}}
    if kind in ("applied_to_payment", "unapplied_from_payment"):
        return {kind: {"payment_intent": about["payment_intent"]}}
    return {"refunded_from_payment": {"refund": about["refund"]}}


def shown(books: Books, customer_id: str) -> dict[str, Any]:
    """The cash balance as it is shown."""
    amount = held(books, customer_id)
    return {
        "object": "cash_balance", "available": {"eur": amount} if amount else None, "customer": customer_id,
        "customer_account": None, "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }  # fmt: skip
