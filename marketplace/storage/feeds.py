"""Private calendar addresses; reminders sent, and those a person does not want."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.reminders import KINDS
from .types import Base, one_of, refers


class CalendarFeed(Base):
    """A person's address for calendar programs. It holds a token, we its hash. `detailed`: with titles and names."""

    __tablename__ = "calendar_feeds"
    person_id: Mapped[uuid.UUID] = refers("people.id", primary_key=True, index=False)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    detailed: Mapped[bool]
    made_at: Mapped[datetime]


class ReminderMail(Base):
    """The kinds of reminder a person does not want, and the token by which a mail says so."""

    __tablename__ = "reminder_mails"
    __table_args__ = (CheckConstraint(f"off <@ array[{', '.join(repr(kind) for kind in KINDS)}]", "off"),)
    person_id: Mapped[uuid.UUID] = refers("people.id", primary_key=True, index=False)
    token: Mapped[str] = mapped_column(unique=True)
    off: Mapped[list[str]] = mapped_column(default=list)


class Reminder(Base):
    """A reminder that was sent, or wanted by nobody: once for each start a booking ever had."""

    __tablename__ = "reminders"
    __table_args__ = (CheckConstraint(one_of("kind", KINDS), "kind"),)
    booking_id: Mapped[uuid.UUID] = refers("bookings.id", primary_key=True, index=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    at: Mapped[datetime]
