"""Disputes: a buyer's bank asks for the money back. Deadlines, evidence, and how each of them ends."""

from __future__ import annotations

from typing import Any

from . import balance, refunds
from .days import DAY, midnight
from .store import Books, new_id
from .wrong import invalid, not_so

FEE = 1500
ANSWER_WITHIN_DAYS = 14
INQUIRY_ENDS_AFTER = 120 * DAY
OPEN = ("needs_response", "under_review")
INQUIRY = ("warning_needs_response", "warning_under_review")
CLOSED = ("won", "lost", "warning_closed", "prevented")
KINDS = ("chargeback", "inquiry", "prevented", "resolved")
REASONS = (
    "product_not_received", "fraudulent", "product_unacceptable", "credit_not_processed", "duplicate",
    "subscription_canceled", "unrecognized", "general",
)  # fmt: skip
TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
MOST_EVIDENCE = 150_000  # Characters, all texts together.


def open_dispute(
    books: Books,
    charge: dict[str, Any],
    kind: str = "chargeback",
    *,
    amount: int | None = None,
    reason: str = "product_not_received",
    deadline: bool = True,
) -> dict[str, Any]:
    """The bank disputes a charge. `kind`: chargeback takes the money at once; inquiry asks only; prevented
    was stopped before it began and moves nothing; resolved was settled by giving the money back, no fee."""
    if kind not in KINDS or reason not in REASONS:
        raise invalid(f"No such dispute: {kind} {reason}")
    card = charge["payment_method_details"]["type"] == "card"
    if not card or not charge["captured"] or charge.get("_in_dispute"):
        raise not_so("Only a captured card charge without an open dispute can be disputed.")
    amount = charge["amount_captured"] if amount is None else amount
    if not 0 < amount <= charge["amount_captured"]:
        raise not_so(f"The amount ({amount}) is not within the charge ({charge['amount_captured']}).")
    status = {"chargeback": "needs_response", "inquiry": "warning_needs_response"}.get(kind, "prevented")
    dispute = _made(books, charge, amount, reason, status, kind)
    if status != "prevented" and deadline:
        dispute["_due"] = dispute["evidence_details"]["due_by"] = _deadline(books)
    charge["disputed"] = True
    books.put("dispute", dispute)
    books.put("charge", charge)
    if kind == "resolved":
        _withdraw(books, dispute, fee=0)
        _lose(books, dispute)
    books.announce("charge.dispute.created", dispute)
    if kind == "chargeback":
        _take(books, dispute, charge)
    if status == "prevented":
        books.announce("charge.dispute.closed", dispute)
    return dispute


def _made(
    books: Books, charge: dict[str, Any], amount: int, reason: str, status: str, kind: str
) -> dict[str, Any]:
    case = {"prevented": "block", "resolved": "resolution"}.get(kind, kind)
    return {
        "id": new_id("du"), "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge["id"],
        "created": books.unix, "currency": "eur", "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys((*TEXTS, *FILES)), "enhanced_evidence": {}},
        "evidence_details": {"due_by": None, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False,
                             "submission_count": 0},
        "is_charge_refundable": kind == "inquiry", "livemode": False, "metadata": {},
        "payment_intent": charge["payment_intent"], "reason": reason, "status": status,
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": case, "network": "visa",
                                                            "network_reason_code": "13.1"}},
    }  # fmt: skip


def _deadline(books: Books) -> int:
    return midnight(books.unix) + (ANSWER_WITHIN_DAYS + 1) * DAY - 1


def _take(books: Books, dispute: dict[str, Any], charge: dict[str, Any]) -> None:
    """The money leaves at once, with the fee; refunds on their way fail, and no other is made meanwhile."""
    _withdraw(books, dispute, fee=FEE)
    charge["_in_dispute"] = dispute["id"]
    books.put("charge", charge)
    books.announce("charge.dispute.funds_withdrawn", dispute)
    refunds.charge_disputed(books, charge)


def _withdraw(books: Books, dispute: dict[str, Any], fee: int) -> None:
    line = balance.add(
        books, "adjustment", dispute["id"], -dispute["amount"], fee=fee, fee_words="Dispute fee",
        category="dispute", description=f"Chargeback withdrawal for {dispute['charge']}",
    )  # fmt: skip
    dispute["balance_transactions"].append({k: v for k, v in line.items() if k[0] != "_"})
    books.put("dispute", dispute)


def escalate(books: Books, dispute: dict[str, Any]) -> dict[str, Any]:
    """A question becomes a dispute: the money leaves now."""
    if dispute["status"] not in INQUIRY:
        raise not_so(f"A dispute that is {dispute['status']} is no inquiry.")
    charge = books.must("charge", dispute["charge"])
    dispute["status"], dispute["is_charge_refundable"] = "needs_response", False
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["evidence_details"] |= {"due_by": _deadline(books), "past_due": False, "submission_count": 0}
    dispute["_due"] = dispute["evidence_details"]["due_by"]
    _take(books, dispute, charge)
    books.announce("charge.dispute.updated", dispute)
    return dispute


