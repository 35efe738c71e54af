"""Questions asked before booking, and how many an expert takes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from ..domain.questions import STATES
from .offers import Offer
from .types import Base, Id, one_of, refers


class Question(Base):
    """One asking: a summary and one to three closed questions on an offer. Contact details are masked.

    `asked`: [{"text", "verdict", "words"}], the last two once answered. `words`: what goes with passing on.
    """

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), "state"),
        CheckConstraint("(state = 'open') = (deadline is not null)", "deadline"),
        CheckConstraint("(state = 'open') = (closed_at is null)", "closed"),
        CheckConstraint("(state = 'passed_on') = (named_id is not null)", "named"),
        CheckConstraint("named_id <> offer_id", "named_other"),
        CheckConstraint("jsonb_array_length(asked) between 1 and 3", "asked"),
        Index("ix_questions_due", "deadline", postgresql_where=text("deadline is not null")),
        Index("ix_questions_asker", "asker_id", text("asked_at desc")),
        Index("ix_questions_expert", "expert_id", text("asked_at desc")),
    )
    id: Mapped[Id]
    asker_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    expert_id: Mapped[uuid.UUID] = refers("experts.id", index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id")
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id", index=False)
    # The form's own token: the same form sent twice is one question.
    token: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="open")
    language: Mapped[str]
    summary: Mapped[str]
    asked: Mapped[list[dict[str, Any]]]
    words: Mapped[str] = mapped_column(default="")
    # "Not me, but …": the offer the expert names instead.
    named_id: Mapped[uuid.UUID | None] = refers("offers.id", index=False)
    asked_at: Mapped[datetime]
    # Until when it is answered; none once it is closed.
    deadline: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class QuestionLimit(Base):
    """How many questions an expert takes within seven days; no row: the usual number."""

    __tablename__ = "question_limits"
    __table_args__ = (CheckConstraint("per_week between 1 and 50", "per_week"),)
    expert_id: Mapped[uuid.UUID] = refers("experts.id", primary_key=True, index=False)
    per_week: Mapped[int]
    paused: Mapped[bool]
    changed_at: Mapped[datetime]


def answered(session: Session, offers: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """(closed, answered in time) of the questions put to each offer's expert; none is left out. One statement."""
    rows = session.execute(
        select(
            Offer.id,
            func.count().filter(Question.state != "open"),
            func.count().filter(Question.state.in_(("answered", "passed_on"))),
        )
        .join(Question, Question.expert_id == Offer.expert_id)
        .where(Offer.id.in_(offers))
        .group_by(Offer.id)
    )
    return {offer: (closed, in_time) for offer, closed, in_time in rows}
