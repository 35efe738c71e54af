"""What time does by itself: pages and reservations that run out, money that settles, deadlines, payouts.

Each object says in its books when time acts on it next (an indexed column), so nothing is looked at
before its hour, however much there is. What was due is done at its own hour, in order, however late it
is seen: thirty days at once leave the same books as thirty days one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from . import balance, chargebacks, charges, checkout, payouts, refunds
from .store import Books

log = logging.getLogger(__name__)
AT_ONCE = 300  # In one transaction; the rest in the next.

ACTS: dict[str, Callable[[Books, dict[str, Any]], object]] = {
    "checkout.session": checkout.expire,
    "payment_intent": charges.ran_out,
    "refund": refunds.time_acts,
    "dispute": chargebacks.time_acts,
    "payout": payouts.time_acts,
    "topup": payouts.topped_up,
    "balance_settings": payouts.its_day,
}


def let_all_time_act(books: Books, most: int = AT_ONCE) -> bool:
    """Do what is due by now, the earliest first, so many at most; whether something may be left."""
    for _ in range(most):
        row = books.connection.execute(
            "select id, kind, due from sandbox.objects where due <= %s and kind <> 'balance_transaction'"
            " order by due, made limit 1",
            (books.unix,),
        ).fetchone()
        if row is None:
            _settle(books)
            refunds.serve_waiting(books)
            return False
        with books.at(row["due"]):
            _settle(books)
            _act(books, row["kind"], row["id"], row["due"])
    return True


def something_is_due(books: Books) -> bool:
    """Whether time has anything to do; two looks into indexes."""
    row = books.connection.execute(
        "select exists (select 1 from sandbox.objects where due <= %(now)s and kind <> 'balance_transaction')"
        " or exists (select 1 from sandbox.objects where due <= %(now)s and kind = 'balance_transaction') as it_is",
        {"now": books.unix},
    ).fetchone()
    return bool(row and row["it_is"])


def _settle(books: Books) -> None:
    if balance.settle(books) > 0:
        refunds.serve_waiting(books)


def _act(books: Books, kind: str, object_id: str, due: int) -> None:
    thing = books.must(kind, object_id)
    if thing.get("_due") == due:
        try:
            with books.connection.transaction():
                ACTS[kind](books, thing)
        except Exception:
            log.exception("time acts on %s", object_id)
        thing = books.must(kind, object_id)
        if thing.get("_due") != due:
            return
    books.put(kind, thing | {"_due": None})  # Whoever stays due for ever would keep all others waiting.
