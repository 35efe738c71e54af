"""Handing an application or a changed profile to the operators, and taking it back."""

from __future__ import annotations

from ...domain.errors import (
    CaseDecided,
    DraftIncomplete,
    DraftSubmitted,
    DraftUnchanged,
    ExpertNotAdmitted,
    NotFound,
)
from ...domain.events import ApplicationSubmitted, ProfileSubmitted, SubmissionWithdrawn
from ...domain.policy import Actor
from ...domain.profiles import IDENTITY, PROFILE
from ...storage.db import Database, Tx
from ...storage.experts import Expert, ProfileDraft
from ...storage.people import Person
from ..people import accept_documents, write_audit
from .checking import problems, tidied
from .drafting import locked_draft, published, write
from .steps import lacking, steps


def accept_charter(db: Database, actor: Actor, *, address: str = "") -> None:
    """The charter in its version in force, accepted; said again, the first time stands."""
    if actor.person_id is None or actor.expert_id is None:
        raise NotFound
    with db.transaction() as tx:
        accept_documents(tx, actor.person_id, ("charter",), None, address)


def submit_application(db: Database, actor: Actor) -> None:
    """Hand identity, profile, first offer and hours to the operators together.

    DraftIncomplete (missing: step names; the provider's account alone may still wait), DraftSubmitted,
    NotFound for who applies for nothing.
    """
    with db.transaction() as tx:
        expert, draft = _open(tx, actor)
        if expert.status == "submitted":
            raise DraftSubmitted
        if expert.status == "admitted":
            raise DraftUnchanged
        missing = lacking(steps(tx.session, actor, tx.now))
        if missing:
            raise DraftIncomplete(missing=missing)
        expert.status = "submitted"
        _submitted(tx, draft)
        write_audit(tx, actor_id=actor.person_id, act="expert.submitted", subject=str(expert.id))
        tx.announce(ApplicationSubmitted(expert.id))


def submit_profile(db: Database, actor: Actor) -> None:
    """Hand an admitted expert's changes to the operators; what is approved stays live meanwhile.

    DraftIncomplete (missing: field names), DraftUnchanged, DraftSubmitted, ExpertNotAdmitted.
    """
    with db.transaction() as tx:
        expert, draft = _open(tx, actor)
        person = tx.session.get_one(Person, expert.person_id)
        if expert.status != "admitted" or person.suspended_at is not None:
            raise ExpertNotAdmitted(status="suspended" if person.suspended_at else expert.status)
        if draft.state == "submitted":
            raise DraftSubmitted
        if not changed_fields(expert, draft):
            raise DraftUnchanged
        # What was admitted without an answer (the loaded experts) needs it only once that page is changed.
        wrong = tuple(name for name in problems(draft.content) if _is_theirs(name, expert, draft))
        if wrong:
            raise DraftIncomplete(missing=wrong)
        _submitted(tx, draft)
        write_audit(tx, actor_id=actor.person_id, act="profile.submitted", subject=str(expert.id))
        tx.announce(ProfileSubmitted(expert.id))


def withdraw(db: Database, actor: Actor) -> None:
    """Take back what is with the operators. CaseDecided when they were faster."""
    with db.transaction() as tx:
        expert, draft = _open(tx, actor)
        if draft.state != "submitted":
            raise CaseDecided
        draft.state, draft.submitted_at = "draft", None
        if expert.status == "submitted":
            expert.status = "applying"
        write_audit(tx, actor_id=actor.person_id, act="expert.withdrew", subject=str(expert.id))
        tx.announce(SubmissionWithdrawn(expert.id, None))


def changed_fields(expert: Expert, draft: ProfileDraft) -> tuple[str, ...]:
    """Which fields say something else than what is published. What is never published changes nothing."""
    before = published(expert)
    return tuple(name for name in before if name != "website" and draft.content[name] != before[name])


def _is_theirs(name: str, expert: Expert, draft: ProfileDraft) -> bool:
    page = IDENTITY if name in IDENTITY else PROFILE
    return any(field in page for field in changed_fields(expert, draft))


def _open(tx: Tx, actor: Actor) -> tuple[Expert, ProfileDraft]:
    draft = locked_draft(tx, actor.expert_id)
    return tx.session.get_one(Expert, draft.expert_id), draft


def _submitted(tx: Tx, draft: ProfileDraft) -> None:
    write(tx, draft, tidied(draft.content))
    draft.state, draft.submitted_at, draft.notes = "submitted", tx.now, {}
