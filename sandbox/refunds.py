"""Money on its way back to a buyer: at once, later, or never arriving. A refund is not final when it is made."""

from __future__ import annotations

from typing import Any

from . import balance, cash
from .days import DAY, business_days_after
from .store import Books, new_id
from .wrong import invalid, not_so

FAILS_WITHIN = 30 * DAY
DETAILS_WITHIN = (
    45 * DAY
)  # For a bank account to be named; then the money goes back to the customer's balance.
REASONS = (
    "lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed", "insufficient_funds",
    "declined", "merchant_request", "unknown",
)  # fmt: skip
FINAL = ("failed", "canceled")


def refund(
    books: Books,
    intent: dict[str, Any],
    amount: int | None,
    metadata: dict[str, str],
    *,
    reason: str | None = None,
    email: str | None = None,
) -> dict[str, Any]:
    """Send money back, within what is left. How it goes on follows from the payment method and the balance."""
    charge = books.get("charge", intent["latest_charge"])
    left = _left(charge)
    assert charge is not None
    amount = left if amount is None else amount
    if amount > left:
        raise not_so(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    bank = charge["payment_method_details"]["type"] == "customer_balance"
    made = _made(books, charge, amount, metadata, reason, "pyr" if bank else "re")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.put("charge", charge)
    if bank:
        _ask_for_details(books, made, email)
    _begin(books, made, charge)
    books.announce("refund.created", made)
    books.announce("charge.refunded", charge)
    return made


def of_cash(
    books: Books, customer: dict[str, Any], amount: int, metadata: dict[str, str], email: str | None
) -> dict[str, Any]:
    """Send back what a customer's cash balance holds; the caller has taken it out."""
    made = _made(books, None, amount, metadata, None, "re") | {
        "customer": customer["id"], "_cash_of": customer["id"], "_kind": "cash",
    }  # fmt: skip
    _ask_for_details(books, made, email)
    books.put("refund", made)
    books.announce("refund.created", made)
    return made


def _left(charge: dict[str, Any] | None) -> int:
    if charge is None or not charge["captured"]:
        raise not_so(
            "This PaymentIntent does not have a successful charge to refund.", "charge_not_refundable"
        )
    left = int(charge["amount"] - charge["amount_refunded"])
    lost = int(charge.get("_lost", 0))
    if charge.get("_in_dispute") or (lost and left <= lost):
        raise not_so(
            f"The charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed"
        )
    left -= lost
    if left == 0:
        raise not_so(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    return left


def _made(
    books: Books,
    charge: dict[str, Any] | None,
    amount: int,
    metadata: dict[str, str],
    reason: str | None,
    prefix: str,
) -> dict[str, Any]:
    bank = charge is None or charge["payment_method_details"]["type"] == "customer_balance"
    to: dict[str, Any] = {
        "type": "eu_bank_transfer",
        "eu_bank_transfer": {"reference": None, "reference_status": "pending"},
    }
    if not bank:
        to = {"type": "card", "card": {"type": "refund", "reference_status": "pending",
                                       "reference_type": "acquirer_reference_number"}}  # fmt: skip
    return {
        "id": new_id(prefix), "object": "refund", "amount": amount, "balance_transaction": None,
        "charge": charge["id"] if charge else None, "created": books.unix, "currency": "eur",
        "customer": charge["customer"] if charge else None, "customer_account": None,
        "destination_details": to, "failure_reason": None, "failure_balance_transaction": None,
        "metadata": metadata, "payment_intent": charge["payment_intent"] if charge else None,
        "payment_method": charge["payment_method"] if charge else None, "reason": reason,
        "receipt_number": None, "source_transfer_reversal": None, "status": "pending", "transfer_reversal": None,
        "_kind": "payment" if bank else "card",
    }  # fmt: skip


def _ask_for_details(books: Books, made: dict[str, Any], email: str | None) -> None:
    """The provider does not know the payer's account and asks for it; without an address it cannot."""
    customer = books.get("customer", made["customer"])
    to = email or (customer or {}).get("email")
    if customer is not None and customer.get("_iban_known"):
        made["pending_reason"], made["_due"] = "processing", business_days_after(books.unix, 2)
        return
    if not to:
        raise invalid(
            "This customer has no email address to ask for bank details. Give one with `instructions_email`.",
            param="instructions_email",
        )  # fmt: skip
    until = books.unix + DETAILS_WITHIN
    made["status"], made["instructions_email"], made["_due"] = "requires_action", to, until
    made["next_action"] = {
        "type": "display_details",
        "display_details": {
            "email_sent": {"email_sent_at": books.unix, "email_sent_to": to},
            "expires_at": until,
        },
    }


def _begin(books: Books, made: dict[str, Any], charge: dict[str, Any]) -> None:
    """Take it from the balance: from the charge's own pending money, else from what is available, else later."""
    until = _settles(books, charge)
    if until is None and balance.available(books) < made["amount"]:
        made["pending_reason"], made["_waits"] = "insufficient_funds", True
        made.setdefault("_due", None)
        books.put("refund", made)
        return
    _book(books, made, until)
    if made["_kind"] == "card":
        if charge.get("_refunds") == "pending":
            made["pending_reason"], made["_due"] = "processing", business_days_after(books.unix, 5)
        else:
            made["status"] = "succeeded"
    books.put("refund", made)


def _settles(books: Books, charge: dict[str, Any]) -> int | None:
    """When the charge's money settles, where that is still to come."""
    line = books.must("balance_transaction", charge["balance_transaction"])
    until = int(line["available_on"])
    return until if until > books.unix else None


def _book(books: Books, made: dict[str, Any], until: int | None) -> None:
    kind = "refund" if made["_kind"] == "card" else "payment_refund"
    line = balance.add(books, kind, made["id"], -made["amount"], available_on=until)
    made["balance_transaction"] = line["id"]


def serve_waiting(books: Books) -> None:
    """Refunds that waited for available money, oldest first, as far as it goes."""
    for made in reversed(books.find("refund", _waits=True)):
        if balance.available(books) < made["amount"]:
            return
        made["_waits"] = False
        made["pending_reason"] = None
        _book(books, made, None)
        if made["_kind"] == "card":
            made["status"] = "succeeded"
        books.put("refund", made)
        books.announce("refund.updated", made)


def time_acts(books: Books, made: dict[str, Any]) -> None:
    """A pending one arrives; one that waited too long for bank details is cancelled."""
    if made["status"] == "requires_action":
        cancel(books, made)
    elif made["status"] == "pending" and not made.get("_waits"):
        arrive(books, made)
    else:
        books.put("refund", made | {"_due": None})


def arrive(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """It has reached the buyer."""
    if made["status"] not in ("pending", "requires_action") or made.get("_waits"):
        raise not_so(f"A refund that is {made['status']} does not arrive.")
    made["status"], made["next_action"], made["pending_reason"], made["_due"] = "succeeded", None, None, None
    books.put("refund", made)
    books.announce("refund.updated", made)
    return made


def details_given(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """The buyer has named a bank account: the refund is on its way."""
    if made["status"] != "requires_action":
        raise not_so(f"Nothing is asked for this refund; it is {made['status']}.")
    made["status"], made["next_action"], made["pending_reason"] = "pending", None, "processing"
    made["_due"] = business_days_after(books.unix, 2)
    books.put("refund", made)
    books.announce("refund.updated", made)
    return made


def fail(books: Books, made: dict[str, Any], why: str = "expired_or_canceled_card") -> dict[str, Any]:
    """It did not arrive: the money is back in the balance and the charge can be refunded again."""
    if made["status"] in FINAL or why not in REASONS:
        raise not_so(f"A refund that is {made['status']} cannot fail ({why}).")
    if books.unix - made["created"] > FAILS_WITHIN:
        raise not_so("A refund fails within thirty days or not at all.")
    made["status"], made["failure_reason"] = "failed", why
    _undo(books, made)
    books.announce("refund.failed", made)
    books.announce("charge.refund.updated", made)
    return made


def cancel(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """Called off before the buyer gave bank details, as Stripe allows; one on its way is not stopped."""
    if made["status"] != "requires_action":
        raise not_so(
            f"You can only cancel refunds that require an action; this one has a status of {made['status']}."
        )
    made["status"], made["failure_reason"] = "canceled", "merchant_request"
    _undo(books, made)
    books.announce("refund.updated", made)
    return made


def _undo(books: Books, made: dict[str, Any]) -> None:
    """The money is back where it came from."""
    if made["balance_transaction"]:
        kind = "refund_failure" if made["_kind"] == "card" else "payment_failure_refund"
        taken = books.must("balance_transaction", made["balance_transaction"])
        until = taken["available_on"] if taken["available_on"] > books.unix else None
        line = balance.add(books, kind, made["id"], made["amount"], available_on=until)
        made["failure_balance_transaction"] = line["id"]
    made["next_action"], made["pending_reason"], made["_due"], made["_waits"] = None, None, None, False
    books.put("refund", made)
    charge = books.get("charge", made["charge"])
    if charge is not None:
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
        books.put("charge", charge)
    if made.get("_cash_of"):
        cash.change(books, made["_cash_of"], made["amount"], "return_canceled", refund=made["id"])


def charge_disputed(books: Books, charge: dict[str, Any]) -> None:
    """A refund still on its way fails when its charge is disputed."""
    for made in books.find("refund", charge=charge["id"]):
        if made["status"] in ("pending", "requires_action"):
            fail(books, made, "charge_for_pending_refund_disputed")
