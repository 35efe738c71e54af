"""Cases open by themselves, when somebody submits, withdraws or reports; operators take, leave and snooze them.

Locks: what the case is about first (offer or draft), then the case; the same everywhere, so two never
wait for each other in a circle.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.errors import CaseDecided, NotFound, OwnCase
from ...domain.events import (
    ApplicationSubmitted,
    OfferPublished,
    OfferSubmitted,
    ProfileSubmitted,
    SubmissionWithdrawn,
)
from ...domain.ids import new_id
from ...domain.moderation import SNOOZES, TARGETS
from ...domain.policy import Actor, may
from ...storage.db import Database, Tx
from ...storage.experts import Expert, ProfileDraft
from ...storage.moderation import Case
from ...storage.offers import Offer, OfferDraft
from ...storage.people import Person
from ...storage.reviews import Review
from ..people import write_audit


def application_submitted(tx: Tx, event: ApplicationSubmitted) -> None:
    """WITHIN: somebody asks to be admitted."""
    _submitted_by_expert(tx, event.expert_id, "expert")


def profile_submitted(tx: Tx, event: ProfileSubmitted) -> None:
    """WITHIN: an admitted expert changed what stands about them."""
    _submitted_by_expert(tx, event.expert_id, "profile")


def offer_submitted(tx: Tx, event: OfferSubmitted) -> None:
    """WITHIN: an offer asks to be published. An applicant's first goes with their application."""
    draft = tx.session.get_one(OfferDraft, event.offer_id)
    offer = tx.session.get_one(Offer, event.offer_id)
    expert = tx.session.get_one(Expert, offer.expert_id)
    if expert.status != "admitted":
        return
    case = open_case(
        tx, "offer", title=str(draft.content.get("title") or ""), person_id=expert.person_id,
        revision=draft.revision, offer_id=offer.id,
    )  # fmt: skip
    case.revision = draft.revision


def submission_withdrawn(tx: Tx, event: SubmissionWithdrawn) -> None:
    """WITHIN: taken back by its author; whoever decides now reads that it was."""
    about = (
        sa.and_(Case.kind == "offer", Case.offer_id == event.offer_id)
        if event.offer_id is not None
        else sa.and_(Case.kind.in_(("expert", "profile")), Case.expert_id == event.expert_id)
    )
    tx.session.execute(
        sa.update(Case).where(about, Case.state == "open").values(state="withdrawn", decided_at=tx.now)
    )


def offer_published(tx: Tx, event: OfferPublished) -> None:
    """WITHIN: what was reported says something else now; a decision on the old words is refused."""
    tx.session.execute(
        sa.update(Case)
        .where(Case.kind == "report", Case.offer_id == event.offer_id, Case.state == "open")
        .values(revision=Case.revision + 1)
    )


def open_case(
    tx: Tx, kind: str, *, title: str, person_id: uuid.UUID | None, revision: int, **about: Any
) -> Case:
    """The open case of this kind about this subject, made where there is none: at most one (part of a use-case)."""
    tx.session.execute(
        insert(Case)
        .values(
            id=new_id(), kind=kind, title=title[:200], person_id=person_id, revision=revision, state="open",
            opened_at=tx.now, target_at=tx.now + TARGETS[kind], reason="", notes={}, undo={}, **about,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    (column, subject), *_none = about.items()
    return tx.session.scalars(
        sa.select(Case)
        .where(Case.kind == kind, Case.state == "open", getattr(Case, column) == subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def claim(db: Database, actor: Actor, *, number: int) -> None:
    """Make an open case one's own, also from somebody else. Raises NotFound, OwnCase, CaseDecided."""
    with db.transaction() as tx:
        case = locked(tx, actor, number)
        case.owner_id, case.snoozed_until = actor.person_id, None
        audit(tx, actor, case, "case.claimed")


def release(db: Database, actor: Actor, *, number: int) -> None:
    """Leave an open case to all. Raises NotFound, OwnCase, CaseDecided."""
    with db.transaction() as tx:
        case = locked(tx, actor, number)
        case.owner_id = None
        audit(tx, actor, case, "case.released")


def snooze(db: Database, actor: Actor, *, number: int, days: int) -> datetime:
    """Put an open case aside for 1, 3 or 7 days; until when. Its target stays. Raises as `claim`."""
    with db.transaction() as tx:
        case = locked(tx, actor, number)
        case.snoozed_until = tx.now + timedelta(days=days if days in SNOOZES else SNOOZES[0])
        audit(tx, actor, case, "case.snoozed")
        return case.snoozed_until


def wake(db: Database, actor: Actor, *, number: int) -> None:
    """End a snooze. Raises as `claim`."""
    with db.transaction() as tx:
        case = locked(tx, actor, number)
        case.snoozed_until = None
        audit(tx, actor, case, "case.woken")


def locked(tx: Tx, actor: Actor, number: int) -> Case:
    """The open case of this number, its row locked, for an operator whom it does not concern."""
    case = found(tx, actor, number, lock=True)
    if case.state != "open":
        raise CaseDecided(decision=case.decision or case.state, by=case.decided_by)
    return case


def found(tx: Tx, actor: Actor, number: int, *, lock: bool) -> Case:
    """The case of this number, whatever its state. Raises NotFound, OwnCase."""
    if not may("operator.decide", actor) or not 0 < number < 2**31:
        raise NotFound
    query = sa.select(Case).where(Case.number == number)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    case = tx.session.scalar(query)
    if case is None:
        raise NotFound
    if is_own(tx.session, case, actor.person_id):
        raise OwnCase
    return case


def is_own(session: Session, case: Case, person_id: uuid.UUID | None) -> bool:
    """Whether the case is about the person, what they wrote or sell, or what was written about them."""
    if person_id is None or case.person_id == person_id:
        return person_id is not None
    if case.review_id is None:
        return False
    about = sa.select(Expert.person_id).join(Review, Review.expert_id == Expert.id)
    return session.scalar(about.where(Review.id == case.review_id)) == person_id


def audit(tx: Tx, actor: Actor, case: Case, act: str, reason: str = "") -> None:
    """One line on a case, by its number."""
    write_audit(tx, actor_id=actor.person_id, act=act, subject=f"case:{case.number}", reason=reason)


def _submitted_by_expert(tx: Tx, expert_id: uuid.UUID, kind: str) -> None:
    draft = tx.session.get_one(ProfileDraft, expert_id)
    expert = tx.session.get_one(Expert, expert_id)
    person = tx.session.get_one(Person, expert.person_id)
    startup = str(draft.content.get("startup") or "")
    case = open_case(
        tx, kind, title=", ".join(filter(None, (person.name, startup))), person_id=person.id,
        revision=draft.revision, expert_id=expert_id,
    )  # fmt: skip
    case.revision = draft.revision
