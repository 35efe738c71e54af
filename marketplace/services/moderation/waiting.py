"""What a submission's author sees of the queue: how many are before theirs, by when, and what was decided last."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.moderation import Case

_THEIRS = ("expert", "profile")


@dataclass(frozen=True)
class Place:
    """Where a submission stands among the open cases; `target_at` is when it should be decided."""

    position: int
    number: int
    opened_at: datetime
    target_at: datetime


@dataclass(frozen=True)
class Decided:
    """What the operators decided last: approve, changes or refuse, with the reason about the whole."""

    decision: str
    reason: str
    at: datetime


def place_in_queue(session: Session, expert_id: uuid.UUID) -> Place | None:
    """The open case of the expert's application or profile; None when nothing of theirs waits."""
    case = session.scalar(
        sa.select(Case).where(
            Case.expert_id == expert_id, Case.kind.in_(_THEIRS), Case.state == "open"
        ).order_by(Case.opened_at.desc()).limit(1)
    )  # fmt: skip
    if case is None:
        return None
    before = session.scalar(
        sa.select(sa.func.count()).select_from(Case).where(
            Case.state == "open", sa.tuple_(Case.target_at, Case.id) < (case.target_at, case.id)
        )
    )  # fmt: skip
    return Place((before or 0) + 1, case.number, case.opened_at, case.target_at)


def last_decision(session: Session, expert_id: uuid.UUID) -> Decided | None:
    """The latest decision on the expert's application or profile."""
    row = session.execute(
        sa.select(Case.decision, Case.reason, Case.decided_at)
        .where(Case.expert_id == expert_id, Case.kind.in_(_THEIRS), Case.state == "decided")
        .order_by(Case.decided_at.desc(), Case.id.desc())
        .limit(1)
    ).one_or_none()
    return Decided(row.decision, row.reason, row.decided_at) if row is not None else None
