"""Transfers, the balance, the platform's payouts and top-ups, events."""

from __future__ import annotations

from typing import Any

from .. import balance, payouts, transfers
from ..wrong import invalid, only_eur
from .reading import Call, listed, need


def create_transfer(call: Call) -> dict[str, Any]:
    """Pay an account."""
    only_eur(call.asked["currency"])
    amount = call.amount()
    if amount is None:
        raise invalid("Missing required param: amount.", "parameter_missing", param="amount")
    asked = call.asked | {"metadata": call.metadata()}
    return call.shown(transfers.transfer(call.books, amount, asked))


def create_reversal(call: Call) -> dict[str, Any]:
    """Bring it back."""
    made = call.needs("transfer")
    return call.shown(transfers.reverse(call.books, made, call.amount(), call.metadata()))


def list_reversals(call: Call) -> dict[str, Any]:
    """What has come back of a transfer."""
    made = call.needs("transfer")
    return listed(call, "transfer_reversal", f"/v1/transfers/{made['id']}/reversals", transfer=made["id"])


def get_balance(call: Call) -> dict[str, Any]:
    """Available and pending, the platform's or an account's."""
    if call.account is None:
        return balance.shown(call.books)
    held = need(call.books, "v2.core.account", call.account)["_balance"]
    return balance.of_account(int(held))


def list_lines(call: Call) -> dict[str, Any]:
    """The books, line by line."""
    fixed = {"_payout": call.asked.pop("payout")} if "payout" in call.asked else {}
    return listed(call, "balance_transaction", "/v1/balance_transactions", **fixed)


def create_payout(call: Call) -> dict[str, Any]:
    """Send money to the platform's bank."""
    only_eur(call.asked["currency"])
    amount = call.amount()
    assert amount is not None
    if call.asked.get("method") == "instant":
        raise invalid("Instant payouts are not enabled for this account.", param="method")
    return call.shown(payouts.pay_out(
        call.books, amount, metadata=call.metadata(), description=call.asked.get("description"),
        descriptor=call.asked.get("statement_descriptor"),
    ))  # fmt: skip


def cancel_payout(call: Call) -> dict[str, Any]:
    """Stop it while it is still here."""
    return call.shown(payouts.cancel(call.books, call.needs("payout")))


def get_settings(call: Call) -> dict[str, Any]:
    """The schedule of payouts."""
    return _settings(call, payouts.settings(call.books))


def set_settings(call: Call) -> dict[str, Any]:
    """Another schedule."""
    asked = ((call.asked.get("payments") or {}).get("payouts") or {}).get("schedule") or {}
    if "interval" not in asked:
        return get_settings(call)
    monthly = [int(day) for day in (asked.get("monthly_payout_days") or {}).values()]
    weekly = list((asked.get("weekly_payout_days") or {}).values())
    return _settings(call, payouts.schedule(call.books, asked["interval"], weekly=weekly, monthly=monthly))


def _settings(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    return call.shown({name: value for name, value in found.items() if name != "id"})


def create_topup(call: Call) -> dict[str, Any]:
    """Bring money from the platform's bank."""
    only_eur(call.asked["currency"])
    amount = call.amount()
    assert amount is not None
    asked = call.asked | {"metadata": call.metadata()}
    return call.shown(payouts.top_up(call.books, amount, asked))


def get_event(call: Call) -> dict[str, Any]:
    """What was told, and how many still do not know it."""
    return _told(call, call.shown(call.needs("event")))


def list_events(call: Call) -> dict[str, Any]:
    """What was told, newest first."""
    if "delivery_success" in call.asked:
        raise invalid("Events are not sought by delivery here.", param="delivery_success")
    kinds = list(call.asked.pop("types", {}).values())
    found = listed(call, "event", "/v1/events", among=("type", kinds) if kinds else None)
    return found | {"data": [_told(call, one) for one in found["data"]]}


def _told(call: Call, event: dict[str, Any]) -> dict[str, Any]:
    row = call.books.connection.execute(
        "select count(*) as waiting from sandbox.deliveries where event_id = %s and delivered_at is null",
        (event["id"],),
    ).fetchone()
    return event | {"pending_webhooks": row["waiting"] if row else 0}
