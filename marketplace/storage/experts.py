"""Experts: who they are, what they may be paid, what they agreed to in advance."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers

VAT_STATUS = ("liable", "exempt")


class Expert(Base):
    """A person who sells sessions. Bookable once the provider's account is active and nobody suspended them."""

    __tablename__ = "experts"
    __table_args__ = (CheckConstraint(one_of("vat_status", VAT_STATUS), "vat_status"),)
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", unique=True, index=False)
    # The demo file's own id ("e01"); null for those who signed up.
    source_id: Mapped[str | None] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    headline: Mapped[str]
    startup: Mapped[str]
    startup_role: Mapped[str]
    city: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    languages: Mapped[list[str]]
    bio: Mapped[str]
    language: Mapped[str] = mapped_column(String(2))
    legal_name: Mapped[str | None]
    address: Mapped[str | None]
    vat_status: Mapped[str] = mapped_column(default="liable")
    vat_number: Mapped[str | None]
    vat_ground: Mapped[str | None]
    # The payment provider's account, and what it last said about transfers.
    account_id: Mapped[str | None] = mapped_column(unique=True)
    account_status: Mapped[str] = mapped_column(default="none")
    # The standing acceptance an instant offer needs: when given, whom it excludes, where one meets.
    standing_since: Mapped[datetime | None]
    conflicts: Mapped[list[str]] = mapped_column(default=list)
    meeting_link: Mapped[str | None]
    bank_changed_at: Mapped[datetime | None]
    cancelled_count: Mapped[int] = mapped_column(default=0)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
