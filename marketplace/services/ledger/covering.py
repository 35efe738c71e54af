"""What the balance at the provider has to cover, and what of it is our own (payments.md, platform payouts)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.money import EUR
from ...domain.own_funds import Owed, OwnFunds, uncovered
from ...domain.own_funds import own_funds as reckon
from ...storage.ledger import LedgerEntry, LedgerGroup, LedgerMonth
from ...storage.platform_payouts import PlatformPayout

_VAT = ("vat:service_fee", "vat:commission")


def own_funds(session: Session, available_minor: int) -> OwnFunds:
    """What of the available balance (minor units, the provider's word) is ours, with every term.

    Held, payable and owed are as they stand now; VAT is that of the open month: since the end of the last
    closed one, since ever where none is closed. Payouts asked for that the books do not have yet count too.
    """
    since = session.scalar(sa.select(sa.func.max(LedgerMonth.ends_at)))
    under_way = session.scalar(
        sa.select(sa.func.sum(PlatformPayout.amount_minor)).where(
            PlatformPayout.state.in_(("intended", "sent")), PlatformPayout.currency == EUR
        )
    )
    return reckon(
        available_minor, _everything(session, since), _unpaid(session, since), under_way=int(under_way or 0)
    )


def standing_now(session: Session) -> tuple[int, Owed]:
    """What is at the provider or with banks that contest, and held, payable and owed over the bookings whose
    money has come in (minor units; VAT is left out)."""
    there = sa.func.sum(LedgerEntry.amount_minor).filter(
        LedgerEntry.account.in_(("provider_balance", "in_dispute"))
    )
    *sums, have = session.execute(
        sa.select(*_sums(), sa.func.coalesce(there, 0)).where(LedgerEntry.currency == EUR)
    ).one()
    cover = Owed(*(int(minor) for minor in sums))
    for owed, arrived in _unpaid(session, None):
        cover = cover.less(uncovered(Owed(owed.held, owed.payable, owed.owed), arrived))
    return int(have), cover


def _sums() -> tuple[sa.ColumnElement[Any], ...]:
    minor, account = LedgerEntry.amount_minor, LedgerEntry.account
    return tuple(
        sa.func.coalesce(-sa.func.sum(minor).filter(account.like(pattern)), 0)
        for pattern in ("held:%", "expert:%:payable", "buyer:%:owed")
    )


def _vat(since: datetime | None) -> sa.ColumnElement[Any]:
    theirs: sa.ColumnElement[bool] = LedgerEntry.account.in_(_VAT)
    if since is not None:
        theirs = sa.and_(theirs, LedgerGroup.at >= since)
    return sa.func.coalesce(-sa.func.sum(LedgerEntry.amount_minor).filter(theirs), 0)


def _everything(session: Session, since: datetime | None) -> Owed:
    sums = session.execute(sa.select(*_sums()).where(LedgerEntry.currency == EUR)).one()
    owed = Owed(*(int(minor) for minor in sums))
    query = (
        sa.select(_vat(since))
        .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
        .where(LedgerEntry.account.in_(_VAT), LedgerEntry.currency == EUR)
    )
    return Owed(owed.held, owed.payable, owed.owed, int(session.scalar(query) or 0))


def _unpaid(session: Session, since: datetime | None) -> list[tuple[Owed, int]]:
    """Of each subject a company still owes us for: its sums, and what came in for it and is still there."""
    receivable = LedgerEntry.account.like("buyer:%:receivable")
    open_ones = (
        sa.select(LedgerGroup.subject)
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .where(receivable, LedgerEntry.currency == EUR)
        .group_by(LedgerGroup.subject)
        .having(sa.func.sum(LedgerEntry.amount_minor) > 0)
    )
    there = sa.func.coalesce(
        sa.func.sum(LedgerEntry.amount_minor).filter(LedgerEntry.account == "provider_balance"), 0
    )
    rows = session.execute(
        sa.select(*_sums(), _vat(since), there)
        .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
        .where(LedgerGroup.subject.in_(open_ones), LedgerEntry.currency == EUR)
        .group_by(LedgerGroup.subject)
    )
    return [(Owed(*(int(minor) for minor in sums)), int(arrived)) for *sums, arrived in rows]
