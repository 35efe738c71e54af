"""Briefs: written for one booking, theirs whatever becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.errors import BriefIncomplete, BriefSavedElsewhere, NotFound
from ..domain.policy import Actor
from ..domain.words import clean_line, clean_text
from ..storage.briefs import Brief
from ..storage.db import Database, Tx

MOST_ATTENDEES = 8
LONGEST_LINE = 200
LONGEST_TEXT = 8000
LONGEST_ANSWER = 2000

# Part → the fields it is made of. The order is the task list's.
PARTS: Mapping[str, tuple[str, ...]] = {
    "subject": ("subject",),
    "context": ("context",),
    "decision": ("decision",),
    "attendees": ("attendees",),
    "questions": ("answers",),
    "confidentiality": ("firms_concerned", "needs", "confidential_done"),
    "order": ("purchase_order", "cost_centre"),
}
OPTIONAL = frozenset({"order"})
_LINES = frozenset({"purchase_order", "cost_centre"})


def start_brief(tx: Tx, *, lead_id: uuid.UUID, company_id: uuid.UUID, language: str, name: str) -> Brief:
    """A new, empty brief; the lead is its first attendee."""
    brief = Brief(
        lead_id=lead_id,
        company_id=company_id,
        language=language,
        attendees=[{"name": name, "role": "", "email": ""}],
        created_at=tx.now,
        saved_at=tx.now,
    )
    tx.session.add(brief)
    return brief


def copy_brief(tx: Tx, brief: Brief) -> Brief:
    """The same words for another booking: what is changed there leaves the first one as it was."""
    kept = ("lead_id", "company_id", "language", "subject", "context", "decision", "attendees", "firms_concerned",
            "confidential_done", "needs", "purchase_order", "cost_centre")  # fmt: skip
    copy = Brief(**{name: getattr(brief, name) for name in kept}, created_at=tx.now, saved_at=tx.now)
    tx.session.add(copy)
    return copy


def save_brief(
    db: Database,
    actor: Actor,
    *,
    brief_id: uuid.UUID,
    fields: Mapping[str, Any],
    revision: int | None = None,
    complete_for: tuple[str, ...] | None = None,
) -> Brief:
    """Keep these fields. `revision` is the one the page knew: a later one elsewhere is not overwritten.

    `complete_for`: the questions of the offer, where payment was opened already; from then on a
    brief is never made incomplete (booking-process.md, "open payment"). Raises NotFound,
    BriefSavedElsewhere, BriefIncomplete, and what cleaning a text refuses.
    """
    with db.transaction() as tx:
        brief = tx.session.scalar(
            sa.select(Brief).where(Brief.id == brief_id, Brief.lead_id == actor.person_id).with_for_update()
        )
        if brief is None:
            raise NotFound
        if revision is not None and revision != brief.revision:
            raise BriefSavedElsewhere(revision=brief.revision)
        for name, value in fields.items():
            setattr(brief, name, _cleaned(name, value))
        if complete_for is not None:
            lacking = missing_parts(brief, complete_for)
            if lacking:
                raise BriefIncomplete(missing=lacking)
        brief.revision += 1
        brief.saved_at = tx.now
        return brief


def _cleaned(name: str, value: Any) -> Any:
    if name == "confidential_done":
        return bool(value)
    if name == "answers":
        return [clean_text(answer, LONGEST_ANSWER) for answer in value]
    if name == "attendees":
        rows = [
            {key: clean_line(row.get(key, ""), LONGEST_LINE) for key in ("name", "role", "email")}
            for row in value
        ]
        return [row for row in rows if row["name"]][:MOST_ATTENDEES]
    if name == "subject" or name in _LINES:
        return clean_line(value, LONGEST_LINE)
    return clean_text(value, LONGEST_TEXT)


def part_state(brief: Brief, part: str, questions: tuple[str, ...]) -> str:
    """`done`, `started`, `todo` or `optional`, as the task list says it."""
    if part in OPTIONAL:
        return "done" if brief.purchase_order or brief.cost_centre else "optional"
    if part == "confidentiality":
        return "done" if brief.confidential_done else "todo"
    if part == "attendees":
        return "done" if brief.attendees else "todo"
    if part == "questions":
        given = [bool(answer) for answer in brief.answers[: len(questions)]]
        if len(given) == len(questions) and all(given):
            return "done"
        return "started" if any(given) else "todo"
    text = getattr(brief, part)
    if not text:
        return "todo"
    return "started" if part != "subject" and len(text) < _ENOUGH[part] else "done"


# Characters from which a part counts as said; a session prepared with less is a session lost.
_ENOUGH = {"context": 80, "decision": 20}


def parts_for(questions: tuple[str, ...]) -> tuple[str, ...]:
    """The parts of a brief for an offer; "questions" only where the offer asks some."""
    return tuple(part for part in PARTS if part != "questions" or questions)


def missing_parts(brief: Brief, questions: tuple[str, ...]) -> tuple[str, ...]:
    """What is still to write before payment can open."""
    return tuple(
        part
        for part in parts_for(questions)
        if part not in OPTIONAL and part_state(brief, part, questions) != "done"
    )


def brief_of(session: Session, brief_id: uuid.UUID) -> Brief:
    """The brief; the caller's door has decided that it may be seen."""
    brief = session.get(Brief, brief_id)
    if brief is None:
        raise NotFound
    return brief
