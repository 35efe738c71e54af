"""Transfers to experts: what is due, when and why, and what has gone."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

TRANSFER_STATES = ("due", "intended", "sent", "done", "failed")


class Transfer(Base):
    """The expert's share of one payment, on its way. One a payment. `why` names the rule that set `due_at`."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(one_of("state", TRANSFER_STATES), "state"),
        CheckConstraint("set_off_minor between 0 and amount_minor", "set_off_within"),
        CheckConstraint("reversed_minor between 0 and amount_minor - set_off_minor", "reversed_within"),
        # All of it was set off: nothing is sent, and the provider knows nothing of it.
        CheckConstraint(
            "state <> 'done' or (provider_id is null) = (set_off_minor = amount_minor)", "sent_or_set_off"
        ),
        UniqueConstraint("payment_id"),
        Index("ix_transfers_due", "due_at", postgresql_where=text("state in ('due','intended','sent')")),
    )
    id: Mapped[Id]
    payment_id: Mapped[uuid.UUID] = refers("payments.id", index=False)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    subject: Mapped[uuid.UUID] = mapped_column(index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    # Kept of it for what the expert owes us (rows of SetOff); what is sent is the rest.
    set_off_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # What came back of it, for refunds decided after it left.
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    due_at: Mapped[datetime]
    why: Mapped[str]
    state: Mapped[str] = mapped_column(default="due")
    # What stands in the way now ("account_restricted", "balance_insufficient"), shown in words.
    held_up_by: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def sent_minor(self) -> int:
        """What leaves for the expert's account, minor units."""
        return self.amount_minor - self.set_off_minor


class SetOff(Base):
    """Part of a transfer that was kept, because a refund of another session could not be brought back."""

    __tablename__ = "set_offs"
    __table_args__ = (CheckConstraint("amount_minor > 0", "amount_positive"),)
    id: Mapped[Id]
    transfer_id: Mapped[uuid.UUID] = refers("transfers.id")
    refund_id: Mapped[uuid.UUID] = refers("refunds.id")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    made_at: Mapped[datetime]
