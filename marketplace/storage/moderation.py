"""The operators' cases, what people reported, and the restrictions laid on somebody with their reasons."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers

CASE_KINDS = ("expert", "profile", "offer", "report")
CASE_STATES = ("open", "decided", "withdrawn")
# approve/changes/refuse answer what somebody submitted; keep/hide answer a report.
DECISIONS = ("approve", "changes", "refuse", "keep", "hide")
SUBJECTS = ("profile", "offer", "review")
RESTRICTIONS = ("offer_hidden", "review_hidden", "person_suspended")
GROUNDS = ("terms", "reviews_policy", "law")


class Case(Base):
    """One thing for an operator to decide. One open case a subject.

    `revision` is the draft's as submitted: a decision names it, so nobody decides on what changed meanwhile.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(one_of("kind", CASE_KINDS), "kind"),
        CheckConstraint(one_of("state", CASE_STATES), "state"),
        CheckConstraint(one_of("decision", DECISIONS), "decision"),
        CheckConstraint("(state = 'decided') = (decision is not null)", "decided"),
        CheckConstraint("num_nonnulls(expert_id, offer_id, review_id) = 1", "one_subject"),
        Index("uq_cases_open_expert", "kind", "expert_id", unique=True, postgresql_where=text("state = 'open' and expert_id is not null")),
        Index("uq_cases_open_offer", "kind", "offer_id", unique=True, postgresql_where=text("state = 'open' and offer_id is not null")),
        Index("uq_cases_open_review", "kind", "review_id", unique=True, postgresql_where=text("state = 'open' and review_id is not null")),
        Index("ix_cases_open", "target_at", "id", postgresql_where=text("state = 'open'")),
        Index("ix_cases_untold", "decided_at", postgresql_where=text("state = 'decided' and told_at is null")),
    )  # fmt: skip
    id: Mapped[Id]
    number: Mapped[int] = mapped_column(Integer, Identity(always=True, start=1001), unique=True)
    kind: Mapped[str]
    # What the case is about, exactly one; the queue's line says it in words.
    expert_id: Mapped[uuid.UUID | None] = refers("experts.id")
    offer_id: Mapped[uuid.UUID | None] = refers("offers.id")
    review_id: Mapped[uuid.UUID | None] = refers("reviews.id")
    title: Mapped[str]
    # Whose thing it is: they are told, and never decide on it themselves.
    person_id: Mapped[uuid.UUID | None] = refers("people.id")
    revision: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="open")
    opened_at: Mapped[datetime]
    target_at: Mapped[datetime]
    owner_id: Mapped[uuid.UUID | None] = refers("people.id")
    snoozed_until: Mapped[datetime | None]
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    reason: Mapped[str] = mapped_column(default="")
    notes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # What taking the decision back needs to know (the version that was live before).
    undo: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # People are told once the time for taking back has passed.
    told_at: Mapped[datetime | None]


class Notice(Base):
    """Somebody reported a text (Regulation (EU) 2022/2065, art. 16): what, why, who, in good faith."""

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(one_of("about", SUBJECTS), "about"),
        CheckConstraint("good_faith", "good_faith"),
    )
    id: Mapped[Id]
    case_id: Mapped[uuid.UUID] = refers("cases.id")
    about: Mapped[str]
    why: Mapped[str]
    text: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="fr")
    good_faith: Mapped[bool]
    person_id: Mapped[uuid.UUID | None] = refers("people.id")
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class Restriction(Base):
    """Something was hidden or somebody suspended: the statement of reasons (art. 17), kept, and what lifted it."""

    __tablename__ = "restrictions"
    __table_args__ = (
        CheckConstraint(one_of("kind", RESTRICTIONS), "kind"),
        CheckConstraint(one_of("ground", GROUNDS), "ground"),
        CheckConstraint("reason <> ''", "reason"),
        CheckConstraint("(kind = 'offer_hidden') = (offer_id is not null)", "offer"),
        CheckConstraint("(kind = 'review_hidden') = (review_id is not null)", "review"),
        Index("uq_restrictions_offer", "offer_id", unique=True, postgresql_where=text("lifted_at is null and kind = 'offer_hidden'")),
        Index("uq_restrictions_review", "review_id", unique=True, postgresql_where=text("lifted_at is null and kind = 'review_hidden'")),
        Index("uq_restrictions_person", "person_id", unique=True, postgresql_where=text("lifted_at is null and kind = 'person_suspended'")),
    )  # fmt: skip
    id: Mapped[Id]
    kind: Mapped[str]
    # Who is told; none for the author of an imported review, who has no account.
    person_id: Mapped[uuid.UUID | None] = refers("people.id")
    offer_id: Mapped[uuid.UUID | None] = refers("offers.id", index=False)
    review_id: Mapped[uuid.UUID | None] = refers("reviews.id", index=False)
    case_id: Mapped[uuid.UUID | None] = refers("cases.id")
    ground: Mapped[str]
    reason: Mapped[str]
    # Whether a machine decided; none does.
    automated: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    by: Mapped[uuid.UUID] = refers("people.id", index=False)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    lifted_why: Mapped[str | None]
