"""Briefs: what the project lead writes about their problem. Theirs even when the hold is lost."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers


class Brief(Base):
    """One lead's brief. `attendees` is a list of {name, role, email}; `answers` follows the offer's questions."""

    __tablename__ = "briefs"
    __table_args__ = (CheckConstraint("revision >= 1", "revision"),)
    id: Mapped[Id]
    lead_id: Mapped[uuid.UUID] = refers("people.id")
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    language: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    context: Mapped[str] = mapped_column(default="")
    decision: Mapped[str] = mapped_column(default="")
    attendees: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    # Confidentiality: who else is concerned, names that must not be said, accessibility needs.
    firms_concerned: Mapped[str] = mapped_column(default="")
    confidential_done: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[str] = mapped_column(default="")
    answers: Mapped[list[str]] = mapped_column(default=list)
    purchase_order: Mapped[str] = mapped_column(default="")
    cost_centre: Mapped[str] = mapped_column(default="")
    # Rises with each save; autosave sends the one it knew, so two windows never overwrite each other.
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
