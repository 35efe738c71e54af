"""Experts: who they are, what they may be paid, what they agreed to in advance."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers

VAT_STATUS = ("liable", "exempt")
# applying: still filling in; submitted: with the operators; refused: may write again to them.
STATUSES = ("applying", "submitted", "admitted", "refused")
# What an expert writes about themselves, and what an offer says, goes through the same four.
DRAFT_STATES = ("draft", "submitted", "changes", "published")


class Expert(Base):
    """A person who sells sessions, with what is public about them now.

    Bookable once admitted, the provider's account active and nobody suspended them. Before admission the
    texts are empty: what is being written stands in the draft.
    """

    __tablename__ = "experts"
    __table_args__ = (
        CheckConstraint(one_of("vat_status", VAT_STATUS), "vat_status"),
        CheckConstraint(one_of("status", STATUSES), "status"),
        CheckConstraint(
            "status <> 'admitted' or (headline <> '' and bio <> '' and country <> '' and languages <> '{}')",
            "admitted_whole",
        ),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", unique=True, index=False)
    # The demo file's own id ("e01"); null for those who signed up.
    source_id: Mapped[str | None] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="applying")
    admitted_at: Mapped[datetime | None]
    headline: Mapped[str] = mapped_column(default="")
    startup: Mapped[str] = mapped_column(default="")
    startup_role: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    languages: Mapped[list[str]] = mapped_column(default=list)
    bio: Mapped[str] = mapped_column(default="")
    # An opaque id: files stand to the right of experts.
    photo_id: Mapped[uuid.UUID | None]
    language: Mapped[str] = mapped_column(String(2))
    legal_name: Mapped[str | None]
    address: Mapped[str | None]
    vat_status: Mapped[str] = mapped_column(default="liable")
    vat_number: Mapped[str | None]
    vat_ground: Mapped[str | None]
    # The company's number in its country's register (SIREN in France), as given and checked for form.
    registration: Mapped[str | None]
    # The payment provider's account, and what it last said about transfers.
    account_id: Mapped[str | None] = mapped_column(unique=True)
    account_status: Mapped[str] = mapped_column(default="none")
    # What the provider still asks for, in its own field words; shown in ours.
    account_asks: Mapped[list[str]] = mapped_column(default=list)
    # The standing acceptance an instant offer needs: when given, whom it excludes, where one meets.
    standing_since: Mapped[datetime | None]
    conflicts: Mapped[list[str]] = mapped_column(default=list)
    meeting_link: Mapped[str | None]
    bank_changed_at: Mapped[datetime | None]
    cancelled_count: Mapped[int] = mapped_column(default=0)
    # Sessions they did not come to, as settled.
    absent_count: Mapped[int] = mapped_column(default=0)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ProfileDraft(Base):
    """What an expert is writing about themselves: identity and profile together, submitted together.

    `content` holds the fields of `services/experts`; `notes` the operators' reasons, a field at a time.
    """

    __tablename__ = "profile_drafts"
    __table_args__ = (CheckConstraint(one_of("state", DRAFT_STATES), "state"),)
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    content: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="draft")
    notes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
