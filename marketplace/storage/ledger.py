"""The ledger: double entry, append-only, per currency (design: payments.md, Ledger)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, refers


class LedgerGroup(Base):
    """Entries that belong together and balance (a deferred trigger says so). One a (source, kind)."""

    __tablename__ = "ledger_groups"
    __table_args__ = (UniqueConstraint("source", "kind"),)
    id: Mapped[Id]
    # The provider's object, else our own row's id.
    source: Mapped[str]
    kind: Mapped[str]
    # What it is about: a payment's suffix, which is the booking's id. Opaque here.
    subject: Mapped[uuid.UUID | None] = mapped_column(index=True)
    at: Mapped[datetime]
    why: Mapped[str]


class LedgerEntry(Base):
    """One line: positive is debit, negative is credit, in minor units."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", "not_zero"),
        Index("ix_ledger_entries_account", "account"),
    )
    id: Mapped[Id]
    group_id: Mapped[uuid.UUID] = refers("ledger_groups.id")
    account: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency]
