"""Offers, their versions, and the taxonomy. A booking keeps the version it was made from."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from .experts import DRAFT_STATES
from .types import Base, Currency, Id, one_of, refers

FORMATS = ("remote", "on_site", "both")
POLICIES = ("flexible", "moderate", "strict")


class Topic(Base):
    """A subject an offer may be filed under, named in both languages."""

    __tablename__ = "topics"
    slug: Mapped[str] = mapped_column(primary_key=True)
    fr: Mapped[str]
    en: Mapped[str]


class Industry(Base):
    """An industry an offer is useful in, named in both languages."""

    __tablename__ = "industries"
    slug: Mapped[str] = mapped_column(primary_key=True)
    fr: Mapped[str]
    en: Mapped[str]


class Offer(Base):
    """The lasting thing behind versions: its address, its standing."""

    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint(one_of("status", ("draft", "live", "hidden", "closed")), "status"),
        Index("ix_offers_newest", text("created_at desc"), "id"),
    )
    id: Mapped[Id]
    source_id: Mapped[str | None] = mapped_column(unique=True)
    expert_id: Mapped[uuid.UUID] = refers("experts.id")
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="draft")
    created_at: Mapped[datetime]


class OfferVersion(Base):
    """What an offer said from one publication to the next. Never edited. Price without VAT, minor units."""

    __tablename__ = "offer_versions"
    __table_args__ = (
        UniqueConstraint("offer_id", "number"),
        Index(
            "ix_offer_versions_title",
            func.folded(literal_column("title")).label("words"),
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
        Index("uq_offer_versions_live", "offer_id", unique=True, postgresql_where=text("live")),
        # All that filters ask, so that none reads the texts.
        Index(
            "ix_offer_versions_narrowed",
            "offer_id",
            postgresql_where=text("live"),
            postgresql_include=[
                "topics",
                "industries",
                "languages",
                "format",
                "minutes",
                "price_minor",
                "notice_hours",
                "instant",
            ],
        ),
        Index("ix_offer_versions_first", "published_at", postgresql_where=text("number = 1")),
        CheckConstraint("price_minor > 0", "price_positive"),
        CheckConstraint("minutes in (180, 210, 240)", "minutes"),
        CheckConstraint(one_of("format", FORMATS), "format"),
        CheckConstraint(one_of("policy", POLICIES), "policy"),
        CheckConstraint("currency = 'EUR'", "currency"),
        CheckConstraint("notice_hours >= 4", "notice"),
    )
    id: Mapped[Id]
    offer_id: Mapped[uuid.UUID] = refers("offers.id", index=False)
    number: Mapped[int]
    live: Mapped[bool]
    language: Mapped[str]
    title: Mapped[str]
    problem: Mapped[str]
    failed: Mapped[str] = mapped_column(default="")
    unlocked: Mapped[str]
    takeaways: Mapped[list[str]]
    for_whom: Mapped[str]
    not_for_whom: Mapped[str] = mapped_column(default="")
    topics: Mapped[list[str]]
    industries: Mapped[list[str]]
    minutes: Mapped[int]
    price_minor: Mapped[int]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    format: Mapped[str]
    area: Mapped[str] = mapped_column(default="")
    languages: Mapped[list[str]]
    notice_hours: Mapped[int]
    policy: Mapped[str]
    instant: Mapped[bool]
    promises_plan: Mapped[bool] = mapped_column(default=False)
    questions: Mapped[list[str]] = mapped_column(default=list)
    published_at: Mapped[datetime]


class OfferDraft(Base):
    """What the expert is writing: the next version. `notes` are the operators' reasons, a field at a time."""

    __tablename__ = "offer_drafts"
    __table_args__ = (CheckConstraint(one_of("state", DRAFT_STATES), "state"),)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True, index=False)
    content: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="draft")
    notes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]


class OfferView(Base):
    """How often an offer's page was read in a day (UTC), its own expert and operators left out. Nobody is named."""

    __tablename__ = "offer_views"
    __table_args__ = (CheckConstraint("seen > 0", "seen"),)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True, index=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    seen: Mapped[int]
