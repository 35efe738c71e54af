"""Reading Stripe's objects (as plain dicts) into the payment door's values. Missing keys raise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace.gateways.payments import (
    AccountSeen,
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


def payment_of_session(session: dict[str, Any]) -> PaymentSeen:
    """A payment seen through its checkout; decided by its intent as soon as there is one."""
    ended = session["status"] == "expired"
    intent = session["payment_intent"]
    if isinstance(intent, dict):
        return payment_of_intent(intent, checkout_id=session["id"], checkout_ended=ended)
    return PaymentSeen(
        state=PaymentState.CLOSED if ended else PaymentState.OPEN,
        amount_minor=session["amount_total"],
        currency=session["currency"].upper(),
        intent_id=intent,
        checkout_id=session["id"],
        reference=_reference(session),
    )


def payment_of_intent(
    intent: dict[str, Any], *, checkout_id: str | None = None, checkout_ended: bool = False
) -> PaymentSeen:
    """A payment seen through its intent, with `latest_charge.balance_transaction` expanded."""
    charge = intent["latest_charge"]
    charge = charge if isinstance(charge, dict) else None
    taken = intent["status"] == "succeeded"
    until = charge and charge["payment_method_details"]["card"].get("capture_before")
    return PaymentSeen(
        state=_state(intent, charge, checkout_ended),
        amount_minor=intent["amount"],
        currency=intent["currency"].upper(),
        intent_id=intent["id"],
        checkout_id=checkout_id,
        charge_id=charge["id"] if charge and charge["status"] == "succeeded" else None,
        capture_before=datetime.fromtimestamp(until, UTC) if until else None,
        captured_minor=intent["amount_received"] if taken else 0,
        # The amount given back with a released authorisation stands here too: it is no refund.
        refunded_minor=charge["amount_refunded"] if charge and taken else 0,
        provider_fee_minor=_fee(charge) if taken else None,
        failure=_failure(intent),
        reference=_reference(intent),
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


def _fee(charge: dict[str, Any] | None) -> int | None:
    booked = charge["balance_transaction"] if charge else None
    return int(booked["fee"]) if isinstance(booked, dict) else None


def _failure(intent: dict[str, Any]) -> str | None:
    error = intent["last_payment_error"]
    if not error:
        return None
    return str(error.get("decline_code") or error.get("code") or error["type"])


def _reference(thing: dict[str, Any]) -> str | None:
    found = (thing.get("metadata") or {}).get("reference") or thing.get("transfer_group")
    return found if isinstance(found, str) else None


def refund_seen(refund: dict[str, Any]) -> RefundSeen:
    """A refund; a status we do not know raises."""
    return RefundSeen(
        id=refund["id"],
        state=_REFUND_STATES[refund["status"]],
        amount_minor=refund["amount"],
        currency=refund["currency"].upper(),
        intent_id=refund["payment_intent"],
        reference=_reference(refund),
        failure=refund.get("failure_reason"),
    )


def transfer_seen(transfer: dict[str, Any]) -> TransferSeen:
    """A transfer and how much of it came back."""
    return TransferSeen(
        id=transfer["id"],
        amount_minor=transfer["amount"],
        reversed_minor=transfer["amount_reversed"],
        currency=transfer["currency"].upper(),
        account_id=transfer["destination"],
        charge_id=transfer["source_transaction"],
        reference=_reference(transfer),
    )


def reversal_seen(reversal: dict[str, Any]) -> ReversalSeen:
    """Money brought back from a transfer."""
    return ReversalSeen(
        id=reversal["id"],
        transfer_id=reversal["transfer"],
        amount_minor=reversal["amount"],
        currency=reversal["currency"].upper(),
    )


def account_seen(account: dict[str, Any]) -> AccountSeen:
    """An account of the second generation, with recipient, identity and requirements included."""
    capabilities = account["configuration"]["recipient"]["capabilities"]
    entries = (account["requirements"] or {}).get("entries") or []
    return AccountSeen(
        id=account["id"],
        transfers_status=capabilities["stripe_balance"]["stripe_transfers"]["status"],
        asked=tuple(
            entry["description"]
            for entry in entries
            if entry["awaiting_action_from"] == "user"
            and entry["minimum_deadline"]["status"] in ("currently_due", "past_due")
        ),
        country=((account["identity"] or {}).get("country") or "").upper() or None,
        reference=_reference(account),
    )
