"""Letters: every mail we mean to send, once, as the message it became."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers


class Letter(Base):
    """A mail. `token` (event, subject and person) makes it exist once however often a job runs."""

    __tablename__ = "letters"
    __table_args__ = (
        UniqueConstraint("token"),
        Index("ix_letters_unsent", "made_at", postgresql_where=text("sent_at is null")),
        Index("ix_letters_newest", text("made_at desc"), "id"),
    )
    id: Mapped[Id]
    token: Mapped[str]
    event: Mapped[str]
    person_id: Mapped[uuid.UUID | None] = refers("people.id")
    recipient: Mapped[str]
    subject: Mapped[str]
    message: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]


class DailyMail(Base):
    """A person's one mail a day of what is new: the token that ends it in one click."""

    __tablename__ = "daily_mails"
    person_id: Mapped[uuid.UUID] = refers("people.id", primary_key=True, index=False)
    token: Mapped[str] = mapped_column(unique=True)
