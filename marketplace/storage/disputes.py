"""Disputes: what was reported, what each side says and asks, what operators decided, and their later refunds."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

KINDS = (
    "buyer_absent",
    "expert_absent",
    "both_absent",
    "technical",
    "confidentiality",
    "ended_early",
    "quality",
)
SIDES = ("lead", "expert", "operator")
CLOSED_WHY = ("agreed", "decided", "day_80", "withdrawn", "second_session")


class Dispute(Base):
    """One dispute of a booking, from the first report until it is settled, withdrawn or made good.

    `window_until`: until when objecting, or the kept share's day, stood as it was reported.
    `taken_back`: reviews as they stood before a second session; operators keep them.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), "kind"),
        CheckConstraint(one_of("from_state", ("confirmed", "delivered", "cancelled")), "from_state"),
        CheckConstraint(one_of("reported_by", SIDES), "reported_by"),
        CheckConstraint("share between 0 and 100", "share"),
        CheckConstraint(one_of("closed_why", CLOSED_WHY), "closed_why"),
        CheckConstraint("(closed_at is null) = (closed_why is null)", "closed"),
        Index("ix_disputes_booking", "booking_id", "reported_at"),
        Index("uq_disputes_open", "booking_id", unique=True, postgresql_where=text("closed_at is null")),
        Index("ix_disputes_waiting", "reported_at", "id", postgresql_where=text("closed_at is null")),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    kind: Mapped[str]
    from_state: Mapped[str]
    reported_by: Mapped[str]
    reported_at: Mapped[datetime]
    window_until: Mapped[datetime]
    reviews_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_why: Mapped[str | None]
    # What part of the price went back in the end, in percent.
    share: Mapped[int | None]
    taken_back: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class DisputeStatement(Base):
    """What somebody said in a dispute. With a kind it is a report; a share is what that side asks, in percent."""

    __tablename__ = "dispute_statements"
    __table_args__ = (
        CheckConstraint(one_of("side", SIDES), "side"),
        CheckConstraint(one_of("kind", KINDS), "kind"),
        CheckConstraint("share between 0 and 100", "share"),
        CheckConstraint("minutes_held between 0 and 240", "minutes_held"),
    )
    id: Mapped[Id]
    dispute_id: Mapped[uuid.UUID] = refers("disputes.id")
    side: Mapped[str]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    kind: Mapped[str | None]
    words: Mapped[str]
    share: Mapped[int | None]
    buyers_fault: Mapped[bool] = mapped_column(default=False)
    minutes_held: Mapped[int | None]
    said_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class DisputeFile(Base):
    """A file given with a statement; `name` as its owner called it."""

    __tablename__ = "dispute_files"
    __table_args__ = (UniqueConstraint("file_id"),)
    id: Mapped[Id]
    statement_id: Mapped[uuid.UUID] = refers("dispute_statements.id")
    file_id: Mapped[uuid.UUID] = refers("files.id", index=False)
    name: Mapped[str]


class DisputeDecision(Base):
    """An operator's decision: proposed by one and, above the limit, decided by another. Without `decided_at` it waits."""

    __tablename__ = "dispute_decisions"
    __table_args__ = (
        CheckConstraint("share between 0 and 100", "share"),
        CheckConstraint(one_of("appealed_by", ("lead", "expert")), "appealed_by"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", "decided"),
        CheckConstraint("decided_at is null or dropped_at is null", "dropped"),
        CheckConstraint("(appealed_at is null) = (appealed_by is null)", "appealed"),
        Index(
            "uq_dispute_decisions_one",
            "dispute_id",
            "on_appeal",
            unique=True,
            postgresql_where=text("dropped_at is null"),
        ),
    )
    id: Mapped[Id]
    dispute_id: Mapped[uuid.UUID] = refers("disputes.id", index=False)
    share: Mapped[int]
    reason_lead: Mapped[str]
    reason_expert: Mapped[str]
    on_appeal: Mapped[bool]
    proposed_by: Mapped[uuid.UUID] = refers("people.id", index=False)
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    decided_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    lead_accepted_at: Mapped[datetime | None]
    expert_accepted_at: Mapped[datetime | None]
    appealed_by: Mapped[str | None]
    appeal_words: Mapped[str] = mapped_column(default="")
    appealed_at: Mapped[datetime | None]


class LaterRefund(Base):
    """An operator's refund after the share fell due: an amount, and who bears it. Without `decided_at` it waits."""

    __tablename__ = "later_refunds"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(one_of("borne_by", ("expert", "us")), "borne_by"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", "decided"),
        CheckConstraint("decided_at is null or dropped_at is null", "dropped"),
        Index(
            "uq_later_refunds_open",
            "booking_id",
            unique=True,
            postgresql_where=text("decided_at is null and dropped_at is null"),
        ),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    borne_by: Mapped[str]
    reason: Mapped[str]
    proposed_by: Mapped[uuid.UUID] = refers("people.id", index=False)
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    decided_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
