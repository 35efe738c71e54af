"""Payments, what we asked the provider to do, refunds, and the provider's events.

A payment knows no booking: it holds an opaque subject, its lock keys, a payer and a payee.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

PAYMENT_STATES = ("created", "open", "authorised", "captured", "released", "lost", "closed")
CALL_KINDS = (
    "open_checkout",
    "close_checkout",
    "capture",
    "release",
    "refund",
    "transfer",
    "reverse_transfer",
    "open_bank_transfer",
    "submit_evidence",
)
CALL_STATES = ("intended", "sent", "pending", "done", "failed")


class Payment(Base):
    """One try to be paid, from checkout to capture or release. Amounts in minor units."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(one_of("state", PAYMENT_STATES), "state"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint("refunded_minor >= 0 and refunded_minor <= captured_minor", "refunds_within_capture"),
        CheckConstraint("captured_minor in (0, amount_minor)", "captured_whole"),
        # One live payment a subject: opening another first closes or releases the one before.
        Index(
            "uq_payments_live",
            "subject",
            unique=True,
            postgresql_where=text("state in ('created', 'open', 'authorised') and superseded_at is null"),
        ),
    )
    id: Mapped[Id]
    # Ours, in metadata and transfer_group of every object at the provider.
    reference: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[uuid.UUID] = mapped_column(index=True)
    payer_company_id: Mapped[uuid.UUID] = refers("companies.id")
    payee_expert_id: Mapped[uuid.UUID] = refers("experts.id")
    state: Mapped[str] = mapped_column(default="created")
    capture: Mapped[str] = mapped_column(default="manual")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # Raised by one conditional UPDATE when a refund is decided, so that two never pass the whole.
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    # The frozen quote (domain.pricing.Quote.as_dict()).
    quote: Mapped[dict[str, Any]]
    checkout_id: Mapped[str | None] = mapped_column(unique=True)
    checkout_url: Mapped[str | None]
    checkout_until: Mapped[datetime | None]
    intent_id: Mapped[str | None] = mapped_column(unique=True)
    charge_id: Mapped[str | None] = mapped_column(unique=True)
    capture_before: Mapped[datetime | None]
    authorised_at: Mapped[datetime | None]
    captured_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # The share due was posted (kept share of the lines): refunds decided later post otherwise.
    share_posted_at: Mapped[datetime | None]
    frozen_by: Mapped[str | None]
    superseded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ProviderCall(Base):
    """An intent: what we mean to ask of the provider, committed before we ask (rule 4).

    `id` is the idempotency key; `parameters` are the whole parameters, never recomputed.
    """

    __tablename__ = "provider_calls"
    __table_args__ = (
        CheckConstraint(one_of("kind", CALL_KINDS), "kind"),
        CheckConstraint(one_of("state", CALL_STATES), "state"),
        Index(
            "ix_provider_calls_open",
            "state",
            "made_at",
            postgresql_where=text("state in ('intended','sent','pending')"),
        ),
        UniqueConstraint("token"),
    )
    id: Mapped[Id]
    payment_id: Mapped[uuid.UUID] = refers("payments.id")
    kind: Mapped[str]
    # Why it exists, once: "capture/<payment>", "refund/<refund row>"; a second request finds the first.
    token: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="intended")
    provider_id: Mapped[str | None]
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Refund(Base):
    """Money going back to the buyer. `lines` are what is refunded of each quote line, minor units."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(one_of("state", CALL_STATES), "state"),
        UniqueConstraint("token"),
    )
    id: Mapped[Id]
    payment_id: Mapped[uuid.UUID] = refers("payments.id")
    token: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    lines: Mapped[dict[str, Any]]
    # Whether it was decided after the expert's share had fallen due; the postings differ.
    after_share: Mapped[bool]
    # Paid by the platform: the expert's share and our fees stand as they are.
    borne_by_us: Mapped[bool] = mapped_column(default=False)
    why: Mapped[str]
    state: Mapped[str] = mapped_column(default="intended")
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class InboxEvent(Base):
    """A provider's event as it came, before anything is made of it."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("ix_inbox_open", "received_at", postgresql_where=text("applied_at is null")),
    )
    id: Mapped[Id]
    provider: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    body: Mapped[str]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    error: Mapped[str | None]
