"""One's own data as one file (Regulation (EU) 2016/679, art. 15 and 20).

Everything the records hold about a person, in named sections, and nothing private about anybody else:
of a booking's other side only what its pages show, of a company its name, of an operator nothing.
Secrets (hashes, tokens, the second factor's key) are left out: they prove who somebody is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...domain.errors import NotFound, TooManyTries
from ...domain.policy import Actor
from ...storage.db import Database
from ..people import count_exports, write_audit
from .gathering import account, asking, buying, moderation, plain, selling

UNITS = {
    "at, …_at, until": "instants in UTC, ISO 8601",
    "…_minor": "amounts in the currency's smallest unit (euro cents)",
    "minutes, …_minutes": "minutes",
    "notice_hours": "hours",
    "days_saved": "working days",
    "marks": "1 (poor) to 5 (excellent)",
    "zone": "IANA time zone; hours of the week are wall-clock times in it, days ISO 1 (Monday) to 7",
    "content_base64": "a file's bytes, base64",
}


def export_own(
    db: Database, actor: Actor, *, address: str, real_now: datetime
) -> dict[str, Any] | TooManyTries:
    """Everything about the actor as plain JSON values, by a fixed number of statements; audited.

    A few a day: each reads all tables. NotFound for nobody.
    """
    if actor.person_id is None:
        raise NotFound
    with db.transaction() as tx:
        until = count_exports(tx.session, actor.person_id, real_now)
        if until is not None:
            return TooManyTries(until=until)
        write_audit(tx, actor_id=actor.person_id, act="export", subject=str(actor.person_id), address=address)
    with db.reading() as session:
        found = {"made_at": db.clock(), "units": UNITS, **account(session, actor.person_id)}
        found |= buying(session, actor.person_id, db.clock()) | selling(session, actor.expert_id, db.clock())
        found |= asking(session, actor.person_id, actor.expert_id)
        whole: dict[str, Any] = plain(found | moderation(session, actor.person_id))
        return whole
