"""What an expert writes about themselves: kept as they write, beside what is published."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ...domain.companies import COUNTRIES
from ...domain.errors import DraftSavedElsewhere, DraftSubmitted, NotFound, TextRefused
from ...domain.policy import Actor
from ...domain.profiles import (
    FIELDS,
    LINES,
    LONGEST_BIO,
    LONGEST_CONFLICT,
    MOST_CONFLICTS,
    SPOKEN,
    WRITTEN,
    empty,
)
from ...domain.words import clean_line, clean_text
from ...storage.db import Database, Tx
from ...storage.experts import VAT_STATUS, Expert, ProfileDraft

_CHOICES = {"country": COUNTRIES, "vat_status": frozenset(VAT_STATUS), "language": frozenset(WRITTEN)}


@dataclass(frozen=True)
class Note:
    """What an operator asked to be changed in a field, and whether it has been changed since."""

    reason: str
    answered: bool


def profile_of(session: Session, expert_id: uuid.UUID) -> ProfileDraft:
    """The expert's draft; where there is none yet, what is published, as a draft not kept (revision 0)."""
    draft = session.get(ProfileDraft, expert_id)
    if draft is not None:
        return draft
    expert = session.get(Expert, expert_id)
    if expert is None:
        raise NotFound
    return ProfileDraft(
        expert_id=expert_id, content=published(expert), revision=0, state="published", notes={},
        saved_at=expert.created_at,
    )  # fmt: skip


def notes_of(draft: ProfileDraft) -> dict[str, Note]:
    """The operators' reasons, a field at a time; "" holds what is about the whole."""
    return {
        name: Note(note["reason"], bool(name) and draft.content.get(name) != note["was"])
        for name, note in draft.notes.items()
    }


def save_profile(
    db: Database, actor: Actor, *, fields: Mapping[str, Any], revision: int | None = None
) -> ProfileDraft:
    """Keep these fields as typed, whole or half-written; a photograph comes by services/files alone.

    `revision` is the one the page knew: a later one elsewhere is not overwritten. DraftSavedElsewhere,
    DraftSubmitted (take it back first), TextRefused (field, why, most), NotFound.
    """
    cleaned = {
        name: _cleaned(name, value) for name, value in fields.items() if name in FIELDS and name != "photo_id"
    }
    with db.transaction() as tx:
        draft = locked_draft(tx, actor.expert_id)
        if draft.state == "submitted":
            raise DraftSubmitted
        if revision is not None and revision != draft.revision:
            raise DraftSavedElsewhere(revision=draft.revision)
        write(tx, draft, cleaned)
        return draft


def put_field(tx: Tx, expert_id: uuid.UUID | None, name: str, value: Any) -> None:
    """One field from another room (the photograph), part of its use-case. DraftSubmitted, NotFound."""
    draft = locked_draft(tx, expert_id)
    if draft.state == "submitted":
        raise DraftSubmitted
    write(tx, draft, {name: value})


def write(tx: Tx, draft: ProfileDraft, fields: Mapping[str, Any]) -> None:
    """Put the fields; what changes nothing leaves the draft's revision and state as they are."""
    content = {**draft.content, **fields}
    if content == draft.content:
        return
    draft.content = content
    draft.revision += 1
    draft.saved_at = tx.now
    if draft.state == "published":
        draft.state = "draft"


def locked_draft(tx: Tx, expert_id: uuid.UUID | None) -> ProfileDraft:
    """The draft under its expert's lock, made from what is published where there was none."""
    expert = tx.session.get(Expert, expert_id, with_for_update=True) if expert_id else None
    if expert is None:
        raise NotFound
    draft = tx.session.get(ProfileDraft, expert_id, populate_existing=True)
    if draft is None:
        draft = profile_of(tx.session, expert.id)
        draft.saved_at = tx.now
        tx.session.add(draft)
    return draft


def published(expert: Expert) -> dict[str, Any]:
    """What stands about the expert now, by the draft's fields."""
    street, postcode = _address_parts(expert)
    same = (
        "legal_name", "registration", "city", "country", "vat_status", "vat_number", "vat_ground", "headline",
        "startup", "startup_role", "language", "bio", "meeting_link",
    )  # fmt: skip
    return empty() | {name: getattr(expert, name) or "" for name in same} | {
        "street": street, "postcode": postcode, "languages": list(expert.languages),
        "conflicts": list(expert.conflicts), "standing": expert.standing_since is not None,
        "photo_id": str(expert.photo_id) if expert.photo_id else "",
    }  # fmt: skip


def address_of(content: Mapping[str, Any]) -> str:
    """The address as it stands on paper: two lines."""
    return f"{content['street']}\n{content['postcode']} {content['city']}"


def _address_parts(expert: Expert) -> tuple[str, str]:
    street, _line, place = (expert.address or "").partition("\n")
    if not place:
        return ("" if street == expert.city else street), ""
    return street, place.removesuffix(expert.city).strip()


def _cleaned(name: str, value: Any) -> Any:
    try:
        if name == "standing":
            return bool(value)
        if name == "bio":
            return clean_text(str(value), LONGEST_BIO)
        if name == "languages":
            return [code for code in SPOKEN if code in value]
        if name == "conflicts":
            lines = [clean_line(str(line), LONGEST_CONFLICT) for line in value]
            return [line for line in lines if line][:MOST_CONFLICTS]
        line = clean_line(str(value), LINES[name])
    except TextRefused as refused:
        raise TextRefused(**refused.facts, field=name) from None
    if name == "country":
        line = "GR" if line.upper() == "EL" else line.upper()
    return line if name not in _CHOICES or line in _CHOICES[name] else ""
