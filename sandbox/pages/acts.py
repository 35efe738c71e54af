"""What the desk's buttons do: a verb, and the object it is done with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import accounts, balance, chargebacks, payouts, refunds
from ..store import Books
from .paying import comes_in

Act = Callable[[Books, dict[str, Any]], object]


def _dispute(kind: str, share: int = 1) -> Act:
    def act(books: Books, charge: dict[str, Any]) -> object:
        part = max(charge["amount_captured"] // share, 1)
        return chargebacks.open_dispute(books, charge, kind, amount=part)

    return act


def _pending(on: bool) -> Act:
    return lambda books, charge: books.put("charge", charge | {"_refunds": "pending" if on else None})


def _fails(on: bool) -> Act:
    return lambda books, intent: books.put("payment_intent", intent | {"_fails_at_capture": on})


def _arrives(how: str) -> Act:
    return lambda books, intent: comes_in(books, intent, how)


def _account(action: str) -> Act:
    return lambda books, account: accounts.becomes(books, account, action)


# Verb → kind of object, what happens.
ACTS: dict[str, tuple[str, Act]] = {
    "dispute": ("charge", _dispute("chargeback")),
    "dispute_part": ("charge", _dispute("chargeback", 3)),
    "inquiry": ("charge", _dispute("inquiry")),
    "prevented": ("charge", _dispute("prevented")),
    "resolved": ("charge", _dispute("resolved")),
    "refunds_pend": ("charge", _pending(True)),
    "refunds_at_once": ("charge", _pending(False)),
    "capture_fails": ("payment_intent", _fails(True)),
    "capture_works": ("payment_intent", _fails(False)),
    "won": ("dispute", lambda books, one: chargebacks.decide(books, one, True)),
    "won_with_fee": ("dispute", lambda books, one: chargebacks.decide(books, one, True, fee_returns=True)),
    "lost": ("dispute", lambda books, one: chargebacks.decide(books, one, False)),
    "escalate": ("dispute", chargebacks.escalate),
    "close": ("dispute", chargebacks.close),
    "refund_arrives": ("refund", refunds.arrive),
    "refund_fails": ("refund", refunds.fail),
    "refund_details": ("refund", refunds.details_given),
    "arrives_whole": ("payment_intent", _arrives("whole")),
    "arrives_half": ("payment_intent", _arrives("half")),
    "arrives_more": ("payment_intent", _arrives("more")),
    "arrives_again": ("payment_intent", _arrives("again")),
    "account_complete": ("v2.core.account", _account("complete")),
    "account_ask": ("v2.core.account", _account("ask")),
    "account_bank": ("v2.core.account", _account("bank")),
    "account_tax": ("v2.core.account", _account("tax")),
    "account_restrict": ("v2.core.account", _account("restrict")),
    "account_pays_out": ("v2.core.account", accounts.money_leaves),
    "payout_fails": ("payout", payouts.fail),
    "topup_arrives": ("topup", payouts.topped_up),
    "topup_fails": ("topup", payouts.topup_fails),
}
# Of the provider itself.
WHOLE: dict[str, Callable[[Books], object]] = {
    "settle": balance.settle_now,
    "daily": lambda books: payouts.schedule(books, "daily"),
    "manual": lambda books: payouts.schedule(books, "manual"),
    "fee": lambda books: balance.charge_fee(books, 2_000, "Account fee"),
    "topup": lambda books: payouts.topped_up(books, payouts.top_up(books, 100_000, {})),
}


def done(books: Books, said: str) -> bool:
    """Do what a button says, `verb:id` or a verb alone; False where there is no such thing."""
    verb, _, object_id = said.partition(":")
    if not object_id and verb in WHOLE:
        WHOLE[verb](books)
        refunds.serve_waiting(books)
        return True
    if verb not in ACTS:
        return False
    kind, act = ACTS[verb]
    thing = books.get(kind, object_id)
    if thing is None:
        return False
    act(books, thing)
    refunds.serve_waiting(books)
    return True
