"""A buyer's money: the intent, its charge, reserved, taken or given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import balance
from .store import Books, new_id
from .wrong import Wrong, invalid, not_so

HOLDS_FOR = timedelta(days=7)
FEE_PERMILLE, FEE_FIXED = 15, 25  # Of a card payment.
BANK_FEE_PERMILLE, BANK_FEE_MOST = 5, 500  # Of a bank transfer.

BLANK_INTENT: dict[str, Any] = {
    "object": "payment_intent", "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0,
    "application": None, "application_fee_amount": None, "automatic_payment_methods": None, "canceled_at": None,
    "cancellation_reason": None, "capture_method": "automatic", "client_secret": None,
    "confirmation_method": "automatic", "customer": None, "customer_account": None, "description": None,
    "excluded_payment_method_types": None, "last_payment_error": None, "latest_charge": None, "livemode": False,
    "managed_payments": None, "next_action": None, "on_behalf_of": None, "payment_method": None,
    "payment_method_configuration_details": None, "payment_method_options": {}, "payment_method_types": ["card"],
    "processing": None, "receipt_email": None, "review": None, "setup_future_usage": None, "shipping": None,
    "source": None, "statement_descriptor": None, "statement_descriptor_suffix": None, "transfer_data": None,
}  # fmt: skip
BLANK_CHARGE: dict[str, Any] = {
    "object": "charge", "amount_captured": 0, "amount_refunded": 0, "application": None, "application_fee": None,
    "application_fee_amount": None, "balance_transaction": None, "calculated_statement_descriptor": "DECLIC",
    "captured": False, "customer": None, "disputed": False, "failure_balance_transaction": None,
    "failure_code": None, "failure_message": None, "fraud_details": {}, "livemode": False, "on_behalf_of": None,
    "paid": True, "receipt_email": None, "receipt_number": None, "receipt_url": None, "refunded": False,
    "review": None, "shipping": None, "source": None, "source_transfer": None, "statement_descriptor": None,
    "statement_descriptor_suffix": None, "status": "succeeded", "transfer_data": None,
    "billing_details": {"address": {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None,
                                    "state": None}, "email": None, "name": None, "phone": None, "tax_id": None},
}  # fmt: skip


def new_intent(books: Books, amount: int, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A payment that nobody has paid yet."""
    intent_id = new_id("pi")
    return {
        **BLANK_INTENT, "id": intent_id, "amount": amount, "currency": "eur", "created": books.unix,
        "client_secret": f"{intent_id}_secret_{new_id('s')[2:]}", "status": "requires_payment_method",
        "capture_method": data.get("capture_method", "automatic"), "description": data.get("description"),
        "metadata": data.get("metadata") or {}, "transfer_group": data.get("transfer_group"), **more,
    }  # fmt: skip


def new_charge(books: Books, intent: dict[str, Any], how: dict[str, Any], prefix: str) -> dict[str, Any]:
    """What a bank agreed to. `how`: the payment method's details."""
    charge_id = new_id(prefix)
    return {
        **BLANK_CHARGE, "id": charge_id, "amount": intent["amount"], "currency": "eur", "created": books.unix,
        "customer": intent["customer"], "description": intent["description"], "metadata": intent["metadata"],
        "payment_intent": intent["id"], "payment_method": intent["payment_method"],
        "transfer_group": intent["transfer_group"], "payment_method_details": how,
        "outcome": {"advice_code": None, "network_advice_code": None, "network_decline_code": None,
                    "network_status": "approved_by_network", "reason": None, "seller_message": "Payment complete.",
                    "type": "authorized"},
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{charge_id}/refunds"},
    }  # fmt: skip


def authorise(books: Books, intent: dict[str, Any]) -> dict[str, Any]:
    """The card's bank says yes: reserved, or taken at once where the intent says so."""
    intent["payment_method"] = new_id("pm")
    manual = intent["capture_method"] == "manual"
    until = books.unix + int(HOLDS_FOR.total_seconds()) if manual else None
    charge = new_charge(books, intent, _card(until), "ch")
    intent["latest_charge"], intent["last_payment_error"] = charge["id"], None
    books.put("charge", charge)
    if not manual:
        return take(books, intent)
    intent["status"], intent["amount_capturable"], intent["_due"] = (
        "requires_capture",
        intent["amount"],
        until,
    )
    books.put("payment_intent", intent)
    books.announce("payment_intent.amount_capturable_updated", intent)
    books.announce("charge.succeeded", charge)
    return intent


