"""Shortlists: the offers a person keeps to think over, and the link by which a colleague reads them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers


class Shortlist(Base):
    """One a person. The link's token is kept as its hash; making a new link ends the one before."""

    __tablename__ = "shortlists"
    __table_args__ = (CheckConstraint("(token_hash is null) = (shared_at is null)", "shared"),)
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", unique=True, index=False)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    shared_at: Mapped[datetime | None]
    made_at: Mapped[datetime]


class ShortlistItem(Base):
    """An offer on a shortlist, once."""

    __tablename__ = "shortlist_items"
    shortlist_id: Mapped[uuid.UUID] = refers("shortlists.id", primary_key=True, index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True)
    added_at: Mapped[datetime]
