"""Checkout, intents, charges, refunds, disputes."""

from __future__ import annotations

from typing import Any

from .. import bank, cash, chargebacks, charges, checkout, refunds
from ..store import new_id
from ..wrong import invalid, not_so, only_eur
from .reading import MOST_AMOUNT, Call, listed, need, truth, whole

SMALLEST = 50  # Minor units: Stripe takes nothing below half a euro.


def create_session(call: Call) -> dict[str, Any]:
    """A page to pay on."""
    books, asked = call.books, call.asked
    expires = whole(asked.get("expires_at", books.unix + 86400), "expires_at")
    if not books.unix + 1800 - 60 <= expires <= books.unix + 86400 + 60:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    total, name = _line_items(asked)
    _big_enough(total)
    session_id = new_id("cs_test")
    session = {
        "id": session_id, "object": "checkout.session", "amount_total": total, "amount_subtotal": total,
        "cancel_url": asked.get("cancel_url"), "client_reference_id": asked.get("client_reference_id"),
        "created": books.unix, "currency": "eur", "customer": None, "customer_email": asked.get("customer_email"),
        "expires_at": expires, "livemode": False, "locale": asked.get("locale", "en"),
        "metadata": call.metadata(), "mode": "payment", "payment_intent": None, "payment_status": "unpaid",
        "payment_method_types": ["card"], "status": "open", "success_url": asked["success_url"],
        "url": f"{call.public_base}/checkout/{session_id}",
        "_intent_data": asked.get("payment_intent_data") or {}, "_name": name, "_due": expires,
    }  # fmt: skip
    books.put("checkout.session", session)
    return call.shown(session)


def _line_items(asked: dict[str, Any]) -> tuple[int, str]:
    total, names = 0, []
    for number, item in enumerate((asked.get("line_items") or {}).values()):
        price = item.get("price_data") or {}
        if not {"currency", "unit_amount", "product_data"} <= price.keys():
            where = f"line_items[{number}][price_data]"
            raise invalid(f"Missing required param: {where}.", "parameter_missing", param=where)
        only_eur(price["currency"], f"line_items[{number}][price_data][currency]")
        total += whole(price["unit_amount"], "line_items") * whole(item.get("quantity", 1), "quantity")
        names.append(str((price["product_data"] or {}).get("name", "")))
    if not names:
        raise invalid("Missing required param: line_items.", "parameter_missing", param="line_items")
    return total, names[0]


def _big_enough(amount: int) -> None:
    if amount < SMALLEST:
        raise invalid("Amount must be at least €0.50 eur.", "amount_too_small", param="amount")
    if amount > MOST_AMOUNT:
        raise invalid(f"Amount must be no more than {MOST_AMOUNT}.", "amount_too_large", param="amount")


def expire_session(call: Call) -> dict[str, Any]:
    """Close the page."""
    session = call.needs("checkout.session")
    if session["status"] != "open":
        raise not_so(
            'Only Checkout Sessions with a status in ["open"] can be expired.', "checkout_session_not_open"
        )
    return call.shown(checkout.expire(call.books, session))


def create_intent(call: Call) -> dict[str, Any]:
    """A payment by bank transfer: the one kind that is not paid on the hosted page."""
    asked = call.asked
    only_eur(asked["currency"])
    amount = call.amount()
    assert amount is not None
    _big_enough(amount)
    kinds = asked.get("payment_method_types") or asked.get("allowed_payment_method_types") or {}
    data = asked.get("payment_method_data") or {}
    if set(kinds.values()) - {"customer_balance"} or data.get("type") != "customer_balance":
        raise invalid(
            "Here a PaymentIntent is made for bank transfers only (payment_method_data[type]=customer_balance);"
            " cards are paid in Checkout.", param="payment_method_data",
        )  # fmt: skip
    customer = need(call.books, "customer", asked.get("customer", ""), "customer")
    if not truth(asked.get("confirm")):
        raise invalid(
            "Say confirm=true: nothing else confirms it here.", "parameter_missing", param="confirm"
        )
    country = _country(asked)
    intent = charges.new_intent(
        call.books, amount, asked | {"metadata": call.metadata()}, customer=customer["id"],
        payment_method_types=["customer_balance"], receipt_email=asked.get("receipt_email"),
        payment_method_options=asked.get("payment_method_options"),
    )  # fmt: skip
    call.books.put("payment_intent", intent)
    call.books.announce("payment_intent.created", intent)
    return call.shown(bank.confirm(call.books, intent, country, call.public_base))


