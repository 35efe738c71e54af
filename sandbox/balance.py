"""The provider's own books: balance transactions, pending until they settle, available from then on."""

from __future__ import annotations

from typing import Any

from .days import business_days_after
from .store import Books, new_id

SETTLES_AFTER = 3  # Business days from a charge to available money.
CATEGORIES = {
    "payment": "charge", "payment_refund": "refund", "payment_failure_refund": "refund_failure",
    "transfer_refund": "transfer_reversal", "payout_failure": "payout_reversal", "payout_cancel": "payout_reversal",
    "stripe_fee": "fee",
}  # fmt: skip


def add(
    books: Books,
    kind: str,
    source: str,
    amount: int,
    *,
    fee: int = 0,
    fee_words: str = "Stripe processing fees",
    available_on: int | None = None,
    category: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """A line of the books; without `available_on` it counts at once."""
    until = books.unix if available_on is None else available_on
    waits = until > books.unix
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": "eur",
            "description": fee_words,
            "type": "stripe_fee",
        }
    ]
    return books.put(
        "balance_transaction",
        {
            "id": new_id("txn"), "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee,
            "available_on": until, "balance_type": "payments", "created": books.unix, "currency": "eur",
            "description": description, "exchange_rate": None, "fee_details": fees if fee else [],
            "reporting_category": category or CATEGORIES.get(kind, kind), "source": source,
            "status": "pending" if waits else "available", "type": kind, "_due": until if waits else None,
        },
    )  # fmt: skip


def settles_on(books: Books) -> int:
    """When money taken now becomes available."""
    return business_days_after(books.unix, SETTLES_AFTER)


def amounts(books: Books) -> tuple[int, int]:
    """Available and pending, minor units; either may be below zero."""
    row = books.connection.execute(
        "select coalesce(sum(net) filter (where available_on <= %(now)s), 0)::bigint as available,"
        " coalesce(sum(net) filter (where available_on > %(now)s), 0)::bigint as pending"
        " from sandbox.objects where net is not null",
        {"now": books.unix},
    ).fetchone()
    return (row["available"], row["pending"]) if row else (0, 0)


def available(books: Books) -> int:
    """What can be spent now."""
    return amounts(books)[0]


def settle(books: Books) -> int:
    """Mark what has become available; how much that was. The platform is told of it."""
    row = books.connection.execute(
        "with settled as (update sandbox.objects set due = null,"
        ' data = data || \'{"status": "available", "_due": null}\''
        " where kind = 'balance_transaction' and due <= %s returning net)"
        " select count(*) as lines, coalesce(sum(net), 0)::bigint as net from settled",
        (books.unix,),
    ).fetchone()
    if row is None or not row["lines"]:
        return 0
    books.announce("balance.available", shown(books))
    return int(row["net"])


def settle_now(books: Books) -> None:
    """Everything that is still pending is available from now on, as if its day had come."""
    books.connection.execute(
        "update sandbox.objects set due = %(now)s,"
        " data = data || jsonb_build_object('available_on', %(now)s::bigint, '_due', %(now)s::bigint)"
        " where kind = 'balance_transaction' and due > %(now)s",
        {"now": books.unix},
    )
    settle(books)


def shown(books: Books) -> dict[str, Any]:
    """The balance as it is shown."""
    return _shown(*amounts(books))


def of_account(held: int) -> dict[str, Any]:
    """An expert's own: what came in and went on to no bank yet."""
    return _shown(held, 0)


def _shown(ready: int, pending: int) -> dict[str, Any]:
    def line(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": "eur", "source_types": {"card": amount}}

    return {
        "object": "balance", "livemode": False, "available": [line(ready)], "pending": [line(pending)],
        "connect_reserved": [{"amount": 0, "currency": "eur"}],
    }  # fmt: skip


def charge_fee(books: Books, amount: int, words: str) -> dict[str, Any]:
    """A fee of the provider's that belongs to no payment."""
    return add(books, "stripe_fee", new_id("fee"), -amount, description=words)
