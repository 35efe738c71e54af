"""Money for an account, out of a charge or out of the balance, and back."""

from __future__ import annotations

from typing import Any

from . import accounts, balance
from .store import Books, new_id
from .wrong import invalid, not_so

SHORT = "You have insufficient available funds in your Stripe account."


def transfer(books: Books, amount: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Pay an account. Out of a charge it may be made before that has settled, and waits with its money;
    once settled, and without a charge, the available balance must hold it."""
    account = books.get("v2.core.account", asked["destination"])
    if account is None:
        raise invalid(
            f"No such destination: '{asked['destination']}'", "resource_missing", param="destination"
        )
    if not accounts.takes_transfers(account):
        raise not_so(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers",
            "insufficient_capabilities_for_transfer",
        )
    until = _within(books, amount, asked.get("source_transaction"))
    if until is None and amount > balance.available(books):
        raise not_so(SHORT, "balance_insufficient")
    made = _made(books, amount, asked)
    line = balance.add(books, "transfer", made["id"], -amount, available_on=until)
    made["balance_transaction"] = line["id"]
    books.put("transfer", made)
    books.put("v2.core.account", account | {"_balance": account.get("_balance", 0) + amount})
    books.announce("transfer.created", made)
    return made


def _within(books: Books, amount: int, source: str | None) -> int | None:
    """Never beyond the charge; until when its money is pending, None where it is not."""
    if not source:
        return None
    charge = books.get("charge", source)
    if charge is None:
        raise invalid(f"No such charge: '{source}'", "resource_missing", param="source_transaction")
    if not charge["captured"]:
        raise not_so("You cannot use an uncaptured charge as a source_transaction.")
    gone = sum(
        one["amount"] - one["amount_reversed"] for one in books.find("transfer", source_transaction=source)
    )
    if amount > charge["amount_captured"] - gone:
        raise not_so(
            "Transfers using this transaction as a source must not exceed the source amount of"
            f" {charge['amount_captured']} (you already have transfers totalling {gone})."
        )
    settles = int(books.must("balance_transaction", charge["balance_transaction"])["available_on"])
    return settles if settles > books.unix else None


def _made(books: Books, amount: int, asked: dict[str, Any]) -> dict[str, Any]:
    transfer_id = new_id("tr")
    return {
        "id": transfer_id, "object": "transfer", "amount": amount, "amount_reversed": 0, "created": books.unix,
        "balance_transaction": None, "currency": "eur", "description": asked.get("description"),
        "destination": asked["destination"], "destination_payment": new_id("py"), "livemode": False,
        "metadata": asked.get("metadata") or {}, "reversed": False, "source_type": "card",
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{transfer_id}/reversals"},
        "source_transaction": asked.get("source_transaction"), "transfer_group": asked.get("transfer_group"),
    }  # fmt: skip


def reverse(
    books: Books, made: dict[str, Any], amount: int | None, metadata: dict[str, str]
) -> dict[str, Any]:
    """Bring money back from an account, within what is left of the transfer and what the account still holds."""
    left = made["amount"] - made["amount_reversed"]
    amount = left if amount is None else amount
    if left == 0 or amount > left:
        raise not_so(
            f"Transfer reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
        )
    account = books.must("v2.core.account", made["destination"])
    if amount > account.get("_balance", 0):
        raise not_so(
            "The connected account has insufficient available funds for this reversal.",
            "balance_insufficient",
        )
    before = books.must("balance_transaction", made["balance_transaction"])
    until = before["available_on"] if before["available_on"] > books.unix else None
    reversal = {
        "id": new_id("trr"), "object": "transfer_reversal", "amount": amount, "created": books.unix,
        "currency": "eur", "metadata": metadata, "transfer": made["id"], "source_refund": None,
        "destination_payment_refund": new_id("pyr"), "balance_transaction": None,
    }  # fmt: skip
    line = balance.add(books, "transfer_refund", reversal["id"], amount, available_on=until)
    reversal["balance_transaction"] = line["id"]
    made["amount_reversed"] += amount
    made["reversed"] = made["amount_reversed"] == made["amount"]
    books.put("transfer_reversal", reversal)
    books.put("transfer", made)
    books.put("v2.core.account", account | {"_balance": account.get("_balance", 0) - amount})
    books.announce("transfer.reversed", made)
    return reversal
