"""Enquiries, who was invited to them, what experts proposed, and who wants them by daily mail."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.enquiries import STATES
from .types import Base, Id, one_of, refers


class Enquiry(Base):
    """A published problem. `fitting`: [{"expert_id", "offer_id"}], those whose offers come closest, best first."""

    __tablename__ = "enquiries"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), "state"),
        CheckConstraint("(state = 'open') = (deadline is not null)", "deadline"),
        CheckConstraint("(state = 'open') = (closed_at is null)", "closed"),
        CheckConstraint("(state = 'taken') = (booking_id is not null)", "taken"),
        Index("ix_enquiries_due", "deadline", postgresql_where=text("deadline is not null")),
        Index("ix_enquiries_lead", "lead_id", text("published_at desc")),
        Index("ix_enquiries_newest", text("published_at desc"), "id"),
    )
    id: Mapped[Id]
    lead_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    token: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="open")
    language: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    # For those invited alone.
    details: Mapped[str]
    fitting: Mapped[list[dict[str, Any]]]
    published_at: Mapped[datetime]
    deadline: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    booking_id: Mapped[uuid.UUID | None] = refers("bookings.id")


class EnquiryInvitation(Base):
    """An expert whom the lead invited: they read the details."""

    __tablename__ = "enquiry_invitations"
    __table_args__ = (UniqueConstraint("enquiry_id", "expert_id"),)
    id: Mapped[Id]
    enquiry_id: Mapped[uuid.UUID] = refers("enquiries.id", index=False)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    invited_at: Mapped[datetime]


class EnquiryProposal(Base):
    """An expert's yes: one of their offers, a price without VAT, two or three starts, and where one meets."""

    __tablename__ = "enquiry_proposals"
    __table_args__ = (
        UniqueConstraint("enquiry_id", "expert_id"),
        CheckConstraint("price_minor between 20000 and 2000000", "price"),
        CheckConstraint("jsonb_array_length(slots) between 2 and 3", "slots"),
    )
    id: Mapped[Id]
    enquiry_id: Mapped[uuid.UUID] = refers("enquiries.id", index=False)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    offer_id: Mapped[uuid.UUID] = refers("offers.id", index=False)
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id", index=False)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    # [{"start", "end"}], ISO instants.
    slots: Mapped[list[dict[str, Any]]]
    format: Mapped[str]
    place: Mapped[str]
    words: Mapped[str]
    made_at: Mapped[datetime]


class EnquiryMail(Base):
    """The enquiries in an expert's daily mail: off or not, and up to which publication they were told."""

    __tablename__ = "enquiry_mails"
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    off: Mapped[bool]
    told_until: Mapped[datetime]
