"""What the operators' decisions do to an expert: parts of the use-cases of services/moderation."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from ...domain.errors import CaseChanged, NotFound, UndoOver
from ...domain.profiles import FIELDS, empty
from ...storage.db import Tx
from ...storage.experts import Expert, ProfileDraft
from .drafting import address_of, locked_draft, profile_of, published
from .submitting import changed_fields

Diff = list[tuple[str, Any, Any]]


def admit(tx: Tx, expert_id: uuid.UUID, revision: int) -> None:
    """The application as submitted becomes what stands about the expert. CaseChanged when it moved on."""
    expert, draft = _submitted(tx, expert_id, revision)
    if expert.status != "submitted":
        raise CaseChanged(revision=draft.revision)
    _write(tx, expert, draft.content)
    expert.status, expert.admitted_at = "admitted", tx.now
    draft.state = "published"


def unadmit(tx: Tx, expert_id: uuid.UUID) -> None:
    """The admission taken back: submitted as before, nothing published. UndoOver when the expert has written since."""
    expert, draft = _locked(tx, expert_id)
    if expert.status != "admitted" or draft.state != "published":
        raise UndoOver(why="changed")
    expert.status, expert.admitted_at, draft.state = "submitted", None, "submitted"
    _write(tx, expert, empty())


def publish_profile(tx: Tx, expert_id: uuid.UUID, revision: int) -> dict[str, Any]:
    """The changes as submitted become public; what stood before, for taking it back. CaseChanged."""
    expert, draft = _submitted(tx, expert_id, revision)
    if expert.status != "admitted":
        raise CaseChanged(revision=draft.revision)
    before = published(expert)
    _write(tx, expert, draft.content)
    draft.state = "published"
    return before


def unpublish_profile(tx: Tx, expert_id: uuid.UUID, previous: Mapping[str, Any]) -> None:
    """What stood before stands again, the changes wait as submitted. UndoOver when the expert has written since."""
    expert, draft = _locked(tx, expert_id)
    if draft.state != "published":
        raise UndoOver(why="changed")
    _write(tx, expert, previous)
    draft.state = "submitted"


def ask_profile_changes(
    tx: Tx,
    expert_id: uuid.UUID,
    notes: Mapping[str, str],
    *,
    refuse: bool = False,
    revision: int | None = None,
) -> None:
    """Back to its author with a reason at each field ("" for the whole). Refused, they may still mend and
    resubmit. CaseChanged when it is no longer what was submitted."""
    expert, draft = _locked(tx, expert_id)
    if draft.state != "submitted" or revision not in (None, draft.revision):
        raise CaseChanged(revision=draft.revision)
    draft.state = "changes"
    draft.notes = {
        name: {"reason": reason, "was": draft.content.get(name)}
        for name, reason in notes.items()
        if reason and (name in FIELDS or not name)
    }
    if expert.status == "submitted":
        expert.status = "refused" if refuse else "applying"


def unask_profile_changes(tx: Tx, expert_id: uuid.UUID, revision: int) -> None:
    """The question taken back: submitted as before. UndoOver when the expert has written since."""
    expert, draft = _locked(tx, expert_id)
    if draft.state != "changes" or draft.revision != revision:
        raise UndoOver(why="changed")
    draft.state, draft.notes = "submitted", {}
    if expert.status != "admitted":
        expert.status = "submitted"


def profile_diff(session: Session, expert_id: uuid.UUID) -> Diff:
    """(field, before, after), in the draft's order: of an application every answer, else what changes."""
    expert = session.get(Expert, expert_id)
    if expert is None:
        raise NotFound
    draft = profile_of(session, expert_id)
    before = published(expert)
    if expert.status == "admitted":
        names = changed_fields(expert, draft)
    else:
        before, names = empty(), tuple(name for name in FIELDS if draft.content[name])
    return [(name, before[name], draft.content[name]) for name in FIELDS if name in names]


def _submitted(tx: Tx, expert_id: uuid.UUID, revision: int) -> tuple[Expert, ProfileDraft]:
    expert, draft = _locked(tx, expert_id)
    if draft.state != "submitted" or draft.revision != revision:
        raise CaseChanged(revision=draft.revision)
    return expert, draft


def _locked(tx: Tx, expert_id: uuid.UUID) -> tuple[Expert, ProfileDraft]:
    draft = locked_draft(tx, expert_id)
    return tx.session.get_one(Expert, expert_id), draft


def _write(tx: Tx, expert: Expert, content: Mapping[str, Any]) -> None:
    """Put the draft's fields into the typed row: what pages, quotes and papers read."""
    for name in ("headline", "startup", "startup_role", "city", "country", "bio"):
        setattr(expert, name, content[name])
    for name in ("legal_name", "registration", "vat_number", "vat_ground", "meeting_link"):
        setattr(expert, name, content[name] or None)
    expert.languages, expert.conflicts = list(content["languages"]), list(content["conflicts"])
    expert.language = content["language"] or expert.language
    expert.address = address_of(content) if content["street"] else content["city"] or None
    expert.vat_status = content["vat_status"] or "liable"
    expert.photo_id = uuid.UUID(content["photo_id"]) if content["photo_id"] else None
    if not content["standing"]:
        expert.standing_since = None
    elif expert.standing_since is None:
        expert.standing_since = tx.now
