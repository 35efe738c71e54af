"""Payments, what we asked the provider to do, refunds, and the provider's events.

A payment knows no booking: it holds an opaque subject, its lock keys, a payer and a payee.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
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
# `redecided`: its charge was contested, its entries are taken back, and another row has taken its place.
REFUND_STATES = (*CALL_STATES, "redecided")
REFUND_WAITS = ("transfer", "reversal", "chargeback", "top_up")


class Payment(Base):
    """One try to be paid, from checkout to capture or release. Amounts in minor units."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(one_of("state", PAYMENT_STATES), "state"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(
            "refunded_minor >= 0 and lost_minor >= 0 and refunded_minor + lost_minor <= captured_minor",
            "refunds_within_capture",
        ),
        # A company sends what is left of its invoice; by card all is taken or nothing.
        CheckConstraint(
            "captured_minor in (0, amount_minor)"
            " or method = 'bank_transfer' and captured_minor between 0 and amount_minor",
            "captured_whole",
        ),
        CheckConstraint(one_of("method", ("card", "bank_transfer")), "method"),
        CheckConstraint("(method = 'bank_transfer') = (invoiced_at is not null)", "invoiced"),
        CheckConstraint(
            "credited_minor >= 0 and written_off_minor >= 0 and credited_minor + written_off_minor <= amount_minor"
            " and (method = 'bank_transfer' or credited_minor + written_off_minor = 0)",
            "owed",
        ),
        # One live payment a subject: opening another first closes or releases the one before.
        Index(
            "uq_payments_live",
            "subject",
            unique=True,
            postgresql_where=text("state in ('created', 'open', 'authorised') and superseded_at is null"),
        ),
        # For the money desk: what still waits for its end, by age; what the provider says otherwise.
        Index(
            "ix_payments_share_waits",
            "captured_at",
            "id",
            postgresql_where=text(
                "state = 'captured' and share_posted_at is null and refunded_minor + lost_minor < captured_minor"
            ),
        ),
        Index("ix_payments_problem", "created_at", "id", postgresql_where=text("problem is not null")),
    )
    id: Mapped[Id]
    # Ours, in metadata and transfer_group of every object at the provider.
    reference: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[uuid.UUID] = mapped_column(index=True)
    payer_company_id: Mapped[uuid.UUID] = refers("companies.id")
    payee_expert_id: Mapped[uuid.UUID] = refers("experts.id")
    state: Mapped[str] = mapped_column(default="created")
    # By card, or on company terms by bank transfer: then owed from the invoice on, until the money arrives.
    method: Mapped[str] = mapped_column(default="card")
    capture: Mapped[str] = mapped_column(default="manual")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # Raised by one conditional UPDATE when a refund is decided, so that two never pass the whole.
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # What lost chargebacks took and we bore: nothing of it can be refunded any more.
    lost_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    # The frozen quote (domain.pricing.Quote.as_dict()).
    quote: Mapped[dict[str, Any]]
    # What it is for, in the payer's words (a booking's number): in the metadata of all its objects. Opaque here.
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # What the provider says otherwise than we do ({"what", "minor", "currency"}); operators look at it.
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    checkout_id: Mapped[str | None] = mapped_column(unique=True)
    checkout_url: Mapped[str | None]
    checkout_until: Mapped[datetime | None]
    intent_id: Mapped[str | None] = mapped_column(unique=True)
    charge_id: Mapped[str | None] = mapped_column(unique=True)
    capture_before: Mapped[datetime | None]
    # On terms: what of the invoice was taken back by credit notes, or given up; where the rest is sent to.
    invoiced_at: Mapped[datetime | None]
    credited_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    written_off_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    written_off_at: Mapped[datetime | None]
    bank: Mapped[dict[str, Any] | None]
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
    """Money going back to the buyer. `lines` are what is refunded of each quote line, minor units.

    What it takes of our commission is frozen when it is decided, so that its entries are the same
    whenever and in whichever order they are posted.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint(one_of("kind", ("refund", "credit_note", "overpaid")), "kind"),
        CheckConstraint(one_of("state", REFUND_STATES), "state"),
        CheckConstraint(one_of("waits_for", REFUND_WAITS), "waits_for"),
        CheckConstraint("waits_for is null or state = 'intended'", "waits_unsent"),
        CheckConstraint("commission_minor >= 0 and vat_commission_minor >= 0", "commission"),
        CheckConstraint(
            "reversed_minor >= 0 and gap_minor >= 0 and reversed_minor + gap_minor <= coalesce(back_minor, 0)",
            "brought_back",
        ),
        CheckConstraint("(state = 'redecided') = (redecided_as is not null)", "redecided"),
        Index("ix_refunds_waiting", "payment_id", postgresql_where=text("state = 'intended'")),
        Index("ix_refunds_failed", "decided_at", "id", postgresql_where=text("state = 'failed'")),
        Index("ix_refunds_gap", "payment_id", postgresql_where=text("gap_minor > 0")),
        UniqueConstraint("token"),
    )
    id: Mapped[Id]
    payment_id: Mapped[uuid.UUID] = refers("payments.id")
    # A credit note takes from an invoice that is unpaid; what was sent too much goes back as overpaid.
    kind: Mapped[str] = mapped_column(default="refund")
    token: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    lines: Mapped[dict[str, Any]]
    # Whether it was decided after the expert's share had fallen due; the postings differ.
    after_share: Mapped[bool]
    # Paid by the platform: the expert's share and our fees stand as they are.
    borne_by_us: Mapped[bool] = mapped_column(default=False)
    commission_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    vat_commission_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # The expert's part of it that had left for them: known once no transfer is under way. Of it came back
    # `reversed_minor`; `gap_minor` could not, and the expert owes it (set-offs make it good).
    back_minor: Mapped[int | None] = mapped_column(BigInteger)
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    gap_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # Part of it is the platform's own money: sent only when that covers it.
    from_own_funds: Mapped[bool] = mapped_column(default=False)
    # What it waits for, before it is sent.
    waits_for: Mapped[str | None]
    # The chargeback that took it already: booked against that, never sent.
    set_against: Mapped[str | None]
    why: Mapped[str]
    # Why it failed, in a word.
    failure: Mapped[str | None]
    redecided_as: Mapped[uuid.UUID | None] = refers("refunds.id", index=False)
    state: Mapped[str] = mapped_column(default="intended")
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Repayment(Base):
    """A refund that failed, paid another way: what the bank's statement shows. Without `decided_at` it waits."""

    __tablename__ = "repayments"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint("length(reference) between 1 and 200", "reference"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", "decided"),
        CheckConstraint("decided_at is null or dropped_at is null", "dropped"),
        # Paid once.
        Index("uq_repayments_one", "refund_id", unique=True, postgresql_where=text("dropped_at is null")),
    )
    id: Mapped[Id]
    refund_id: Mapped[uuid.UUID] = refers("refunds.id")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    # Of the bank payment, as the statement shows it.
    reference: Mapped[str]
    proposed_by: Mapped[uuid.UUID] = refers("people.id", index=False)
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    decided_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


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


class RefusedEvent(Base):
    """Messages of one UTC day that were not believed, by why: counted, nothing of them kept."""

    __tablename__ = "refused_events"
    __table_args__ = (
        CheckConstraint("reason ~ '^[a-z_]{1,40}$'", "reason"),
        CheckConstraint("number > 0", "number_positive"),
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
