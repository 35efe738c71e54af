"""Calendars, and the claims on their time. The exclusion constraint is the last guard of a slot."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, TSTZRANGE, ExcludeConstraint, Range
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
    # Public holidays kept as days away: whose (ISO 3166, and a region's code), and the days, worked out
    # until the end of `holidays_until`, a year.
    holidays_of: Mapped[str] = mapped_column(default="")
    holidays_region: Mapped[str] = mapped_column(default="")
    holidays: Mapped[list[str]] = mapped_column(default=list)
    holidays_until: Mapped[int] = mapped_column(default=0)


class BusyCalendar(Base):
    """A calendar an expert keeps elsewhere, read by its address: what it says is busy.

    The address is a secret and sealed; `shown` is its host and ending. `busy` was worked out at
    `worked_out_at`; `good_at` is the last reading that succeeded, also when nothing had changed.
    """

    __tablename__ = "busy_calendars"
    __table_args__ = (
        CheckConstraint("(failed_since is null) = (why = '')", "failing"),
        Index("ix_busy_calendars_next_read_at", "next_read_at"),
    )
    id: Mapped[Id]
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    name: Mapped[str]
    sealed: Mapped[bytes]
    shown: Mapped[str]
    busy: Mapped[list[Range[datetime]]] = mapped_column(TSTZMULTIRANGE)
    unreadable: Mapped[int] = mapped_column(default=0)
    etag: Mapped[str] = mapped_column(default="")
    last_modified: Mapped[str] = mapped_column(default="")
    worked_out_at: Mapped[datetime]
    good_at: Mapped[datetime]
    next_read_at: Mapped[datetime]
    # Whoever reads it has it until then: two never read it at once.
    reading_until: Mapped[datetime | None]
    failed_since: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]


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
