"""Saved searches: what somebody looks for, kept, and the offers first published since that answer it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.filters import ORDERS
from .types import Base, Id, one_of, refers

FREQUENCIES = ("daily", "weekly", "off")


class SavedSearch(Base):
    """Words, filters as an address says them ([[name, value]]) and the order.

    Of offers first published after `looked_until` nothing is known yet; what was found after `seen_at`
    is new to the person, what was found after `told_until` waits for their mail.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (
        CheckConstraint(one_of("frequency", FREQUENCIES), "frequency"),
        CheckConstraint(one_of("ordered_by", ORDERS), "ordered_by"),
        Index("ix_saved_searches_person", "person_id", "id"),
        Index("ix_saved_searches_looked", "looked_until"),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    name: Mapped[str]
    query: Mapped[str]
    filters: Mapped[list[list[str]]] = mapped_column(JSONB)
    ordered_by: Mapped[str]
    frequency: Mapped[str]
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    looked_until: Mapped[datetime]
    told_until: Mapped[datetime]


class SavedSearchFind(Base):
    """An offer first published after the search was saved that answers it, once."""

    __tablename__ = "saved_search_finds"
    search_id: Mapped[uuid.UUID] = refers("saved_searches.id", primary_key=True, index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True)
    found_at: Mapped[datetime]
