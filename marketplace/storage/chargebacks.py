"""Chargebacks: disputes at the payer's bank, and the evidence sent for them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

CHARGEBACK_STATES = ("inquiry", "inquiry_closed", "open", "review", "won", "lost", "prevented")


class Chargeback(Base):
    """One dispute at the provider, as it was last seen there. Amounts in minor units.

    Its steps (opened, staged, sent, decided, booked: who, when, why) stand in the audit trail under its
    provider's id.
    """

    __tablename__ = "chargebacks"
    __table_args__ = (
        UniqueConstraint("provider_id"),
        CheckConstraint(one_of("state", CHARGEBACK_STATES), "state"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(
            "taken_minor >= 0 and fee_minor >= 0 and covered_minor between 0 and loss_minor", "amounts"
        ),
        CheckConstraint(one_of("if_lost", ("refund", "loss")), "if_lost"),
        CheckConstraint("(if_lost is null) = (if_lost_by is null)", "if_lost_by"),
        CheckConstraint(one_of("booked_as", ("refund", "loss")), "booked_as"),
        CheckConstraint("(booked_at is null) = (booked_as is null)", "booked"),
        CheckConstraint("returned_at is null or booked_at is null", "won_or_lost"),
        CheckConstraint("submitted_at is null or sent_at is not null", "sent"),
        # What waits for an answer, by deadline; those without one last.
        Index(
            "ix_chargebacks_waiting",
            text("coalesce(evidence_due, '9999-01-01 00:00:00+00'::timestamptz)"),
            "id",
            postgresql_where=text("ended_at is null"),
        ),
        Index(
            "ix_chargebacks_over", text("ended_at desc"), "id", postgresql_where=text("ended_at is not null")
        ),
        # A loss that is not in the books yet.
        Index(
            "ix_chargebacks_to_book",
            "payment_id",
            postgresql_where=text("state in ('lost', 'prevented') and booked_at is null and taken_minor > 0"),
        ),
    )
    id: Mapped[Id]
    payment_id: Mapped[uuid.UUID] = refers("payments.id")
    provider_id: Mapped[str]
    state: Mapped[str]
    # The bank's reason, in the provider's word.
    reason: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    # As posted: what it has taken into in_dispute, and the provider's fee for it, less what was returned.
    taken_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    evidence_due: Mapped[datetime | None]
    # What is sent, by the provider's field names, as it was built last; and what operators say themselves.
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    statement: Mapped[str] = mapped_column(default="")
    # The provider holds it, unsent.
    staged_at: Mapped[datetime | None]
    # The decision to send it, by an operator or (null) the clock; then the provider's word that it has it.
    sent_at: Mapped[datetime | None]
    sent_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    submitted_at: Mapped[datetime | None]
    # Why the last try to stage or send was refused.
    refused: Mapped[str | None]
    # An operator's word on how a loss is booked, in the place of the rule.
    if_lost: Mapped[str | None]
    if_lost_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    booked_as: Mapped[str | None]
    # What of it we bore, and what of that was decided to be a refund later.
    loss_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    covered_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    booked_at: Mapped[datetime | None]

    @property
    def to_book(self) -> bool:
        """Lost, and not in the books yet."""
        return self.state in ("lost", "prevented") and self.taken_minor > 0 and self.booked_at is None
