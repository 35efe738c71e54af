"""Row locks, always in the house's order (docs/architecture.md, rule 2).

Calendar; company, by the row of its mail domain, on which limits per company count; booking;
payment. Everything that needs two of them takes them in one call, so no two use-cases can wait
for each other in a circle. Plain table names: the lock order spans rooms, records do not.
"""

from __future__ import annotations

import uuid
from functools import cache

from sqlalchemy import TextClause, text

from .db import Tx

# In the house's order. Each row is sought only after the lock before it was had: `{before}` says so.
_ROWS = {
    "calendar": "select 1 from calendars where expert_id = :calendar {before} for update",
    "company": "select 1 from mail_domains where domain = (select domain from companies where id = :company)"
    " {before} for update",
    "booking": "select 1 from bookings where id = :booking {before} for update",
    "payment": "select 1 from payments where id = :payment {before} for update",
}


def take(
    tx: Tx,
    *,
    calendar: uuid.UUID | None = None,
    company: uuid.UUID | None = None,
    booking: uuid.UUID | None = None,
    payment: uuid.UUID | None = None,
) -> None:
    """Lock the named rows until the transaction ends, by one statement; what is None or missing is passed over."""
    named = {"calendar": calendar, "company": company, "booking": booking, "payment": payment}
    keys = {name: key for name, key in named.items() if key is not None}
    if keys:
        tx.session.execute(_locking(tuple(keys)), keys)


@cache
def _locking(names: tuple[str, ...]) -> TextClause:
    """A chain of parts, each of which waits for the count of the one before: their order is the plan's too."""
    parts, before = [], ""
    for name in names:  # Names of ours, no words of anybody's.
        parts.append(f"{name}_row as materialized ({_ROWS[name].format(before=before)})")
        before = f"and (select count(*) from {name}_row) >= 0"  # noqa: S608
    return text(f"with {', '.join(parts)} select count(*) from {names[-1]}_row")  # noqa: S608
