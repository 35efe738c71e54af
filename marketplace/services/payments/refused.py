"""Messages that were not believed: counted by day and reason, so that operators see forgeries and
settings that have gone wrong (a secret that was rolled, test mode beside live)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.payments import RefusedEvent

log = logging.getLogger(__name__)

# What each means and what to do about it, for the log; the sender learns no more than the word.
MEANINGS = {
    "too_large": "longer than any event of the provider's",
    "no_signature": "unsigned: not the provider",
    "bad_signature": "signed with none of the configured secrets: a forgery, or STRIPE_WEBHOOK_SECRETS lacks one",
    "too_old": "signed more than five minutes ago: replayed, or this machine's clock is fast",
    "from_the_future": "signed in the future: this machine's clock is slow",
    "bad_encoding": "signed, but no UTF-8",
    "bad_json": "signed, but no JSON",
    "bad_shape": "signed, but no event that we can read",
    "wrong_mode": "of the other mode: a test endpoint beside a live key, or the other way round",
    "wrong_account": "of an account that is no expert's of ours (STRIPE_ACCOUNT_ID, if it is our own)",
}


def refuse_event(db: Database, reason: str) -> None:
    """Count one more that was not believed, and say in the log why."""
    log.warning("webhook refused (%s): %s", reason, MEANINGS.get(reason, "not believed"))
    with db.transaction() as tx:
        one = insert(RefusedEvent).values(day=tx.now.date(), reason=reason, number=1, last_at=tx.now)
        tx.session.execute(
            one.on_conflict_do_update(
                index_elements=["day", "reason"],
                set_={"number": RefusedEvent.number + 1, "last_at": one.excluded.last_at},
            )
        )


def refused_events(session: Session, *, since: date) -> Sequence[RefusedEvent]:
    """What was refused from that UTC day on, by day and reason, the newest day first; ten rows a day at most."""
    return session.scalars(
        sa.select(RefusedEvent)
        .where(RefusedEvent.day >= since)
        .order_by(RefusedEvent.day.desc(), RefusedEvent.reason)
    ).all()


def account_known(session: Session, account_id: str | None) -> bool:
    """Whether an event names no account but the platform's, or that of one of our experts."""
    if account_id is None:
        return True
    return bool(session.scalar(sa.select(sa.exists().where(Expert.account_id == account_id))))
