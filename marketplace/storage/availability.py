"""Calendars, and the claims on their time. The exclusion constraint is the last guard of a slot."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers


class Calendar(Base):
    """An expert's hours. Its row is the lock for everything that takes or frees their time.

    weekly: [{"days": [1..7], "start": "09:00", "end": "12:30"}]; dated: [{"day": "2026-12-24",
    "ranges": [["09:00", "12:00"]]}], no ranges meaning away. Wall-clock, in `zone`.
    """

    __tablename__ = "calendars"
    __table_args__ = (
        CheckConstraint("grid_minutes in (15, 30, 60)", "grid"),
        CheckConstraint("before_minutes >= 0 and after_minutes >= 0", "buffers"),
        CheckConstraint("horizon_days between 1 and 60", "horizon"),
    )
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    zone: Mapped[str]
    weekly: Mapped[list[dict[str, Any]]]
    dated: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    before_minutes: Mapped[int] = mapped_column(default=0)
    after_minutes: Mapped[int] = mapped_column(default=0)
    notice_hours: Mapped[int] = mapped_column(default=24)
    horizon_days: Mapped[int] = mapped_column(default=60)
    grid_minutes: Mapped[int] = mapped_column(default=30)
    per_day: Mapped[int | None]
    per_week: Mapped[int | None]


class Claim(Base):
    """Time a booking occupies: the padded range [start − before, end + after) as of the hold.

    `booking_id` is opaque: bookings stand to the right. A booking may overlap itself, never another.
    """

    __tablename__ = "claims"
    __table_args__ = (
        ExcludeConstraint(
            ("expert_id", "="),
            ("booking_id", "<>"),
            ("during", "&&"),
            using="gist",
            where=text("live"),
            name="claims_never_overlap",
        ),
        CheckConstraint("not isempty(during) and lower_inc(during) and not upper_inc(during)", "half_open"),
        Index("ix_claims_booking_id", "booking_id"),
    )
    id: Mapped[Id]
    expert_id: Mapped[uuid.UUID] = refers("experts.id", index=False)
    booking_id: Mapped[uuid.UUID]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    # The session's own start, for the limits a day and a week.
    starts_at: Mapped[datetime]
    live: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]
