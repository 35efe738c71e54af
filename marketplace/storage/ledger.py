"""The ledger: double entry, append-only, per currency (design: payments.md, Ledger); its checks and months."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, refers

_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# The accounts of payments.md, and no others.
ACCOUNTS = (
    "account ~ '^(provider_balance|platform_bank|service_fee|vat:service_fee|commission|vat:commission"
    "|provider_fees|in_dispute|dispute_losses|goodwill|write_offs"
    f"|held:{_ID}|expert:{_ID}:(payable|receivable)|buyer:{_ID}:(receivable|owed))$'"
)


class LedgerGroup(Base):
    """Entries that belong together and balance (a deferred trigger says so). One a (source, kind).

    Triggers: nothing written is changed; `at` lies in no closed month.
    """

    __tablename__ = "ledger_groups"
    __table_args__ = (UniqueConstraint("source", "kind"), Index("ix_ledger_groups_at", "at", "id"))
    id: Mapped[Id]
    # The provider's object, else our own row's id.
    source: Mapped[str]
    kind: Mapped[str]
    # What it is about: a payment's suffix, which is the booking's id. Opaque here. A trigger asks for it
    # where entries are on somebody's account, and that what is held is held for this subject.
    subject: Mapped[uuid.UUID | None] = mapped_column(index=True)
    at: Mapped[datetime]
    why: Mapped[str]


class LedgerEntry(Base):
    """One line: positive is debit, negative is credit, in minor units."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", "not_zero"),
        CheckConstraint(ACCOUNTS, "account"),
        Index("ix_ledger_entries_account", "account", "id"),
        # Who owes us on terms: few, and asked for before each refund that own funds must cover.
        Index(
            "ix_ledger_entries_unpaid",
            "group_id",
            postgresql_where=text("account like 'buyer:%:receivable'"),
        ),
    )
    id: Mapped[Id]
    group_id: Mapped[uuid.UUID] = refers("ledger_groups.id")
    account: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency]


class LedgerCheck(Base):
    """One run of `ledger check`, and what it found (the first hundred; `defects` counts all)."""

    __tablename__ = "ledger_checks"
    __table_args__ = (
        CheckConstraint("defects >= 0 and shortfall_minor >= 0", "amounts"),
        Index("ix_ledger_checks_at", "at"),
    )
    id: Mapped[Id]
    at: Mapped[datetime]
    took_ms: Mapped[int]
    # From when on the provider's books were read; null: it could not be asked, `unasked` says why.
    since: Mapped[datetime | None]
    unasked: Mapped[str | None]
    # How the platform's own money leaves the provider; null: not known.
    schedule: Mapped[str | None]
    defects: Mapped[int]
    shortfall_minor: Mapped[int] = mapped_column(BigInteger)
    findings: Mapped[list[dict[str, Any]]]
    # Two runs with defects one after the other: transfers and payouts wait.
    stopped: Mapped[bool]


class ProviderMovement(Base):
    """A line of the provider's own books of our balance, as read; `amount_minor` is signed, before the fee."""

    __tablename__ = "provider_movements"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str] = mapped_column(index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency]
    created: Mapped[datetime] = mapped_column(index=True)
    available: Mapped[datetime]


class LedgerMonth(Base):
    """A closed month, by its first day. Triggers: never changed, and nothing is posted into it any more."""

    __tablename__ = "ledger_months"
    __table_args__ = (CheckConstraint("starts_at < ends_at", "lasts"),)
    month: Mapped[date] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    closed_at: Mapped[datetime]
    # Null: the clock, in the first days of the next month.
    closed_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)


class LedgerClosing(Base):
    """One account in a closed month: what stood, what came and went, what stands (minor units, debit positive)."""

    __tablename__ = "ledger_closings"
    __table_args__ = (
        CheckConstraint("closing_minor = opening_minor + debit_minor - credit_minor", "adds_up"),
        CheckConstraint("debit_minor >= 0 and credit_minor >= 0", "sides"),
    )
    month: Mapped[date] = refers("ledger_months.month", primary_key=True, index=False)
    account: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[Currency] = mapped_column(primary_key=True)
    opening_minor: Mapped[int] = mapped_column(BigInteger)
    debit_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    closing_minor: Mapped[int] = mapped_column(BigInteger)
