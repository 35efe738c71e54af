"""What time does by itself: checkouts run out, authorisations end, slow banks answer."""

from __future__ import annotations

import time
from typing import Any

from . import books as money
from .store import Books

_OVER = (
    "select data from sandbox.objects where kind = 'checkout.session'"
    " and data @> '{\"status\": \"open\"}' and (data->>'expires_at')::bigint <= %s order by made limit 100"
)
_ENDED = (
    "select i.data from sandbox.objects i join sandbox.objects c on c.id = i.data->>'latest_charge'"
    " where i.kind = 'payment_intent' and i.data @> '{\"status\": \"requires_capture\"}'"
    " and (c.data->'payment_method_details'->'card'->>'capture_before')::bigint <= %s order by i.made limit 100"
)
_ANSWERED = (
    "select data from sandbox.objects where kind = 'checkout.session'"
    " and data ? '_answered_at' and (data->>'_answered_at')::float <= %s order by made limit 100"
)


def let_time_act(books: Books) -> None:
    """Do what is due by the platform's time, and by real time what a slow bank was asked."""
    for session in _rows(books, _OVER, books.unix):
        money.ended_checkout(books, session)
    for intent in _rows(books, _ENDED, books.unix):
        money.ended_authorisation(books, intent)
    for session in _rows(books, _ANSWERED, time.time()):
        money.answered(books, session)


def _rows(books: Books, query: str, until: float) -> list[dict[str, Any]]:
    rows = books.connection.execute(query.encode(), (until,)).fetchall()
    return [row["data"] for row in rows]