def _country(asked: dict[str, Any]) -> str:
    options = (asked.get("payment_method_options") or {}).get("customer_balance") or {}
    transfer = options.get("bank_transfer") or {}
    if options.get("funding_type") != "bank_transfer" or transfer.get("type") != "eu_bank_transfer":
        where = "payment_method_options[customer_balance][bank_transfer][type]"
        raise invalid(f"Missing required param: {where}.", "parameter_missing", param=where)
    return str((transfer.get("eu_bank_transfer") or {}).get("country", ""))


def capture_intent(call: Call) -> dict[str, Any]:
    """Take what is reserved, or less of it."""
    intent = call.needs("payment_intent")
    amount = call.amount("amount_to_capture")
    return call.shown(charges.capture(call.books, intent, intent["amount"] if amount is None else amount))


def cancel_intent(call: Call) -> dict[str, Any]:
    """Nothing is to be paid any more."""
    intent = call.needs("payment_intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise charges.unexpected(intent, "canceled")
    why = call.asked.get("cancellation_reason")
    return call.shown(bank.let_go(call.books, intent, why))


def create_refund(call: Call) -> dict[str, Any]:
    """Give money back: of a payment, or what a customer's cash balance holds."""
    asked, books = call.asked, call.books
    if "currency" in asked:
        only_eur(asked["currency"])
    if asked.get("origin") == "customer_balance":
        customer = need(books, "customer", asked.get("customer", ""), "customer")
        amount = bank.take_cash(books, customer["id"], call.amount())
        made = refunds.of_cash(books, customer, amount, call.metadata(), asked.get("instructions_email"))
        cash.change(books, customer["id"], -amount, "refunded_from_payment", refund=made["id"])
        return call.shown(made)
    intent_id = asked.get("payment_intent", "")
    if "charge" in asked:
        intent_id = need(books, "charge", asked["charge"], "charge")["payment_intent"]
    intent = need(books, "payment_intent", intent_id, "payment_intent")
    made = refunds.refund(
        books, intent, call.amount(), call.metadata(), reason=asked.get("reason"),
        email=asked.get("instructions_email"),
    )  # fmt: skip
    _answers_inquiry(call, intent)
    return call.shown(made)


def _answers_inquiry(call: Call, intent: dict[str, Any]) -> None:
    """A question about a payment that is given back whole is answered."""
    charge = call.books.must("charge", intent["latest_charge"])
    if charge["refunded"] and charge["disputed"]:
        for dispute in call.books.find("dispute", charge=charge["id"]):
            if dispute["status"] in chargebacks.INQUIRY:
                chargebacks.close(call.books, dispute)


def cancel_refund(call: Call) -> dict[str, Any]:
    """Call a refund off."""
    return call.shown(refunds.cancel(call.books, call.needs("refund")))


def update_dispute(call: Call) -> dict[str, Any]:
    """Stage or send evidence."""
    return call.shown(chargebacks.update(call.books, call.needs("dispute"), call.asked))


def close_dispute(call: Call) -> dict[str, Any]:
    """Accept that it is lost."""
    return call.shown(chargebacks.close(call.books, call.needs("dispute")))


def create_customer(call: Call) -> dict[str, Any]:
    """Somebody who pays by bank transfer."""
    return call.shown(bank.new_customer(call.books, call.asked | {"metadata": call.metadata()}))


def cash_balance(call: Call) -> dict[str, Any]:
    """What a customer has sent and not yet used."""
    return cash.shown(call.books, call.needs("customer")["id"])


def fund(call: Call) -> dict[str, Any]:
    """Stripe's own helper for tests: money arrives from the customer's bank."""
    only_eur(call.asked["currency"])
    customer, amount = call.needs("customer"), call.amount()
    assert amount is not None
    return call.shown(bank.arrives(call.books, customer["id"], amount, call.asked.get("reference")))


def list_cash(call: Call) -> dict[str, Any]:
    """The lines of a customer's cash balance."""
    customer = call.needs("customer")
    url = f"/v1/customers/{customer['id']}/cash_balance_transactions"
    return listed(call, "customer_cash_balance_transaction", url, customer=customer["id"])
