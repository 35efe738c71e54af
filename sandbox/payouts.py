"""The platform's own money: to its bank and from it, by hand or by the provider's schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import balance
from .days import business_days_after, next_day
from .store import Books, new_id
from .wrong import not_so

ARRIVES_AFTER = 2  # Business days.
FAILURES = ("account_closed", "could_not_process", "no_account", "insufficient_funds", "debit_not_authorized")
INTERVALS = ("manual", "daily", "weekly", "monthly")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


def pay_out(
    books: Books,
    amount: int,
    *,
    metadata: dict[str, str] | None = None,
    description: str | None = None,
    descriptor: str | None = None,
    automatic: bool = False,
) -> dict[str, Any]:
    """Send available money to the bank; never more than there is."""
    if amount > balance.available(books):
        raise not_so(
            "You have insufficient funds in your Stripe account for this transfer.", "balance_insufficient"
        )
    arrives = business_days_after(books.unix, ARRIVES_AFTER)
    made: dict[str, Any] = {
        "id": new_id("po"), "object": "payout", "amount": amount, "application_fee": None,
        "application_fee_amount": None, "arrival_date": arrives, "automatic": automatic, "balance_transaction": None,
        "created": books.unix, "currency": "eur", "description": description, "destination": "ba_" + "5" * 24,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "livemode": False,
        "metadata": metadata or {}, "method": "standard", "original_payout": None, "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable", "reversed_by": None,
        "source_type": "card", "statement_descriptor": descriptor, "status": "pending",
        "trace_id": {"status": "pending", "value": None}, "type": "bank_account", "_due": next_day(books.unix),
    }  # fmt: skip
    made["balance_transaction"] = balance.add(books, "payout", made["id"], -amount)["id"]
    books.put("payout", made)
    books.announce("payout.created", made)
    return made


def time_acts(books: Books, made: dict[str, Any]) -> None:
    """Pending until the next day, in transit until it arrives."""
    if made["status"] == "pending":
        made["status"], made["_due"] = "in_transit", made["arrival_date"]
        books.put("payout", made)
        books.announce("payout.updated", made)
    elif made["status"] == "in_transit":
        made["status"], made["_due"] = "paid", None
        made["trace_id"] = {"status": "supported", "value": new_id("trace")}
        books.put("payout", made)
        books.announce("payout.paid", made)
    else:
        books.put("payout", made | {"_due": None})


def cancel(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """Called off while it is still here."""
    if made["status"] != "pending" or made["automatic"]:
        raise not_so(f"Only pending payouts made by hand can be canceled; this one is {made['status']}.")
    return _back(books, made, "canceled", "payout_cancel")


def fail(books: Books, made: dict[str, Any], why: str = "account_closed") -> dict[str, Any]:
    """The bank sends it back; the money is in the balance again. It may have looked paid before."""
    if made["status"] in ("failed", "canceled"):
        raise not_so(f"A payout that is {made['status']} does not fail.")
    made["failure_code"], made["failure_message"] = why, "The bank has returned this payout."
    return _back(books, made, "failed", "payout_failure")


def _back(books: Books, made: dict[str, Any], status: str, kind: str) -> dict[str, Any]:
    made["status"], made["_due"] = status, None
    made["failure_balance_transaction"] = balance.add(books, kind, made["id"], made["amount"])["id"]
    books.put("payout", made)
    books.announce(f"payout.{status}", made)
    return made


# The schedule: an object of its own, so that its next day is found as everything is that time acts on.


def settings(books: Books) -> dict[str, Any]:
    """How and when the platform's money is paid out. By hand until somebody says otherwise."""
    return books.get("balance_settings", "balance_settings") or {
        "id": "balance_settings", "object": "balance_settings",
        "payments": {
            "debit_negative_balances": False,
            "payouts": {"minimum_balance_by_currency": None,
                        "schedule": {"interval": "manual"}, "statement_descriptor": None, "status": "enabled"},
            "settlement_timing": {"delay_days": balance.SETTLES_AFTER},
        },
    }  # fmt: skip


def schedule(books: Books, interval: str, **days: Any) -> dict[str, Any]:
    """From now on it is paid out so often by itself, or never."""
    kept = settings(books)
    found: dict[str, Any] = {"interval": interval}
    if interval == "weekly":
        found["weekly_payout_days"] = days.get("weekly") or ["monday"]
    if interval == "monthly":
        found["monthly_payout_days"] = days.get("monthly") or [1]
    kept["payments"]["payouts"]["schedule"] = found
    kept["_due"] = None if interval == "manual" else next_day(books.unix)
    books.put("balance_settings", kept)
    books.announce("balance_settings.updated", {k: v for k, v in kept.items() if k != "id"})
    return kept


def its_day(books: Books, kept: dict[str, Any]) -> None:
    """A day begins: the provider pays out by itself whatever is available, where this is a day for it."""
    today = datetime.fromtimestamp(books.unix, UTC)
    found = kept["payments"]["payouts"]["schedule"]
    weekday = WEEK[today.weekday()] if today.weekday() < len(WEEK) else ""
    wanted = {
        "daily": bool(weekday), "weekly": weekday in found.get("weekly_payout_days", ()),
        "monthly": today.day in found.get("monthly_payout_days", ()),
    }.get(found["interval"], False)  # fmt: skip
    books.put("balance_settings", kept | {"_due": next_day(books.unix)})
    amount = balance.available(books)
    if wanted and amount > 0:
        made = pay_out(books, amount, description="STRIPE PAYOUT", automatic=True)
        books.connection.execute(
            "update sandbox.objects set data = data || jsonb_build_object('_payout', %s::text)"
            " where kind = 'balance_transaction' and available_on <= %s and not data ? '_payout'",
            (made["id"], books.unix),
        )


# Top-ups: money from the platform's bank.


def top_up(books: Books, amount: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask the bank for money; it is there on the next business day."""
    arrives = business_days_after(books.unix, 1)
    made: dict[str, Any] = {
        "id": new_id("tu"), "object": "topup", "amount": amount, "balance_transaction": None, "created": books.unix,
        "currency": "eur", "description": asked.get("description"), "expected_availability_date": arrives,
        "failure_code": None, "failure_message": None, "initiated_by": "user", "livemode": False,
        "metadata": asked.get("metadata") or {}, "payment_method": asked.get("payment_method"),
        "payment_method_options": None, "source": None, "statement_descriptor": asked.get("statement_descriptor"),
        "status": "pending", "transfer_group": asked.get("transfer_group"), "_due": arrives,
    }  # fmt: skip
    books.put("topup", made)
    books.announce("topup.created", made)
    return made


def topped_up(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """It has come in."""
    if made["status"] != "pending":
        raise not_so(f"A top-up that is {made['status']} does not come in.")
    made["status"], made["_due"] = "succeeded", None
    made["balance_transaction"] = balance.add(books, "topup", made["id"], made["amount"])["id"]
    books.put("topup", made)
    books.announce("topup.succeeded", made)
    return made


def topup_fails(books: Books, made: dict[str, Any]) -> dict[str, Any]:
    """The bank does not give it."""
    if made["status"] != "pending":
        raise not_so(f"A top-up that is {made['status']} does not fail.")
    made["status"], made["_due"] = "failed", None
    made["failure_code"], made["failure_message"] = "insufficient_funds", "The bank has refused."
    books.put("topup", made)
    books.announce("topup.failed", made)
    return made
