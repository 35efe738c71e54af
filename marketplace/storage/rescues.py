"""Rescues: when a booking failed for the buyer, other offers for the same brief."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers


class Rescue(Base):
    """Opened with the failing move; a job fills it. `found`: [{offer_id, slot_start, slot_end, total_minor}], three at most."""

    __tablename__ = "rescues"
    id: Mapped[Id]
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", unique=True, index=False)
    opened_at: Mapped[datetime]
    filled_at: Mapped[datetime | None]
    found: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
