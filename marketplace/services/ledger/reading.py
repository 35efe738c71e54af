"""Balances, and the groups about one subject."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...domain.money import EUR
from ...storage.ledger import LedgerEntry, LedgerGroup


@dataclass(frozen=True)
class Group:
    """A posted group for showing: what happened, when, why, and its entries (debit positive)."""

    source: str
    kind: str
    at: datetime
    why: str
    currency: str
    entries: tuple[tuple[str, int], ...]


def balance(session: Session, account: str, currency: str = EUR) -> int:
    """The account's balance in minor units, debit positive (a payable we owe is negative)."""
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
            LedgerEntry.account == account, LedgerEntry.currency == currency
        )
    )
    return int(total or 0)


def balances(session: Session, currency: str = EUR) -> dict[str, int]:
    """Every account with entries and its balance in minor units, debit positive, by name."""
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.currency == currency)
        .group_by(LedgerEntry.account)
        .order_by(LedgerEntry.account)
    )
    return {account: int(total) for account, total in rows}


def standing_of(groups: Sequence[Group]) -> dict[str, int]:
    """What groups leave on each account that is not even, in the order the accounts first appear."""
    sums: dict[str, int] = {}
    for group in groups:
        for account, minor in group.entries:
            sums[account] = sums.get(account, 0) + minor
    return {account: minor for account, minor in sums.items() if minor}


def entries_of(session: Session, subject: uuid.UUID) -> list[Group]:
    """The groups about one subject (a booking), oldest first, debits first in each, for the operator's page."""
    rows = session.execute(
        select(LedgerGroup, LedgerEntry)
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .where(LedgerGroup.subject == subject)
        .order_by(LedgerGroup.at, LedgerGroup.id, LedgerEntry.id)
    )
    groups: dict[uuid.UUID, tuple[LedgerGroup, list[LedgerEntry]]] = {}
    for group, entry in rows:
        groups.setdefault(group.id, (group, []))[1].append(entry)
    return [
        Group(
            source=group.source,
            kind=group.kind,
            at=group.at,
            why=group.why,
            currency=entries[0].currency,
            entries=tuple(
                (entry.account, entry.amount_minor)
                for entry in sorted(entries, key=lambda entry: (entry.amount_minor < 0, entry.id))
            ),
        )
        for group, entries in groups.values()
    ]
