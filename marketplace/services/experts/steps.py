"""The task list from sign-up to submission: what is done, what is under way, what waits for something else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import offers as offer_rules
from ...domain.errors import NotFound
from ...domain.policy import Actor
from ...domain.profiles import IDENTITY, PROFILE, empty
from ...storage.availability import Calendar
from ...storage.experts import Expert, ProfileDraft
from ...storage.offers import Offer, OfferDraft
from ...storage.people import Person
from ..people import not_yet_accepted
from .checking import problems
from .drafting import notes_of, profile_of

# A draft with these alone filled in is not begun: the page itself puts them there.
_GIVEN = ("language",)


@dataclass(frozen=True)
class Step:
    """One line of the list. state: todo, doing, blocked, done, fix; `note` is a code or words of theirs.

    `ready`: nothing of it keeps the application from being submitted.
    """

    name: str
    state: str
    note: str
    endpoint: str
    offer_id: uuid.UUID | None = None
    ready: bool = False


def steps(session: Session, actor: Actor, now: datetime) -> list[Step]:
    """The applicant's steps in the list's order; a fixed number of statements. NotFound for others."""
    if actor.expert_id is None or actor.person_id is None:
        raise NotFound
    row = session.execute(
        sa.select(Expert, Person)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.id == actor.expert_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    expert, person = row
    draft = profile_of(session, expert.id)
    proven = person.email_verified_at is not None or person.demo
    charter = not not_yet_accepted(session, person.id, ("charter",))
    return [
        _step("mail", "done" if proven else "todo", person.email, "account.preferences"),
        _step("identity", _page_state(draft, "identity"), "", "expert.identity"),
        _account(expert, draft),
        _step("profile", _page_state(draft, "profile"), "", "expert.profile"),
        _offer(session, expert.id, draft),
        _hours(session, expert.id),
        _step("charter", "done" if charter else "todo", "", "expert.charter"),
    ]


def lacking(found: list[Step]) -> tuple[str, ...]:
    """Which steps keep an application from being submitted."""
    return tuple(step.name for step in found if not step.ready)


def _step(name: str, state: str, note: str, endpoint: str) -> Step:
    return Step(name, state, note, endpoint, ready=state == "done")


def _page_state(draft: ProfileDraft, page: str) -> str:
    """fix while a field somebody asked about stands as it was; done once nothing is wrong or missing."""
    fields = IDENTITY if page == "identity" else PROFILE
    if any(name in fields and not note.answered for name, note in notes_of(draft).items()):
        return "fix"
    if not problems(draft.content, page):
        return "done"
    begun = any(draft.content[name] != empty()[name] for name in fields if name not in _GIVEN)
    return "doing" if begun else "todo"


def _account(expert: Expert, draft: ProfileDraft) -> Step:
    """Never in the way: an offer can be published before it, and is bookable once the account can be paid
    (payments.md, Accounts). The provider's page needs a name and a country first."""
    state, note = "todo", ""
    if expert.account_status == "active":
        state, note = "done", "active"
    elif expert.account_id is not None:
        state, note = "doing", "asked" if expert.account_asks else "looked_at"
    elif not draft.content["legal_name"] or not draft.content["country"]:
        state, note = "blocked", "identity"
    return Step("account", state, note, "expert.account", ready=True)


def _offer(session: Session, expert_id: uuid.UUID, profile: ProfileDraft) -> Step:
    """The offer the application goes with: the oldest never published."""
    row = session.execute(
        sa.select(Offer.id, OfferDraft.content, OfferDraft.state, OfferDraft.notes)
        .join(OfferDraft, OfferDraft.offer_id == Offer.id)
        .where(Offer.expert_id == expert_id, Offer.status == "draft")
        .order_by(Offer.created_at, Offer.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return Step("offer", "todo", "", "expert.offers")
    whole = not offer_rules.missing(row.content)
    standing = profile.content["standing"] and profile.content["meeting_link"]
    waits = bool(row.content.get("instant")) and not standing
    asked = bool(offer_rules.unanswered(row.content, row.notes))
    ready = whole and not waits and not asked
    state = "fix" if asked or row.state == "changes" else "done" if ready else "doing"
    note = "standing" if whole and waits else ""
    return Step("offer", state, note, "expert.offer", row.id, ready=ready)


def _hours(session: Session, expert_id: uuid.UUID) -> Step:
    row: Any = session.execute(
        sa.select(Calendar.weekly, Calendar.dated).where(Calendar.expert_id == expert_id)
    ).one_or_none()
    given = row is not None and (row.weekly or any(_open(day) for day in row.dated))
    return _step("hours", "done" if given else "todo", "", "expert.hours")


def _open(day: Mapping[str, Any]) -> bool:
    return bool(day.get("ranges"))
