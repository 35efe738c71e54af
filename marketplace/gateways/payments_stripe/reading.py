"""Stripe's payments, refunds, transfers and accounts (as plain dicts) read into the door's values.

What decides about money must be there: a missing key or an unknown status raises, and becomes
`Unknown`. What the description lets be absent, null or not expanded is read as that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace.gateways.payments import (
    AccountSeen,
    BankTransfer,
    PaymentSeen,
    PaymentState,
    RefundSeen,
    ReversalSeen,
    TransferSeen,
)

_REFUND_STATES = {
    "pending": "pending",
    "requires_action": "needs_action",
    "succeeded": "done",
    "failed": "failed",
    "canceled": "cancelled",
}
_NOT_YET = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")
_INSTRUCTIONS = "display_bank_transfer_instructions"


def id_of(value: Any) -> str | None:
    """The id in a field that may hold the id, the object itself, or nothing."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def our_reference(thing: dict[str, Any]) -> str | None:
    """Ours, as the object bears it."""
    found = (thing.get("metadata") or {}).get("reference") or thing.get("transfer_group")
    return found if isinstance(found, str) else None


def payment_of_session(session: dict[str, Any]) -> PaymentSeen:
    """A payment seen through its checkout; decided by its intent (whole) as soon as there is one."""
    ended = session["status"] == "expired"
    intent = session.get("payment_intent")
    if intent:
        return payment_of_intent(intent, checkout_id=session["id"], checkout_ended=ended)
    return PaymentSeen(
        state=PaymentState.CLOSED if ended else PaymentState.OPEN,
        amount_minor=session["amount_total"],
        currency=session["currency"].upper(),
        checkout_id=session["id"],
        reference=our_reference(session),
    )


def payment_of_intent(
    intent: dict[str, Any], *, checkout_id: str | None = None, checkout_ended: bool = False
) -> PaymentSeen:
    """A payment seen through its intent, with its charge and the charge's balance transaction in it."""
    charge = intent["latest_charge"]
    taken = intent["status"] == "succeeded"
    return PaymentSeen(
        state=_state(intent, charge, checkout_ended),
        amount_minor=intent["amount"],
        currency=intent["currency"].upper(),
        intent_id=intent["id"],
        checkout_id=checkout_id,
        charge_id=charge["id"] if charge and charge["status"] == "succeeded" else None,
        capture_before=_capture_before(charge),
        captured_minor=intent["amount_received"] if taken else 0,
        # The amount given back with a released authorisation stands here too: it is no refund.
        refunded_minor=charge["amount_refunded"] if charge and taken else 0,
        provider_fee_minor=_fee(charge) if taken else None,
        failure=_failure(intent),
        reference=our_reference(intent),
        disputed=bool(charge and charge.get("disputed")),
        arrived_minor=intent["amount_received"] if taken else _arrived(intent),
    )


def _state(intent: dict[str, Any], charge: dict[str, Any] | None, checkout_ended: bool) -> PaymentState:
    status = intent["status"]
    if status == "requires_capture":
        return PaymentState.AUTHORISED
    if status == "succeeded":
        return PaymentState.CAPTURED
    if status == "canceled":
        # Without a successful charge nothing had been reserved that could be released.
        reserved = charge is not None and charge["status"] == "succeeded"
        return PaymentState.RELEASED if reserved else PaymentState.CLOSED
    if status not in _NOT_YET:
        raise ValueError(f"unknown status {status!r}")
    return PaymentState.CLOSED if checkout_ended else PaymentState.OPEN


def _capture_before(charge: dict[str, Any] | None) -> datetime | None:
    # A bank transfer has no card in its details.
    card = ((charge or {}).get("payment_method_details") or {}).get("card") or {}
    until = card.get("capture_before")
    return datetime.fromtimestamp(until, UTC) if until else None


def _fee(charge: dict[str, Any] | None) -> int | None:
    booked = charge.get("balance_transaction") if charge else None
    return int(booked["fee"]) if booked else None


def _failure(intent: dict[str, Any]) -> str | None:
    error = intent.get("last_payment_error")
    if not error:
        return None
    return str(error.get("decline_code") or error.get("code") or error.get("type") or "declined")


def _instructions(intent: dict[str, Any]) -> dict[str, Any]:
    return (intent.get("next_action") or {}).get(_INSTRUCTIONS) or {}


def _arrived(intent: dict[str, Any]) -> int:
    remaining = _instructions(intent).get("amount_remaining")
    return 0 if remaining is None else int(intent["amount"] - remaining)


def bank_transfer(intent: dict[str, Any], customer_id: str) -> BankTransfer:
    """Where to send the money; without an account in it only when it is paid already."""
    said = _instructions(intent)
    accounts = [one["iban"] for one in said.get("financial_addresses") or () if one["type"] == "iban"]
    if not accounts and intent["status"] != "succeeded":
        raise ValueError(f"no account to send to ({intent['status']})")
    account = (
        accounts[0] if accounts else dict.fromkeys(("iban", "bic", "account_holder_name", "country"), "")
    )
    return BankTransfer(
        intent_id=intent["id"],
        customer_id=customer_id,
        iban=account["iban"],
        bic=account["bic"],
        holder=account["account_holder_name"],
        country=account["country"],
        payment_reference=said.get("reference") or "",
        instructions_url=said.get("hosted_instructions_url"),
    )


def refund_seen(refund: dict[str, Any]) -> RefundSeen:
    """A refund; a status we do not know raises."""
    return RefundSeen(
        id=refund["id"],
        state=_REFUND_STATES[refund["status"]],
        amount_minor=refund["amount"],
        currency=refund["currency"].upper(),
        intent_id=id_of(refund.get("payment_intent")),
        reference=our_reference(refund),
        failure=refund.get("failure_reason"),
    )


def transfer_seen(transfer: dict[str, Any]) -> TransferSeen:
    """A transfer and how much of it came back."""
    account = id_of(transfer["destination"])
    if account is None:
        raise ValueError("a transfer to nobody")
    return TransferSeen(
        id=transfer["id"],
        amount_minor=transfer["amount"],
        reversed_minor=transfer["amount_reversed"],
        currency=transfer["currency"].upper(),
        account_id=account,
        charge_id=id_of(transfer.get("source_transaction")),
        reference=our_reference(transfer),
    )


def reversal_seen(reversal: dict[str, Any]) -> ReversalSeen:
    """Money brought back from a transfer."""
    return ReversalSeen(
        id=reversal["id"],
        transfer_id=id_of(reversal["transfer"]) or "",
        amount_minor=reversal["amount"],
        currency=reversal["currency"].upper(),
        reference=our_reference(reversal),
    )


def account_seen(account: dict[str, Any]) -> AccountSeen:
    """An account of the second generation, with recipient, identity and requirements included."""
    recipient = (account.get("configuration") or {}).get("recipient") or {}
    balance = (recipient.get("capabilities") or {}).get("stripe_balance") or {}
    entries = (account.get("requirements") or {}).get("entries") or []
    return AccountSeen(
        id=account["id"],
        # Where transfers were never asked for, nothing can be transferred.
        transfers_status=(balance.get("stripe_transfers") or {"status": "unsupported"})["status"],
        asked=tuple(
            entry["description"]
            for entry in entries
            if entry["awaiting_action_from"] == "user"
            and entry["minimum_deadline"]["status"] in ("currently_due", "past_due")
        ),
        country=((account.get("identity") or {}).get("country") or "").upper() or None,
        reference=our_reference(account),
    )
