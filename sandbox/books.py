"""What the provider does with money: authorise, take, give back, transfer. Real books, by balance transactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .store import Books, new_id

HOLDS_FOR = timedelta(days=7)
FEE_PERMILLE, FEE_FIXED = 15, 25


class Wrong(Exception):
    """A refusal in Stripe's words. `kept`: execution had begun, so its key answers the same from now on."""

    def __init__(
        self, status: int, kind: str, code: str | None, message: str, *, kept: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.error = {"type": kind, "code": code, "message": message, **more}


def invalid(message: str, code: str | None = None, status: int = 400, **more: Any) -> Wrong:
    """A parameter refused before anything is done."""
    return Wrong(status, "invalid_request_error", code, message, **more)


def not_so(message: str, code: str | None = None, **more: Any) -> Wrong:
    """Refused because of how things stand."""
    return Wrong(400, "invalid_request_error", code, message, kept=True, **more)


def let_time_act(books: Books, session: dict[str, Any]) -> dict[str, Any]:
    """A checkout whose time is over has ended."""
    if session["status"] == "open" and session["expires_at"] <= books.unix:
        session["status"] = "expired"
        books.put("checkout.session", session)
        books.announce("checkout.session.expired", session)
    return session


def let_all_time_act(books: Books) -> None:
    """What has run out meanwhile, also where nobody looks: the platform is told."""
    for session in books.find("checkout.session", status="open"):
        if session["expires_at"] <= books.unix and (held := books.get("checkout.session", session["id"])):
            let_time_act(books, held)
    for intent in books.find("payment_intent", status="requires_capture"):
        held = books.get("payment_intent", intent["id"])
        if held is not None:
            ended_authorisation(books, held)


def ended_authorisation(books: Books, intent: dict[str, Any]) -> dict[str, Any]:
    """Reserved money that nobody took in time is free again."""
    charge = books.get("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    if intent["status"] == "requires_capture" and charge is not None:
        until = charge["payment_method_details"]["card"]["capture_before"]
        if until is not None and until <= books.unix:
            cancel(books, intent, "automatic")
    return intent


def pay(books: Books, session: dict[str, Any], how: str) -> dict[str, Any]:
    """The buyer's click. `how`: succeed, decline."""
    intent = _intent(books, session)
    if how == "decline":
        _declined(books, intent)
        return session
    charge = _charge(books, intent)
    intent["latest_charge"] = charge["id"]
    intent["last_payment_error"] = None
    session["status"], session["payment_status"] = "complete", "unpaid"
    session["payment_intent"] = intent["id"]
    if intent["capture_method"] == "manual":
        intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
        books.put("payment_intent", intent)
        books.announce("payment_intent.amount_capturable_updated", intent)
    else:
        take(books, intent)
        session["payment_status"] = "paid"
    books.put("checkout.session", session)
    books.announce("checkout.session.completed", session)
    return session


def _intent(books: Books, session: dict[str, Any]) -> dict[str, Any]:
    if session["payment_intent"]:
        found = books.get("payment_intent", session["payment_intent"])
        if found is not None:
            return found
    data = session["_intent_data"]
    intent = {
        "id": new_id("pi"), "object": "payment_intent", "amount": session["amount_total"], "amount_capturable": 0,
        "amount_received": 0, "currency": session["currency"], "created": books.unix, "livemode": False,
        "status": "requires_payment_method", "capture_method": data.get("capture_method", "automatic"),
        "description": data.get("description"), "metadata": data.get("metadata", {}),
        "transfer_group": data.get("transfer_group"), "latest_charge": None, "last_payment_error": None,
        "canceled_at": None, "cancellation_reason": None, "client_secret": None, "customer": None,
    }  # fmt: skip
    session["payment_intent"] = intent["id"]
    books.put("checkout.session", session)
    return books.put("payment_intent", intent)


def _declined(books: Books, intent: dict[str, Any]) -> None:
    intent["last_payment_error"] = {
        "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.",
    }  # fmt: skip
    books.put("payment_intent", intent)
    books.announce("payment_intent.payment_failed", intent)


def _charge(books: Books, intent: dict[str, Any]) -> dict[str, Any]:
    return books.put(
        "charge",
        {
            "id": new_id("ch"), "object": "charge", "amount": intent["amount"], "amount_captured": 0,
            "amount_refunded": 0, "balance_transaction": None, "captured": False, "created": books.unix,
            "currency": intent["currency"], "description": intent["description"], "disputed": False,
            "failure_code": None, "failure_message": None, "livemode": False, "metadata": intent["metadata"],
            "paid": True, "payment_intent": intent["id"], "refunded": False, "status": "succeeded",
            "transfer_group": intent["transfer_group"],
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, "funding": "credit",
                    "capture_before": books.unix + int(HOLDS_FOR.total_seconds())
                    if intent["capture_method"] == "manual" else None,
                },
            },
        },
    )  # fmt: skip


def take(books: Books, intent: dict[str, Any], *, refuse: bool = False) -> dict[str, Any]:
    """Capture: the money is in the balance, less the provider's fee."""
    charge = books.get("charge", intent["latest_charge"])
    assert charge is not None
    fee = (intent["amount"] * FEE_PERMILLE + 500) // 1000 + FEE_FIXED  # To the nearest cent.
    movement = balance_transaction(books, "charge", charge["id"], intent["amount"], fee, intent["currency"])
    charge["captured"], charge["amount_captured"] = True, intent["amount"]
    charge["balance_transaction"] = movement["id"]
    intent["status"], intent["amount_received"], intent["amount_capturable"] = (
        "succeeded",
        intent["amount"],
        0,
    )
    books.put("charge", charge)
    books.put("payment_intent", intent)
    books.announce("payment_intent.succeeded", intent)
    books.announce("charge.captured", charge)
    return intent


