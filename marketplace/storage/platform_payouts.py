"""Our own money on its way from the provider to our bank, and VAT on its way to the tax office."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

PAYOUT_STATES = ("proposed", "dropped", "intended", "sent", "under_way", "done", "failed")


class PlatformPayout(Base):
    """One payout: the intent (its id is the key), then what the provider says.

    `made_by` null and a month: the monthly one. `automatic`: the provider made it by itself; seen, not asked.
    """

    __tablename__ = "platform_payouts"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(one_of("state", PAYOUT_STATES), "state"),
        CheckConstraint("decided_by is null or decided_by <> made_by", "two_operators"),
        # One at a time: the next one is reckoned from what is left after it.
        Index(
            "uq_platform_payouts_open",
            "currency",
            unique=True,
            postgresql_where=text("state in ('proposed', 'intended', 'sent')"),
        ),
        Index(
            "uq_platform_payouts_month",
            "month",
            unique=True,
            postgresql_where=text("state not in ('dropped', 'failed')"),
        ),
    )
    id: Mapped[Id]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    # Of the form it was asked with: sent twice it is one payout.
    token: Mapped[str | None] = mapped_column(unique=True)
    # The closed month whose VAT goes out with it.
    month: Mapped[date | None]
    # Every term of own_funds when it was decided, minor units.
    terms: Mapped[dict[str, Any]]
    automatic: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str]
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    made_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    # The second operator, above the limit.
    decided_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    arrives_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class TaxPayment(Base):
    """VAT paid to the tax office from our bank: who noted it, for which month, by which reference."""

    __tablename__ = "tax_payments"
    __table_args__ = (CheckConstraint("service_fee_minor + commission_minor > 0", "amount_positive"),)
    id: Mapped[Id]
    month: Mapped[date] = mapped_column(unique=True)
    service_fee_minor: Mapped[int] = mapped_column(BigInteger)
    commission_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    paid_on: Mapped[date]
    reference: Mapped[str]
    made_by: Mapped[uuid.UUID] = refers("people.id", index=False)
    made_at: Mapped[datetime]
