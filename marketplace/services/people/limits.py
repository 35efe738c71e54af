"""Limits on trying: counters in the database, one atomic statement each, in real time.

The wait grows with the windows (a minute, a quarter of an hour, an hour) and always ends: nobody can
lock somebody else's account for good. What counts against an account from one address does not
count against its owner at another (ASVS 6.3.1).
"""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import TooManyTries
from ...storage.db import Database
from ...storage.people import Attempt

_COUNT = sa.text(
    "insert into attempts (key, window_start, tries) values (:key, :start, 1)"
    " on conflict (key, window_start) do update set tries = attempts.tries + 1 returning tries"
)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Windows = Sequence[tuple[timedelta, int]]

PAIR: Windows = ((MINUTE, 5), (15 * MINUTE, 10), (HOUR, 20), (DAY, 60))
ADDRESS: Windows = ((MINUTE, 30), (HOUR, 300))
ACCOUNT: Windows = ((HOUR, 100),)
SIGN_UPS: Windows = ((HOUR, 20), (DAY, 60))
MAILS: Windows = ((HOUR, 5), (DAY, 10))
EXPORTS: Windows = ((HOUR, 5), (DAY, 10))
# Requests of programs: ten a second in a burst, three on the whole.
READS: Windows = ((MINUTE, 600), (HOUR, 12_000))


def count_tries(
    session: Session, counted: Sequence[tuple[str, Windows]], real_now: datetime
) -> datetime | None:
    """Count one try under each key; the instant from which one may try again, or None when one may now.

    Call it first in a transaction that commits whatever comes of the try. Rows are taken in the
    order of their keys, so two requests never wait for each other in a circle.
    """
    until: list[datetime] = []
    rows = sorted(
        (f"{key}:{int(size.total_seconds())}", size, most)
        for key, windows in counted
        for size, most in windows
    )
    for key, size, most in rows:
        start = window_start(real_now, size)
        tries = session.execute(_COUNT, {"key": key, "start": start}).scalar_one()
        if tries > most:
            until.append(start + size)
    return max(until, default=None)


def forget_tries(session: Session, key: str, real_now: datetime) -> None:
    """After success: the key's counters start anew, and what is two days old goes."""
    session.execute(
        sa.delete(Attempt).where(
            sa.or_(
                Attempt.key.startswith(f"{key}:", autoescape=True), Attempt.window_start < real_now - 2 * DAY
            )
        )
    )


def window_start(real_now: datetime, size: timedelta) -> datetime:
    """The start of the window of this size that holds the instant."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (real_now - epoch) // size * size


def account_key(email: str) -> str:
    """An account by its address, unreadable: what strangers typed is not ours to keep."""
    return hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()[:32]


def network_key(address: str) -> str:
    """Where somebody comes from: the address, or its /64 for IPv6, of which anybody has plenty."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)


def count_exports(session: Session, person_id: uuid.UUID, real_now: datetime) -> datetime | None:
    """Count one export of a person's data; the instant from which they may ask again, or None (part of a use-case)."""
    return count_tries(session, [(f"export:{person_id}", EXPORTS)], real_now)


def count_reads(db: Database, address: str, real_now: datetime) -> TooManyTries | None:
    """Count one request of a program; a refusal where its network has asked too often."""
    with db.transaction() as tx:
        until = count_tries(tx.session, [(f"api:{network_key(address)}", READS)], real_now)
    return TooManyTries(until=until) if until else None
