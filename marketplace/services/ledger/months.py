"""A month of the books for showing: by class of accounts, by account, by entry; and all of it line by line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.money import EUR
from ...domain.months import begins, month_after, month_before, month_of
from ...storage.ledger import LedgerEntry, LedgerGroup, LedgerMonth
from ...storage.people import Person

PAGE = 50
Place = tuple[datetime, uuid.UUID]
# Classes of accounts, in the order of the page: what we have, what we owe, what is owed to us, what we earn, what it costs.
CLASSES = (
    "provider_balance", "platform_bank", "in_dispute", "held", "payable", "owed", "receivable", "expert_receivable",
    "vat:service_fee", "vat:commission", "service_fee", "commission", "provider_fees", "dispute_losses",
    "goodwill", "write_offs",
)  # fmt: skip
_CLASS = """case when account like 'held%' then 'held'
    when account like 'expert%payable' then 'payable' when account like 'expert%' then 'expert_receivable'
    when account like 'buyer%owed' then 'owed' when account like 'buyer%' then 'receivable'
    else account end"""
# A closed month as it was written down; an open one from the last closing on. `:from_closing` is that month, or null.
_LINES = f"""
    with lines as (
        select account, opening_minor as opening, debit_minor as debit, credit_minor as credit
        from ledger_closings where month = :closed and currency = :currency
        union all
        select account, closing_minor, 0, 0 from ledger_closings where month = :from_closing and currency = :currency
        union all
        select e.account,
            coalesce(sum(e.amount_minor) filter (where g.at < :starts_at), 0),
            coalesce(sum(e.amount_minor) filter (where g.at >= :starts_at and e.amount_minor > 0), 0),
            coalesce(-sum(e.amount_minor) filter (where g.at >= :starts_at and e.amount_minor < 0), 0)
        from ledger_entries e join ledger_groups g on g.id = e.group_id
        where cast(:closed as date) is null and g.at >= :read_from and g.at < :ends_at and e.currency = :currency
        group by e.account
    ), accounts as (
        select account, {_CLASS} as class, sum(opening) as opening, sum(debit) as debit, sum(credit) as credit
        from lines group by account having sum(opening) <> 0 or sum(debit) <> 0 or sum(credit) <> 0
    )
"""  # noqa: S608 - constants of this module
_CLASSES = """select class as name, sum(opening) as opening, sum(debit) as debit, sum(credit) as credit,
    count(*) as accounts from accounts group by class"""
_ACCOUNTS = """select account as name, opening, debit, credit, 1 as accounts from accounts
    where class = :class and account > :after order by account limit :most"""
_BY_CLASS, _BY_ACCOUNT = sa.text(_LINES + _CLASSES), sa.text(_LINES + _ACCOUNTS)
# Before anything was posted.
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sums:
    """A class of accounts, or one account, in a month: minor units, debit positive."""

    name: str
    opening: int
    debit: int
    credit: int
    accounts: int

    @property
    def closing(self) -> int:
        """What stands at the end, or now."""
        return self.opening + self.debit - self.credit


@dataclass(frozen=True)
class Line:
    """One entry with its group: `amount_minor` is positive for debit."""

    at: datetime
    entry_id: uuid.UUID
    source: str
    kind: str
    why: str
    subject: uuid.UUID | None
    account: str
    amount_minor: int
    currency: str


def month_by_class(session: Session, month: date, currency: str = EUR) -> list[Sums]:
    """Every class of accounts with something in it, in the page's order."""
    found = {one.name: one for one in _sums(session, _BY_CLASS, month, currency)}
    return [found[name] for name in CLASSES if name in found]


def month_accounts(
    session: Session, month: date, cls: str, *, after: str = "", currency: str = EUR
) -> tuple[list[Sums], str | None]:
    """A page of a class's accounts by name, and the name that leads to the next page."""
    rows = list(
        _sums(session, _BY_ACCOUNT, month, currency, **{"class": cls, "after": after, "most": PAGE + 1})
    )
    return rows[:PAGE], rows[PAGE - 1].name if len(rows) > PAGE else None


def _sums(session: Session, query: sa.TextClause, month: date, currency: str, **more: Any) -> Iterator[Sums]:
    closed = session.get(LedgerMonth, month)
    before: LedgerMonth | None = None
    if closed is None:
        before = session.scalar(
            sa.select(LedgerMonth)
            .where(LedgerMonth.month < month)
            .order_by(LedgerMonth.month.desc())
            .limit(1)
        )
    values = {
        "closed": month if closed else None, "from_closing": before.month if before else None,
        "read_from": before.ends_at if before else _EVER,
        "starts_at": begins(month), "ends_at": begins(month_after(month)), "currency": currency,
    }  # fmt: skip
    for row in session.execute(query, values | more):
        yield Sums(row.name, int(row.opening), int(row.debit), int(row.credit), int(row.accounts))


def account_lines(
    session: Session, account: str, month: date, *, after: Place | None = None, currency: str = EUR
) -> tuple[Sequence[Line], Place | None]:
    """A page of one account's entries in a month, oldest first, and the place that leads to the next."""
    query = (
        _lines(month)
        .where(LedgerEntry.account == account, LedgerEntry.currency == currency)
        .order_by(LedgerGroup.at, LedgerEntry.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        query = query.where(sa.tuple_(LedgerGroup.at, LedgerEntry.id) > after)
    rows = [Line(*row) for row in session.execute(query)]
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return rows[:PAGE], (last.at, last.entry_id) if last else None


def lines_after(session: Session, month: date, after: Place | None, most: int) -> list[Line]:
    """The next entries of a month, oldest first, for taking all of them piece by piece."""
    query = _lines(month).order_by(LedgerGroup.at, LedgerEntry.id).limit(most)
    if after is not None:
        query = query.where(sa.tuple_(LedgerGroup.at, LedgerEntry.id) > after)
    return [Line(*row) for row in session.execute(query)]


def _lines(month: date) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            LedgerGroup.at,
            LedgerEntry.id,
            LedgerGroup.source,
            LedgerGroup.kind,
            LedgerGroup.why,
            LedgerGroup.subject,
            LedgerEntry.account,
            LedgerEntry.amount_minor,
            LedgerEntry.currency,
        )
        .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
        .where(LedgerGroup.at >= begins(month), LedgerGroup.at < begins(month_after(month)))
    )


def closing_of(session: Session, month: date) -> tuple[LedgerMonth, str | None] | None:
    """How a month was closed, and by whom (None: the clock); None while it is open."""
    row = session.execute(
        sa.select(LedgerMonth, Person.name)
        .outerjoin(Person, Person.id == LedgerMonth.closed_by)
        .where(LedgerMonth.month == month)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def months_of(session: Session, now: datetime, most: int = 24) -> list[tuple[date, LedgerMonth | None]]:
    """The months since the first entry, newest first, each with its closing where it is closed."""
    first = session.scalar(sa.select(sa.func.min(LedgerGroup.at)))
    if first is None:
        return []
    closed = {one.month: one for one in session.scalars(sa.select(LedgerMonth))}
    months: list[tuple[date, LedgerMonth | None]] = []
    month = month_of(now)
    while month >= month_of(first) and len(months) < most:
        months.append((month, closed.get(month)))
        month = month_before(month)
    return months
