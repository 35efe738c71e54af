"""Places in the queue of a full calendar, and times that a buyer proposes to an expert."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.queues import ASKED_STATES, OPEN_PLACES, PLACE_STATES
from .types import Base, Id, Instant, one_of, refers

_OPEN = one_of("state", OPEN_PLACES)


class QueuePlace(Base):
    """Somebody waits for a slot of an offer that begins in [begins_at, ends_at). First come, first served.

    What they were given: `booking_id`, a hold of their own; or `proposal_id`, that slot proposed in place of
    a later booking of theirs. `zone`: in which the dates were meant.
    """

    __tablename__ = "queue_places"
    __table_args__ = (
        CheckConstraint(one_of("state", PLACE_STATES), "state"),
        CheckConstraint("ends_at > begins_at", "dates"),
        CheckConstraint(f"({_OPEN}) = (closed_at is null)", "closed"),
        CheckConstraint("num_nonnulls(booking_id, proposal_id) <= 1", "one_slot"),
        CheckConstraint(
            "state not in ('offered', 'taken', 'passed') or num_nonnulls(booking_id, proposal_id) = 1", "given"
        ),
        # One open place an offer and a person; two were two holds.
        Index("uq_queue_places_open", "lead_id", "offer_id", unique=True, postgresql_where=text(_OPEN)),
        Index(
            "ix_queue_places_waiting", "expert_id", "joined_at", "id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_queue_places_due", "ends_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_queue_places_lead", "lead_id", text("joined_at desc")),
    )  # fmt: skip
    id: Mapped[Id]
    lead_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    expert_id: Mapped[uuid.UUID] = refers("experts.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id")
    # The form's own token: the same form sent twice is one place.
    token: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="waiting")
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    format: Mapped[str]
    joined_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    booking_id: Mapped[uuid.UUID | None] = refers("bookings.id", index=False, unique=True)
    proposal_id: Mapped[uuid.UUID | None] = refers("proposals.id", index=False, unique=True)


class AskedTimes(Base):
    """No slot suits: three starts a buyer proposes, for the expert to take one. Contact details are masked."""

    __tablename__ = "asked_times"
    __table_args__ = (
        CheckConstraint(one_of("state", ASKED_STATES), "state"),
        CheckConstraint("(state = 'open') = (deadline is not null)", "deadline"),
        CheckConstraint("(state = 'open') = (closed_at is null)", "closed"),
        CheckConstraint("(state = 'taken') = (booking_id is not null)", "taken"),
        CheckConstraint("cardinality(starts) = 3", "starts"),
        Index("ix_asked_times_due", "deadline", postgresql_where=text("deadline is not null")),
        Index("ix_asked_times_lead", "lead_id", text("asked_at desc")),
        Index("ix_asked_times_expert", "expert_id", text("asked_at desc")),
    )
    id: Mapped[Id]
    lead_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    expert_id: Mapped[uuid.UUID] = refers("experts.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id")
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id", index=False)
    token: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="open")
    format: Mapped[str]
    # Three, in order.
    starts: Mapped[list[datetime]] = mapped_column(ARRAY(Instant))
    # What the buyer says with them, and the expert with a no.
    words: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    # Until when it is answered; none once it is closed.
    deadline: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    booking_id: Mapped[uuid.UUID | None] = refers("bookings.id")