def decline(books: Books, intent: dict[str, Any]) -> None:
    """The card's bank says no; the buyer may try again."""
    intent["last_payment_error"] = {
        "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.",
    }  # fmt: skip
    books.put("payment_intent", intent)
    books.announce("payment_intent.payment_failed", intent)


def take(books: Books, intent: dict[str, Any], amount: int | None = None) -> dict[str, Any]:
    """Capture: the money is on its way to the balance, less the provider's fee; what is not taken is released."""
    charge = books.must("charge", intent["latest_charge"])
    manual = intent["capture_method"] == "manual"
    taken = intent["amount"] if amount is None else amount
    fee = (taken * FEE_PERMILLE + 500) // 1000 + FEE_FIXED  # To the nearest cent.
    charge["amount_refunded"] = charge["amount"] - taken  # Never taken: Stripe counts it here.
    _booked(books, charge, "charge", taken, fee)
    _succeeded(books, intent, taken)
    books.announce("charge.captured" if manual else "charge.succeeded", charge)
    return intent


def arrived(books: Books, intent: dict[str, Any]) -> dict[str, Any]:
    """A bank transfer has come in whole."""
    charge = new_charge(books, intent, {"type": "customer_balance", "customer_balance": {}}, "py")
    intent["latest_charge"], intent["next_action"] = charge["id"], None
    fee = min((intent["amount"] * BANK_FEE_PERMILLE + 500) // 1000, BANK_FEE_MOST)
    _booked(books, charge, "payment", intent["amount"], fee)
    _succeeded(books, intent, intent["amount"])
    books.announce("charge.succeeded", charge)
    return intent


def _booked(books: Books, charge: dict[str, Any], kind: str, amount: int, fee: int) -> None:
    line = balance.add(
        books, kind, charge["id"], amount, fee=fee, available_on=balance.settles_on(books),
        description=charge["description"],
    )  # fmt: skip
    charge["captured"], charge["amount_captured"], charge["balance_transaction"] = True, amount, line["id"]
    books.put("charge", charge)


def _succeeded(books: Books, intent: dict[str, Any], received: int) -> None:
    intent["status"], intent["amount_received"], intent["amount_capturable"] = "succeeded", received, 0
    intent["_due"] = None
    books.put("payment_intent", intent)
    books.announce("payment_intent.succeeded", intent)


def cancel(books: Books, intent: dict[str, Any], why: str | None) -> dict[str, Any]:
    """Nothing will be paid any more; what was reserved is free again."""
    intent["status"], intent["canceled_at"], intent["cancellation_reason"] = "canceled", books.unix, why
    intent["amount_capturable"], intent["next_action"], intent["_due"] = 0, None, None
    charge = books.get("charge", intent["latest_charge"])
    if charge is not None:
        charge["refunded"], charge["amount_refunded"] = True, charge["amount"]
        books.put("charge", charge)
        books.announce("charge.expired" if why == "automatic" else "charge.refunded", charge)
    books.put("payment_intent", intent)
    books.announce("payment_intent.canceled", intent)
    return intent


def ran_out(books: Books, intent: dict[str, Any]) -> None:
    """Reserved money that nobody took in time."""
    cancel(books, intent, "automatic")


def capture(books: Books, intent: dict[str, Any], amount: int) -> dict[str, Any]:
    """The platform takes the reserved money, whole or in part."""
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "captured")
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The `amount_to_capture` ({amount}) is greater than what can be captured"
            f" ({intent['amount_capturable']}).", "amount_too_large", param="amount_to_capture",
        )  # fmt: skip
    if intent.get("_fails_at_capture"):
        return cancel(books, intent, "automatic")
    return take(books, intent, amount)


def unexpected(intent: dict[str, Any], done: str) -> Wrong:
    """The intent is not where this could be done."""
    return not_so(
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}.",
        "payment_intent_unexpected_state", payment_intent={"id": intent["id"], "status": intent["status"]},
    )  # fmt: skip


def _card(until: int | None) -> dict[str, Any]:
    return {
        "type": "card",
        "card": {
            "amount_authorized": None, "authorization_code": None, "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "FR", "exp_month": 12, "exp_year": 2030, "extended_authorization": {"status": "disabled"},
            "fingerprint": "AOB934RVNwzk6xtn", "funding": "credit",
            "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": "4242",
            "mandate": None, "multicapture": {"status": "unavailable"}, "network": "visa",
            "network_token": {"used": False}, "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"}, "regulated_status": None,
            "three_d_secure": None, "transaction_link_id": None, "wallet": None, "capture_before": until,
        },
    }  # fmt: skip