def decide(books: Books, dispute: dict[str, Any], won: bool, *, fee_returns: bool = False) -> dict[str, Any]:
    """The bank has decided. Won: the amount comes back, the fee only where said."""
    if dispute["status"] not in OPEN:
        raise not_so(f"A dispute that is {dispute['status']} is not decided.")
    if not won:
        _lose(books, dispute)
        books.announce("charge.dispute.closed", dispute)
        return dispute
    line = balance.add(
        books, "adjustment", dispute["id"], dispute["amount"], fee=-FEE if fee_returns else 0,
        fee_words="Dispute fee refund", category="dispute_reversal",
        description=f"Chargeback reversal for {dispute['charge']}",
    )  # fmt: skip
    dispute["balance_transactions"].append({k: v for k, v in line.items() if k[0] != "_"})
    _end(books, dispute, "won")
    books.announce("charge.dispute.funds_reinstated", dispute)
    books.announce("charge.dispute.closed", dispute)
    return dispute


def _lose(books: Books, dispute: dict[str, Any]) -> None:
    charge = books.must("charge", dispute["charge"])
    books.put("charge", charge | {"_lost": charge.get("_lost", 0) + dispute["amount"]})
    _end(books, dispute, "prevented" if dispute["status"] == "prevented" else "lost")


def _end(books: Books, dispute: dict[str, Any], status: str) -> None:
    dispute["status"], dispute["_due"] = status, None
    books.put("dispute", dispute)
    charge = books.must("charge", dispute["charge"])
    if charge.get("_in_dispute") == dispute["id"]:
        books.put("charge", charge | {"_in_dispute": None})


def close(books: Books, dispute: dict[str, Any]) -> dict[str, Any]:
    """Given up by the platform, or an inquiry that came to nothing."""
    if dispute["status"] in INQUIRY:
        dispute["is_charge_refundable"] = False
        _end(books, dispute, "warning_closed")
        books.announce("charge.dispute.closed", dispute)
        return dispute
    if dispute["status"] != "needs_response":
        raise not_so("This dispute is already closed." if dispute["status"] in CLOSED else
                     f"This dispute cannot be closed; it is {dispute['status']}.")  # fmt: skip
    return decide(books, dispute, won=False)


def update(books: Books, dispute: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Stage evidence, or send it: once, before the deadline."""
    if "metadata" in asked:
        given = asked["metadata"] or {}
        merged = {} if asked["metadata"] == "" else {**dispute["metadata"], **given}
        dispute["metadata"] = {name: value for name, value in merged.items() if value != ""}
    submit = asked.get("submit", "true") != "false"
    evidence = asked.get("evidence")
    if evidence is None and (not submit or "submit" not in asked):
        books.put("dispute", dispute)
        return dispute
    _may_answer(books, dispute)
    _stage(books, dispute, evidence or {})
    if submit:
        if not dispute["evidence_details"]["has_evidence"]:
            raise not_so("There is no evidence to submit.", param="evidence")
        dispute["evidence_details"]["submission_count"] += 1
        inquiry = dispute["status"] in INQUIRY
        dispute["status"] = "warning_under_review" if inquiry else "under_review"
        dispute["_due"] = dispute["created"] + INQUIRY_ENDS_AFTER if inquiry else None
    books.put("dispute", dispute)
    books.announce("charge.dispute.updated", dispute)
    return _test_evidence(books, dispute) if submit else dispute


def _may_answer(books: Books, dispute: dict[str, Any]) -> None:
    if dispute["status"] in CLOSED:
        raise not_so(f"This dispute is already closed ({dispute['status']}).")
    if dispute["evidence_details"]["submission_count"]:
        raise not_so("Evidence for this dispute has already been submitted.", "dispute_evidence_submitted")
    if dispute["evidence_details"]["past_due"]:
        raise not_so("The deadline for evidence has passed.")


def _stage(books: Books, dispute: dict[str, Any], evidence: Any) -> None:
    if not isinstance(evidence, dict):
        raise invalid("Invalid object", param="evidence")
    for name, value in evidence.items():
        if name in FILES and value and books.get("file", value) is None:
            raise invalid(
                f"No such file upload: '{str(value)[:60]}'", "resource_missing", param=f"evidence[{name}]"
            )
        dispute["evidence"][name] = value or None
    texts = [value for name, value in dispute["evidence"].items() if name in TEXTS and value]
    if sum(map(len, texts)) > MOST_EVIDENCE:
        raise invalid(f"The evidence is longer than {MOST_EVIDENCE} characters.", param="evidence")
    held = [value for name, value in dispute["evidence"].items() if value and name != "enhanced_evidence"]
    dispute["evidence_details"]["has_evidence"] = bool(held)


def _test_evidence(books: Books, dispute: dict[str, Any]) -> dict[str, Any]:
    """Words that Stripe's test mode knows: they decide the dispute at once."""
    words = dispute["evidence"]["uncategorized_text"]
    if words == "escalate_inquiry_evidence" and dispute["status"] in INQUIRY:
        return escalate(books, dispute)
    if words not in ("winning_evidence", "losing_evidence"):
        return dispute
    if dispute["status"] in INQUIRY:
        return close(books, dispute)
    return decide(books, dispute, won=words == "winning_evidence")


def time_acts(books: Books, dispute: dict[str, Any]) -> None:
    """A deadline without an answer: lost. An inquiry without one goes on until it comes to nothing."""
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        decide(books, dispute, won=False)
    elif dispute["status"] in INQUIRY and books.unix >= dispute["created"] + INQUIRY_ENDS_AFTER:
        close(books, dispute)
    elif dispute["status"] == "warning_needs_response":
        dispute["evidence_details"]["past_due"] = True
        dispute["_due"] = dispute["created"] + INQUIRY_ENDS_AFTER
        books.put("dispute", dispute)
        books.announce("charge.dispute.updated", dispute)
    else:
        books.put("dispute", dispute | {"_due": None})
