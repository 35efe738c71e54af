"""Bookings and their history. Every move is a row that says when, who, from, to, why and what it did to money."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Currency, Id, one_of, refers

STATES = (
    "held",
    "awaiting_approval",
    "requested",
    "accepted",
    "confirmed",
    "delivered",
    "completed",
    "disputed",
    "resolved",
    "settled",
    "lapsed",
    "refused",
    "declined",
    "expired",
    "cancelled",
)


class Booking(Base):
    """One paid session. Price, rates, policy and N are as of the hold; the quote is frozen when payment opens."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), "state"),
        CheckConstraint(one_of("origin", ("made", "imported")), "origin"),
        CheckConstraint("ends_at > starts_at", "times"),
        CheckConstraint("price_minor > 0 and currency = 'EUR'", "price"),
        CheckConstraint("refund_best between 0 and 100", "refund_best"),
        CheckConstraint("extensions between 0 and 2", "extensions"),
        CheckConstraint("(approved_at is null) = (approved_minor is null)", "approved"),
        # What the clock has to look at; the sweep reads these without a lock.
        Index("ix_bookings_due", "deadline", postgresql_where=text("deadline is not null")),
        Index("ix_bookings_expert", "expert_id", "state", "starts_at"),
        Index("ix_bookings_lead", "lead_id", text("created_at desc")),
        Index("ix_bookings_newest", text("created_at desc"), "id"),
        # What waits for an approver.
        Index(
            "ix_bookings_awaiting",
            "company_id",
            "deadline",
            postgresql_where=text("state = 'awaiting_approval'"),
        ),
        # Whom to remind: the sessions that come, the nearest first.
        Index("ix_bookings_ahead", "starts_at", "id", postgresql_where=text("state = 'confirmed'")),
    )
    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    origin: Mapped[str] = mapped_column(default="made")
    state: Mapped[str]
    expert_id: Mapped[uuid.UUID] = refers("experts.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id")
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id")
    # Imported bookings (loaded reviews) have neither company, lead nor brief.
    company_id: Mapped[uuid.UUID | None] = refers("companies.id")
    lead_id: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    brief_id: Mapped[uuid.UUID | None] = refers("briefs.id")
    rescues_id: Mapped[uuid.UUID | None] = refers("bookings.id")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    # As of the hold.
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    service_fee_bp: Mapped[int]
    commission_bp: Mapped[int]
    policy: Mapped[str]
    notice_hours: Mapped[int]
    instant: Mapped[bool]
    promises_plan: Mapped[bool] = mapped_column(default=False)
    # remote or on_site, and where: a link or an address, given at acceptance.
    format: Mapped[str]
    meeting_place: Mapped[str] = mapped_column(default="")
    # The next instant at which the clock has to look at this booking; null when it has not.
    deadline: Mapped[datetime | None]
    held_at: Mapped[datetime]
    extensions: Mapped[int] = mapped_column(default=0)
    payment_opened_at: Mapped[datetime | None]
    quote: Mapped[dict[str, Any] | None]
    # The approver's yes, and the total with VAT it was given to; carried over by a rescue.
    approved_at: Mapped[datetime | None]
    approved_minor: Mapped[int | None] = mapped_column(BigInteger)
    # Owed by the company, on its terms, instead of paid by card.
    on_terms: Mapped[bool] = mapped_column(default=False)
    # The expert's own yes to this slot and price, given before the hold.
    agreed_at: Mapped[datetime | None]
    # The queue's word to whoever waited: the hold was given, and has its own end.
    queued_at: Mapped[datetime | None]
    committed_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    captured_at: Mapped[datetime | None]
    capture_failed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # The refund rule's two stored terms (100 and none until a reschedule sets them).
    refund_best: Mapped[int] = mapped_column(default=100)
    free_until: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
    refund_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    share_due_at: Mapped[datetime | None]
    share_posted_at: Mapped[datetime | None]
    reviews_until: Mapped[datetime | None]
    disputed_from: Mapped[str | None]
    created_at: Mapped[datetime]

    @property
    def answered_ahead(self) -> bool:
        """Whether the expert's yes stands already: by their standing acceptance, or given to this very slot."""
        return self.instant or self.agreed_at is not None

    @property
    def given(self) -> bool:
        """Whether the hold was given, by the queue or the expert's yes: outside the two and five, no extension."""
        return self.agreed_at is not None or self.queued_at is not None


class BookingMove(Base):
    """A history row. `token` makes a repeated call answer like the first."""

    __tablename__ = "booking_moves"
    __table_args__ = (
        UniqueConstraint("booking_id", "token"),
        CheckConstraint(
            one_of(
                "actor_kind",
                ("lead", "approver", "expert", "operator", "clock", "provider", "queue", "loader"),
            ),
            "actor_kind",
        ),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    token: Mapped[str]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    move: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    # What it did to money, in words the pages translate: {"what": "authorised", "minor": 158400}.
    money: Mapped[dict[str, Any] | None]


class Proposal(Base):
    """Another time for a made booking, proposed by one side ("lead" or "expert") and claimed while open.

    `from_…`: the time it was to replace. `closed`: another move of the booking came first; `over`: nobody
    answered until `until`.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("reschedule", "second_session")), "kind"),
        CheckConstraint(one_of("by", ("lead", "expert")), "by"),
        CheckConstraint(
            one_of("state", ("open", "accepted", "refused", "withdrawn", "closed", "over")), "state"
        ),
        CheckConstraint("(state = 'open') = (ended_at is null)", "ended"),
        CheckConstraint("ends_at > starts_at and until > made_at", "times"),
        Index("ix_proposals_booking", "booking_id", "made_at"),
        Index("uq_proposals_open", "booking_id", unique=True, postgresql_where=text("state = 'open'")),
        # What the clock has to look at, beside the bookings' own deadlines.
        Index("ix_proposals_due", "until", postgresql_where=text("state = 'open'")),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    kind: Mapped[str]
    by: Mapped[str]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    claim_id: Mapped[uuid.UUID] = refers("claims.id")
    from_starts_at: Mapped[datetime]
    from_ends_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(default="")
    until: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
