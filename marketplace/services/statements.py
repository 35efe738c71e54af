"""An expert's month out of the ledger: what stood, what fell due, went back and left, what stands.

Every amount is read from entries on the expert's two accounts (payments.md, Ledger), so that a statement and
the books cannot differ. Signs are the expert's: what we owe them is positive, what they owe us negative.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain import postings
from ..domain.money import EUR
from ..domain.months import begins, month_after, month_before, month_of
from ..storage.ledger import LedgerEntry, LedgerGroup
from ..storage.payments import Payment, Refund
from . import ledger

MOST_MONTHS = 120


@dataclass(frozen=True)
class Line:
    """One thing that happened, minor units: `change` is what it does to what we owe the expert.

    `price`, `vat`, `commission`, `vat_commission` say what a share that fell due, or a refund of one, is made
    of (a refund's are negative, its commission positive: that comes back). `moved` is what was transferred, brought
    back, kept or is owed, where the change is 0 too.
    """

    at: datetime
    kind: str
    source: str
    subject: uuid.UUID | None
    change: int
    moved: int
    price: int = 0
    vat: int = 0
    commission: int = 0
    vat_commission: int = 0

    @property
    def has_parts(self) -> bool:
        """Whether it is a share or a refund of one."""
        return self.kind in (ledger.SHARE_DUE, ledger.REFUND, ledger.REDECIDED)


@dataclass(frozen=True)
class Statement:
    """A month; `until` is its end, or now while it runs. `closing` is `opening` with all changes."""

    month: date
    until: datetime
    over: bool
    opening: int
    lines: Sequence[Line]

    @property
    def closing(self) -> int:
        """What stands at the end, minor units."""
        return self.opening + sum(line.change for line in self.lines)

    def sum_of(self, name: str) -> int:
        """All of one column, minor units."""
        return sum(getattr(line, name) for line in self.lines)

    @property
    def left(self) -> int:
        """What was transferred, less what came back, minor units."""
        return sum(
            line.moved if line.kind == ledger.TRANSFER else -line.moved
            for line in self.lines
            if line.kind in (ledger.TRANSFER, ledger.REVERSAL)
        )


def statement(session: Session, expert_id: uuid.UUID, month: date, now: datetime) -> Statement:
    """One month of an expert in four statements, whatever the data. Its days are those of the books."""
    accounts = (postings.payable(expert_id), postings.receivable(expert_id))
    start, end = begins(month), begins(month_after(month))
    opening = -int(
        session.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount_minor), 0))
            .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
            .where(LedgerEntry.account.in_(accounts), LedgerEntry.currency == EUR, LedgerGroup.at < start)
        )
        or 0
    )
    groups = _groups(session, accounts, start, end)
    subjects = {group.subject for group, _entries in groups if group.subject}
    vat_kept, refunds = _vat_kept(session, subjects), _refunds(session, subjects)
    lines = [_line(group, entries, accounts, vat_kept, refunds) for group, entries in groups]
    return Statement(month, min(end, now), now >= end, opening, lines)


def months_with_entries(session: Session, expert_id: uuid.UUID, now: datetime) -> list[date]:
    """The months from the first entry to now, newest first; none without an entry."""
    accounts = (postings.payable(expert_id), postings.receivable(expert_id))
    first = session.scalar(
        sa.select(sa.func.min(LedgerGroup.at))
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .where(LedgerEntry.account.in_(accounts))
    )
    months: list[date] = []
    month = month_of(now)
    while first is not None and month >= month_of(first) and len(months) < MOST_MONTHS:
        months.append(month)
        month = month_before(month)
    return months


def _groups(
    session: Session, accounts: Sequence[str], start: datetime, end: datetime
) -> list[tuple[LedgerGroup, dict[str, int]]]:
    mine = sa.select(LedgerEntry.group_id).where(
        LedgerEntry.account.in_(accounts), LedgerEntry.currency == EUR
    )
    rows = session.execute(
        sa.select(LedgerGroup, LedgerEntry.account, LedgerEntry.amount_minor)
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .where(LedgerGroup.id.in_(mine), LedgerGroup.at >= start, LedgerGroup.at < end)
        .order_by(LedgerGroup.at, LedgerGroup.id)
    )
    found: dict[uuid.UUID, tuple[LedgerGroup, dict[str, int]]] = {}
    for group, account, minor in rows:
        entries = found.setdefault(group.id, (group, defaultdict(int)))[1]
        entries[account] += minor
    return list(found.values())


def _vat_kept(session: Session, subjects: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The VAT on the price, by subject, less what was decided to go back before the share fell due."""
    before = (
        sa.select(Refund.payment_id, Refund.lines)
        .where(~Refund.after_share, ~Refund.borne_by_us, Refund.state != "redecided")
        .subquery()
    )
    rows = session.execute(
        sa.select(Payment.subject, Payment.quote, before.c.lines)
        .outerjoin(before, before.c.payment_id == Payment.id)
        .where(Payment.subject.in_(subjects), Payment.share_posted_at.is_not(None))
    )
    kept: dict[uuid.UUID, int] = {}
    for subject, quote, lines in rows:
        kept[subject] = kept.get(subject, int(quote["seller_vat"])) - (lines or {}).get("seller_vat", 0)
    return kept


def _refunds(session: Session, subjects: Iterable[uuid.UUID]) -> dict[str, Mapping[str, int]]:
    """The lines of refunds, by their groups' source in the ledger."""
    source = sa.func.coalesce(Refund.provider_id, sa.cast(Refund.id, sa.Text))
    rows = session.execute(
        sa.select(source, Refund.lines)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.subject.in_(subjects), Refund.after_share, ~Refund.borne_by_us)
    )
    return {name: lines for name, lines in rows.all()}  # noqa: C416 - typed


def _line(
    group: LedgerGroup,
    entries: Mapping[str, int],
    accounts: Sequence[str],
    vat_kept: Mapping[uuid.UUID, int],
    refunds: Mapping[str, Mapping[str, int]],
) -> Line:
    payable = -entries.get(accounts[0], 0)
    change = payable - entries.get(accounts[1], 0)
    commission, vat_commission = (
        entries.get(name, 0) for name in (postings.COMMISSION, postings.VAT_COMMISSION)
    )
    price = vat = 0
    if group.kind == ledger.SHARE_DUE:
        # Both together are what left `held`: the entry decides, the VAT says how it is parted.
        vat = vat_kept.get(group.subject, 0) if group.subject else 0
        price = payable - commission - vat_commission - vat
    elif group.kind in (ledger.REFUND, ledger.REDECIDED):
        sign = -1 if group.kind == ledger.REFUND else 1
        lines = refunds.get(group.source, {})
        price, vat = sign * lines.get("price", 0), sign * lines.get("seller_vat", 0)
    return Line(
        at=group.at, kind=group.kind, source=group.source, subject=group.subject, change=change,
        moved=abs(payable), price=price, vat=vat, commission=commission, vat_commission=vat_commission,
    )  # fmt: skip
