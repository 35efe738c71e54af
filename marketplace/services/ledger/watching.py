"""The check, every five minutes: what it found is kept, and two failures running stop what leaves.

Whoever is about to send money reads the kept word (`stopped`, `short`); nobody runs the check for it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.events import BooksAlarm
from ...gateways.payments import PaymentError, Payments
from ...storage.db import Database
from ...storage.ledger import LedgerCheck
from .checking import Finding, check
from .reconciling import began, book_theirs, differences, read_movements

# The provider's books are read again from before the last check that found both sides equal.
READ_AGAIN = timedelta(days=3)
EVER = datetime(2020, 1, 1, tzinfo=UTC)
KEPT_FINDINGS = 100
KEPT = timedelta(days=90)


def watch(db: Database, gateway: Payments, *, whole: bool = False) -> LedgerCheck:
    """Check our books and the provider's, keep what was found, alarm once per new trouble.

    `whole` reads all of the provider's books, not only what is new. Where it does not answer, our own
    books are checked all the same, and the row says why it could not be asked.
    """
    started = time.monotonic()
    with db.reading() as session:
        since = EVER if whole else _since(session)
        before = last_check(session)
    unasked: str | None = None
    schedule: str | None = None
    try:
        schedule = gateway.payout_schedule()
        read_movements(db, gateway, since=since)
        book_theirs(db)
    except PaymentError as error:
        unasked = error.reason
    found = _find(db, schedule, asked=unasked is None)
    if unasked is None and (before is None or not before.defects):
        found = _look_further_back(db, gateway, found, since, schedule)
    took = int((time.monotonic() - started) * 1000)
    return _note(db, found, since=None if unasked else since, unasked=unasked, schedule=schedule, took=took)


def _since(session: Session) -> datetime:
    # By id, in the order the checks were made: a demo's clock is wound back before its past is played.
    clean = session.scalar(
        sa.select(LedgerCheck.at)
        .where(LedgerCheck.defects == 0, LedgerCheck.since.is_not(None))
        .order_by(LedgerCheck.id.desc())
        .limit(1)
    )
    return EVER if clean is None else clean - READ_AGAIN


def _find(db: Database, schedule: str | None, *, asked: bool) -> list[Finding]:
    with db.reading() as session:
        found = check(session)
        if asked:
            found.extend(differences(session, db.clock()))
    if schedule is not None and schedule != "manual":
        found.append(Finding("schedule", schedule))
    return found


def _look_further_back(
    db: Database, gateway: Payments, found: list[Finding], since: datetime, schedule: str | None
) -> list[Finding]:
    """What differs may lie before what was read of the provider's books: read from there, once, and look again."""
    with db.reading() as session:
        first = began(session, found)
    if first is None or first - READ_AGAIN >= since:
        return found
    try:
        read_movements(db, gateway, since=first - READ_AGAIN)
    except PaymentError:
        return found
    return _find(db, schedule, asked=True)


def _note(
    db: Database, found: Sequence[Finding], *, since: datetime | None, unasked: str | None,
    schedule: str | None, took: int,
) -> LedgerCheck:  # fmt: skip
    defects = sum(one.defect for one in found)
    short = sum(one.minor or 0 for one in found if one.shortfall)
    with db.transaction() as tx:
        before = last_check(tx.session)
        run = LedgerCheck(
            at=tx.now, took_ms=took, since=since, unasked=unasked, schedule=schedule, defects=defects,
            shortfall_minor=short, findings=[one.as_dict() for one in found[:KEPT_FINDINGS]],
            stopped=bool(defects and before is not None and before.defects),
        )  # fmt: skip
        tx.session.add(run)
        tx.session.execute(
            sa.delete(LedgerCheck).where(LedgerCheck.at < tx.now - KEPT, LedgerCheck.defects == 0)
        )
        tx.session.flush()  # Its id goes into the announcement.
        if _is_news(run, before):
            tx.announce(BooksAlarm(run.id))
        return run


def _is_news(run: LedgerCheck, before: LedgerCheck | None) -> bool:
    """A stop, a shortfall or a wrong schedule that did not stand at the run before."""
    was_short, was_wrong = (before.shortfall_minor > 0, wrong_schedule(before)) if before else (False, False)
    return (
        (run.stopped and not (before and before.stopped))
        or (run.shortfall_minor > 0 and not was_short)
        or (wrong_schedule(run) and not was_wrong)
    )


def wrong_schedule(run: LedgerCheck) -> bool:
    """Whether the provider pays our money out by itself; not known is no."""
    return run.schedule is not None and run.schedule != "manual"


def last_check(session: Session) -> LedgerCheck | None:
    """The latest kept run."""
    return session.scalar(sa.select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(1))


def findings_of(run: LedgerCheck) -> list[Finding]:
    """What a kept run found (the first hundred)."""
    return [Finding(**one) for one in run.findings]


def stopped(session: Session) -> bool:
    """Whether transfers and payouts wait: the last two runs found defects, and nobody has cured them."""
    run = last_check(session)
    return run is not None and run.stopped


def short(session: Session) -> bool:
    """Whether platform payouts and early payments wait: a stop, a shortfall or the provider's own payouts."""
    run = last_check(session)
    return run is not None and (run.stopped or run.shortfall_minor > 0 or wrong_schedule(run))
