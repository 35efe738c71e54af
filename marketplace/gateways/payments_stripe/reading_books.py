"""Stripe's disputes, payouts and balance transactions (as plain dicts) read into the door's values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace.gateways.payments import ChargebackSeen, ChargebackState, MovementSeen, PayoutSeen

from .reading import id_of, our_reference

_CHARGEBACK_STATES = {
    "warning_needs_response": ChargebackState.INQUIRY,
    "warning_under_review": ChargebackState.INQUIRY,
    "warning_closed": ChargebackState.INQUIRY_CLOSED,
    "needs_response": ChargebackState.OPEN,
    "appeal_needs_response": ChargebackState.OPEN,
    "under_review": ChargebackState.REVIEW,
    "appeal_under_review": ChargebackState.REVIEW,
    "won": ChargebackState.WON,
    "lost": ChargebackState.LOST,
    "prevented": ChargebackState.PREVENTED,
}
_PAYOUT_STATES = {
    "pending": "pending",
    "in_transit": "under_way",
    "paid": "done",
    "failed": "failed",
    "canceled": "cancelled",
}
_MOVEMENTS = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failed",
    "payment_failure_refund": "refund_failed",
    "transfer": "transfer",
    "transfer_refund": "reversal",
    "transfer_cancel": "reversal",
    "transfer_failure": "reversal",
    "payout": "payout",
    "payout_cancel": "payout_failed",
    "payout_failure": "payout_failed",
    "topup": "top_up",
    "topup_reversal": "top_up",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "tax_fee": "fee",
}


def chargeback_seen(dispute: dict[str, Any]) -> ChargebackSeen:
    """A dispute; what it took and cost is what its own balance transactions say."""
    details = dispute.get("evidence_details") or {}
    due = details.get("due_by")
    booked = dispute["balance_transactions"]
    return ChargebackSeen(
        id=dispute["id"],
        state=_CHARGEBACK_STATES[dispute["status"]],
        amount_minor=dispute["amount"],
        currency=dispute["currency"].upper(),
        reason=dispute.get("reason") or "general",
        intent_id=id_of(dispute.get("payment_intent")),
        charge_id=id_of(dispute.get("charge")),
        evidence_due=datetime.fromtimestamp(due, UTC) if due else None,
        submitted=bool(details.get("submission_count")) or dispute["status"].endswith("under_review"),
        taken_minor=-sum(line["amount"] for line in booked),
        fee_minor=sum(line["fee"] for line in booked),
        withdrawn_minor=-sum(min(0, line["amount"]) for line in booked),
        withdrawn_fee_minor=sum(max(0, line["fee"]) for line in booked),
        reference=our_reference(dispute),
    )


def payout_seen(payout: dict[str, Any]) -> PayoutSeen:
    """A payout; a status we do not know raises."""
    arrives = payout.get("arrival_date")
    return PayoutSeen(
        id=payout["id"],
        state=_PAYOUT_STATES[payout["status"]],
        amount_minor=payout["amount"],
        currency=payout["currency"].upper(),
        arrives=datetime.fromtimestamp(arrives, UTC) if arrives else None,
        automatic=payout["automatic"],
        reference=our_reference(payout),
        failure=payout.get("failure_code"),
    )


def movement_seen(line: dict[str, Any]) -> MovementSeen:
    """A line of the provider's books. What we do not know the kind of counts all the same: `other`."""
    return MovementSeen(
        id=line["id"],
        kind=_kind(line),
        source=id_of(line.get("source")) or line["id"],
        amount_minor=line["amount"],
        fee_minor=line["fee"],
        currency=line["currency"].upper(),
        created=datetime.fromtimestamp(line["created"], UTC),
        available=datetime.fromtimestamp(line["available_on"], UTC),
    )


def _kind(line: dict[str, Any]) -> str:
    about = str(line.get("reporting_category") or "")
    # A dispute is booked as an adjustment like others; its category tells it from them.
    if line["type"] == "adjustment" and about.startswith("dispute"):
        return "chargeback"
    return _MOVEMENTS.get(line["type"], "other")
