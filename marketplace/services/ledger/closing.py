"""Closing a month: what stood, came, went and stands on each account is written down, and nothing is added to it.

Months are closed in order, by an operator or by the clock. From then on a trigger refuses every
posting whose time lies before the month's end; since posting always takes the transaction's own
time, none ever does.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import MonthRefused
from ...domain.months import begins, month_after, month_of
from ...domain.policy import Actor
from ...storage.db import Database, Tx
from ...storage.ledger import LedgerGroup, LedgerMonth
from ..people import write_audit
from .watching import stopped

# No transaction that began within the month is still open by then (the database ends idle ones at 30 s).
SETTLED = timedelta(hours=1)
# The clock leaves the first day of a month to the operators.
BY_THE_CLOCK = timedelta(days=1)

_CLOSE = sa.text(
    """
    insert into ledger_closings (month, account, currency, opening_minor, debit_minor, credit_minor, closing_minor)
    select :month, account, currency, sum(opening), sum(debit), sum(credit), sum(opening) + sum(debit) - sum(credit)
    from (
        select account, currency, closing_minor as opening, 0 as debit, 0 as credit
        from ledger_closings where month = :before
        union all
        select e.account, e.currency, 0, sum(greatest(e.amount_minor, 0)), sum(greatest(-e.amount_minor, 0))
        from ledger_entries e join ledger_groups g on g.id = e.group_id
        where g.at >= :starts_at and g.at < :ends_at group by e.account, e.currency
    ) as parts
    group by account, currency
    having sum(opening) <> 0 or sum(debit) <> 0 or sum(credit) <> 0
    """
)


def close_month(db: Database, actor: Actor | None, month: date) -> LedgerMonth:
    """Close a month, given by its first day; None closes for the clock.

    MonthRefused (why): `open`, it is not over for an hour; `order`, another one comes first, or it is
    closed; `stopped`, the books do not hold: what is written down for ever must be right.
    """
    with db.transaction() as tx:
        # Waits for whoever is posting, and nobody posts until this is done.
        tx.session.execute(sa.text("lock table ledger_groups in share row exclusive mode"))
        if month != next_to_close(tx.session):
            raise MonthRefused(why="order", month=month)
        if tx.now < begins(month_after(month)) + SETTLED:
            raise MonthRefused(why="open", month=month)
        if stopped(tx.session):
            raise MonthRefused(why="stopped", month=month)
        if actor is not None:
            write_audit(tx, actor_id=actor.person_id, act="month.closed", subject=f"{month:%Y-%m}")
        return _close(tx, month, actor)


def _close(tx: Tx, month: date, actor: Actor | None) -> LedgerMonth:
    before = closed_month(tx.session)
    row = LedgerMonth(
        month=month, starts_at=begins(month), ends_at=begins(month_after(month)), closed_at=tx.now,
        closed_by=actor.person_id if actor else None,
    )  # fmt: skip
    tx.session.add(row)
    tx.session.flush()  # The closings refer to it.
    tx.session.execute(
        _CLOSE,
        {
            "month": month, "before": before.month if before else None,
            "starts_at": row.starts_at, "ends_at": row.ends_at,
        },
    )  # fmt: skip
    return row


def close_due(db: Database) -> int:
    """Close every month that has been over for a day, oldest first; how many. None while the books do not hold."""
    done = 0
    while True:
        with db.reading() as session:
            month = next_to_close(session)
            held_up = stopped(session)
        if month is None or held_up or db.clock() < begins(month_after(month)) + BY_THE_CLOCK:
            return done
        try:
            close_month(db, None, month)
        except MonthRefused:
            return done  # An operator was faster.
        done += 1


def closed_month(session: Session) -> LedgerMonth | None:
    """The last closed month."""
    return session.scalar(sa.select(LedgerMonth).order_by(LedgerMonth.month.desc()).limit(1))


def next_to_close(session: Session) -> date | None:
    """The month after the last closed one, else that of the first group; None before anything was posted."""
    last = closed_month(session)
    if last is not None:
        return month_after(last.month)
    first: datetime | None = session.scalar(sa.select(sa.func.min(LedgerGroup.at)))
    return None if first is None else month_of(first)
