"""Reviews: once a side, both shown together; hidden ones leave a trace."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers


class Review(Base):
    """One side's word on one session. Marks are 1–5; those a side does not give, or a file did not hold, are null."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("booking_id", "side"),
        CheckConstraint(one_of("side", ("lead", "expert")), "side"),
        CheckConstraint(one_of("unlocked", ("yes", "partly", "no")), "unlocked"),
        CheckConstraint("days_saved between 0 and 999", "days_saved"),
        *(
            CheckConstraint(f"{mark} between 1 and 5", mark)
            for mark in ("prepared", "expertise", "usefulness", "clarity", "brief_mark", "punctuality", "openness")
        ),
        Index("ix_reviews_offer", "offer_id", "side"),
    )
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", index=False)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    side: Mapped[str]
    author_id: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    # As it stood when the review was sent; for imported ones, as the file says.
    author_name: Mapped[str]
    author_company: Mapped[str]
    author_role: Mapped[str] = mapped_column(default="")
    prepared: Mapped[int | None]
    expertise: Mapped[int | None]
    usefulness: Mapped[int | None]
    clarity: Mapped[int | None]
    brief_mark: Mapped[int | None]
    punctuality: Mapped[int | None]
    openness: Mapped[int | None]
    unlocked: Mapped[str | None]
    days_saved: Mapped[int | None]
    text: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="fr")
    note_to_other: Mapped[str] = mapped_column(default="")
    note_to_operators: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime]
    hidden_at: Mapped[datetime | None]
    hidden_why: Mapped[str | None]
