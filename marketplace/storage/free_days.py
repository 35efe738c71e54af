"""On which days an expert still has room for a session of a length, kept so that a search can ask.

Days are UTC days, with the first and the last start that day: whether a start lies between two
instants is then told exactly wherever they are at least a day apart. Notice is not in here: it
moves with the clock and differs by offer, so who asks adds it.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, refers


class FreeDay(Base):
    """A day with at least one start. `valid_until`: from then on even the shortest notice cannot be kept."""

    __tablename__ = "free_days"
    __table_args__ = (
        CheckConstraint("minutes in (180, 210, 240)", "minutes"),
        CheckConstraint("first_start <= last_start", "starts"),
        Index("ix_free_days_day", "day", "expert_id", "minutes"),
    )
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    minutes: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first_start: Mapped[datetime]
    last_start: Mapped[datetime]
    valid_until: Mapped[datetime]


class FreeDaysMade(Base):
    """When an expert's days were last worked out: time alone adds a day at the horizon."""

    __tablename__ = "free_days_made"
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    made_at: Mapped[datetime] = mapped_column(index=True)