def cancel(books: Books, intent: dict[str, Any], why: str = "requested_by_customer") -> dict[str, Any]:
    """The authorisation is given back."""
    intent["status"], intent["canceled_at"], intent["cancellation_reason"] = "canceled", books.unix, why
    intent["amount_capturable"] = 0
    charge = books.get("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is not None:
        charge["refunded"], charge["amount_refunded"] = True, charge["amount"]
        books.put("charge", charge)
    books.put("payment_intent", intent)
    books.announce("payment_intent.canceled", intent)
    return intent


def refund(
    books: Books, intent: dict[str, Any], amount: int | None, metadata: dict[str, str]
) -> dict[str, Any]:
    """Send money back, within what is left."""
    charge = books.get("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is None or not charge["captured"]:
        raise not_so(
            "This PaymentIntent does not have a successful charge to refund.", "charge_not_refundable"
        )
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise not_so("Charge has already been refunded.", "charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        raise not_so(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
    made = {
        "id": new_id("re"), "object": "refund", "amount": amount, "charge": charge["id"], "created": books.unix,
        "currency": charge["currency"], "metadata": metadata, "payment_intent": intent["id"],
        "status": "succeeded", "balance_transaction": None, "failure_reason": None, "reason": None,
    }  # fmt: skip
    made["balance_transaction"] = balance_transaction(
        books, "refund", made["id"], -amount, 0, charge["currency"]
    )["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.put("charge", charge)
    books.put("refund", made)
    books.announce("refund.created", made)
    books.announce("charge.refunded", charge)
    return made


def transfer(books: Books, asked: dict[str, Any]) -> dict[str, Any]:
    """Pay an account out of a charge, within it and within the balance."""
    account = books.get("v2.core.account", asked["destination"])
    if account is None:
        raise invalid(
            f"No such destination: '{asked['destination']}'", "resource_missing", param="destination"
        )
    status = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"][
        "status"
    ]
    if status != "active":
        raise not_so(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers",
            "insufficient_capabilities_for_transfer",
        )
    amount, source = int(asked["amount"]), asked.get("source_transaction")
    charge = books.get("charge", source) if source else None
    if source and charge is None:
        raise invalid(f"No such charge: '{source}'", "resource_missing", param="source_transaction")
    if charge is not None:
        gone = sum(
            one["amount"] - one["amount_reversed"]
            for one in books.find("transfer", source_transaction=source)
        )
        if amount > charge["amount_captured"] - gone:
            raise not_so("Transfers using this transaction as a source must not exceed it.")
    if amount > balance(books):
        raise not_so("You have insufficient available funds in your Stripe account.", "balance_insufficient")
    made = {
        "id": new_id("tr"), "object": "transfer", "amount": amount, "amount_reversed": 0, "created": books.unix,
        "currency": asked["currency"], "destination": asked["destination"], "livemode": False,
        "metadata": asked.get("metadata", {}), "reversed": False, "source_transaction": source,
        "transfer_group": asked.get("transfer_group"), "description": asked.get("description"),
        "reversals": {"object": "list", "data": [], "has_more": False, "url": ""}, "balance_transaction": None,
    }  # fmt: skip
    made["balance_transaction"] = balance_transaction(
        books, "transfer", made["id"], -amount, 0, made["currency"]
    )["id"]
    books.put("transfer", made)
    books.announce("transfer.created", made)
    return made


def reverse(
    books: Books, made: dict[str, Any], amount: int | None, metadata: dict[str, str]
) -> dict[str, Any]:
    """Bring money back from an account, within what is left of the transfer."""
    left = made["amount"] - made["amount_reversed"]
    amount = left if amount is None else amount
    if left == 0 or amount > left:
        raise not_so(
            f"Transfer reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
        )
    reversal = {
        "id": new_id("trr"), "object": "transfer_reversal", "amount": amount, "created": books.unix,
        "currency": made["currency"], "metadata": metadata, "transfer": made["id"], "source_refund": None,
        "destination_payment_refund": None, "balance_transaction": None,
    }  # fmt: skip
    reversal["balance_transaction"] = balance_transaction(
        books, "transfer_refund", reversal["id"], amount, 0, made["currency"]
    )["id"]
    made["amount_reversed"] += amount
    made["reversed"] = made["amount_reversed"] == made["amount"]
    books.put("transfer_reversal", reversal)
    books.put("transfer", made)
    books.announce("transfer.reversed", made)
    return reversal


def balance_transaction(
    books: Books, kind: str, source: str, amount: int, fee: int, currency: str
) -> dict[str, Any]:
    """A line of the provider's own books."""
    return books.put(
        "balance_transaction",
        {
            "id": new_id("txn"), "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee,
            "created": books.unix, "currency": currency, "source": source, "status": "available", "type": kind,
            "reporting_category": kind, "available_on": books.unix, "fee_details": [], "description": None,
            "exchange_rate": None,
        },
    )  # fmt: skip


def balance(books: Books) -> int:
    """What the platform has, minor units."""
    books.connection.execute("select pg_advisory_xact_lock(734114)")  # Two transfers never spend one cent.
    row = books.connection.execute(
        "select coalesce(sum((data->>'net')::bigint), 0) as net from sandbox.objects where kind = 'balance_transaction'"
    ).fetchone()
    return int(row["net"]) if row else 0
