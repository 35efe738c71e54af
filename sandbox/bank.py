"""Payments by bank transfer: a virtual account for each customer, and money that arrives in it as it likes."""

from __future__ import annotations

from typing import Any

from . import cash, charges
from .store import Books, new_id
from .wrong import invalid, not_so

COUNTRIES = ("DE", "FR", "IE", "NL")
BICS = {"DE": "SOGEDEFFXXX", "FR": "SOGEFRPPXXX", "IE": "CITIIE2XXXX", "NL": "CITINL2XXXX"}
WAITING = "requires_action"


def new_customer(books: Books, asked: dict[str, Any]) -> dict[str, Any]:
    """Somebody who pays by bank transfer."""
    customer_id = new_id("cus")
    return books.put("customer", {
        "id": customer_id, "object": "customer", "address": asked.get("address"), "balance": 0, "created": books.unix,
        "currency": None, "default_source": None, "delinquent": False, "description": asked.get("description"),
        "discount": None, "email": asked.get("email"), "invoice_prefix": customer_id[-8:].upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None,
                             "rendering_options": None},
        "livemode": False, "metadata": asked.get("metadata") or {}, "name": asked.get("name"),
        "next_invoice_sequence": 1, "phone": asked.get("phone"), "preferred_locales": [], "shipping": None,
        "tax_exempt": "none", "test_clock": None, "_cash": 0, "_ibans": {},
    })  # fmt: skip


def confirm(books: Books, intent: dict[str, Any], country: str, public_base: str) -> dict[str, Any]:
    """Say where the money is to go; what the customer's balance holds already is used first."""
    customer = books.must("customer", intent["customer"])
    if country not in COUNTRIES:
        raise invalid(
            f"Bank transfers to an account in {country[:20]} are not possible; one of {', '.join(COUNTRIES)}.",
            param="payment_method_options[customer_balance][bank_transfer][eu_bank_transfer][country]",
        )
    iban = customer["_ibans"].get(country)
    if iban is None:
        iban = customer["_ibans"][country] = _iban(country, customer["id"])
        books.put("customer", customer)
    intent["status"], intent["_applied"] = WAITING, 0
    intent["payment_method"] = new_id("pm")
    intent["_country"], intent["_reference"] = country, new_id("ref")[4:16].upper()
    intent["next_action"] = {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": intent["amount"],
            "currency": "eur",
            "financial_addresses": [
                {
                    "type": "iban",
                    "supported_networks": ["sepa"],
                    "iban": {
                        "account_holder_name": "Déclic (sandbox)",
                        "account_holder_address": None,
                        "bank_address": None,
                        "bic": BICS[country],
                        "country": country,
                        "iban": iban,
                    },
                }
            ],
            "hosted_instructions_url": f"{public_base}/transfer/{intent['id']}",
            "reference": intent["_reference"],
            "type": "eu_bank_transfer",
        },
    }
    books.put("payment_intent", intent)
    books.announce("payment_intent.requires_action", intent)
    _apply(books, intent)
    return books.must("payment_intent", intent["id"])


def arrives(books: Books, customer_id: str, amount: int, reference: str | None = None) -> dict[str, Any]:
    """Money comes in: to the payment whose reference it bears, else to the one it fits, else to the oldest.

    What is left over stays in the customer's cash balance.
    """
    customer = books.must("customer", customer_id)
    iban = next(iter(customer["_ibans"].values()), "FR7630006000011234567890189")
    line = cash.change(
        books, customer_id, amount, "funded", iban=iban, reference=reference, sender=customer["name"]
    )
    for intent in _in_order(books, customer_id, amount, reference):
        _apply(books, intent)
    if cash.held(books, customer_id):
        books.announce("cash_balance.funds_available", cash.shown(books, customer_id))
    return line


def _in_order(books: Books, customer_id: str, amount: int, reference: str | None) -> list[dict[str, Any]]:
    waiting = reversed(books.find("payment_intent", customer=customer_id, status=WAITING))
    return sorted(
        waiting,
        key=lambda one: (
            one["_reference"] != reference,
            one["amount"] - one["_applied"] != amount,
            one["created"],
        ),
    )


def _apply(books: Books, intent: dict[str, Any]) -> None:
    """Use the cash balance for this payment, as far as either goes."""
    rest = intent["amount"] - intent["_applied"]
    used = min(rest, cash.held(books, intent["customer"]))
    if not used:
        return
    cash.change(books, intent["customer"], -used, "applied_to_payment", payment_intent=intent["id"])
    intent["_applied"] += used
    if used == rest:
        charges.arrived(books, intent)
        return
    intent["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] = rest - used
    books.put("payment_intent", intent)
    books.announce("payment_intent.partially_funded", intent)


def let_go(books: Books, intent: dict[str, Any], why: str | None) -> dict[str, Any]:
    """Cancelled before it was paid whole: what had come in is the customer's again."""
    if intent.get("_applied"):
        cash.change(
            books, intent["customer"], intent["_applied"], "unapplied_from_payment",
            payment_intent=intent["id"],
        )  # fmt: skip
        intent["_applied"] = 0
    return charges.cancel(books, intent, why)


def take_cash(books: Books, customer_id: str, amount: int | None) -> int:
    """Take money out of the cash balance to send it back."""
    there = cash.held(books, customer_id)
    amount = there if amount is None else amount
    if not there or amount > there:
        raise not_so(
            f"Refund amount ({amount}) is greater than the customer's cash balance ({there}).", param="amount"
        )
    return amount


def _iban(country: str, seed: str) -> str:
    """An account number of the right form and checksum that no bank has."""
    digits = str(int(seed.encode().hex(), 16) % 10**18).zfill(18)
    body = {"DE": digits, "FR": f"{digits}00000", "IE": f"CITI{digits[:14]}", "NL": f"CITI{digits[:10]}"}[
        country
    ]
    number = "".join(str(int(one, 36)) for one in f"{body}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{body}"
