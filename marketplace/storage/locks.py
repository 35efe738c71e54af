"""Row locks, always in the house's order (docs/architecture.md, rule 2).

Calendar; company, by the row of its mail domain, on which limits per company count; booking;
payment. Everything that needs two of them takes them in one call, so no two use-cases can wait
for each other in a circle. Plain table names: the lock order spans rooms, records do not.
"""

from __future__ import annotations

import uuid

from sqlalchemy import text

from .db import Tx

_CALENDAR = text("select 1 from calendars where expert_id = :id for update")
_COMPANY = text(
    "select 1 from mail_domains where domain = (select domain from companies where id = :id) for update"
)
_BOOKING = text("select 1 from bookings where id = :id for update")
_PAYMENT = text("select 1 from payments where id = :id for update")


def take(
    tx: Tx,
    *,
    calendar: uuid.UUID | None = None,
    company: uuid.UUID | None = None,
    booking: uuid.UUID | None = None,
    payment: uuid.UUID | None = None,
) -> None:
    """Lock the named rows until the transaction ends; what is None or missing is passed over."""
    for statement, key in (
        (_CALENDAR, calendar),
        (_COMPANY, company),
        (_BOOKING, booking),
        (_PAYMENT, payment),
    ):
        if key is not None:
            tx.session.execute(statement, {"id": key})
