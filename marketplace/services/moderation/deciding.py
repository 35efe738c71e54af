"""Deciding a case, and taking a decision back within the minute.

Effects stand at once; the people concerned are told once nobody can take it back any more
(`services/letters/decisions.py`), so nobody reads a decision that was a slip of the hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ...domain.errors import CaseChanged, NotFound, NothingAsked, ReasonMissing, UndoOver
from ...domain.moderation import DECISIONS, OF_OFFER, reason_needed, undo_open
from ...domain.offers import FIELDS as OFFER_FIELDS
from ...domain.policy import Actor
from ...domain.profiles import FIELDS as PROFILE_FIELDS
from ...domain.words import clean_text
from ...storage import locks
from ...storage.db import Database, Tx
from ...storage.experts import Expert, ProfileDraft
from ...storage.moderation import Case
from ...storage.offers import Offer, OfferDraft
from ...storage.reviews import Review
from .. import experts
from ..offers import publishing
from .cases import audit, found, locked
from .restricting import LONGEST_REASON, hide_offer_in, hide_review_in, suspend_in, take_back

# What can be asked to be changed, by kind of case.
_OF_FIRST = tuple(OF_OFFER + name for name in OFFER_FIELDS)
_FIELDS = {
    "expert": PROFILE_FIELDS + _OF_FIRST,
    "profile": PROFILE_FIELDS,
    "offer": OFFER_FIELDS,
    "report": (),
}
_EXPERT_OF = sa.select(Expert.id).where(Expert.person_id == sa.bindparam("person"))


def decide(
    db: Database,
    actor: Actor,
    *,
    number: int,
    decision: str,
    revision: int,
    real_now: datetime,
    ground: str = "",
    reason: str = "",
    notes: Mapping[str, str] | None = None,
) -> None:
    """Answer a case; `revision` is the one that was read, `notes` what is to be changed, a field at a time.

    Raises NotFound, OwnCase, CaseDecided (somebody was faster), CaseChanged (it says something else now),
    ReasonMissing, NothingAsked, AlreadyRestricted; and what the rooms concerned refuse.
    """
    with db.transaction() as tx:
        _lock_subject(tx, found(tx, actor, number, lock=False))
        case = locked(tx, actor, number)
        if decision not in DECISIONS[case.kind]:
            raise NotFound
        if revision != case.revision:
            raise CaseChanged(revision=case.revision)
        said = clean_text(reason, LONGEST_REASON)
        asked = {
            field: words
            for field, text in (notes or {}).items()
            if field in _FIELDS[case.kind] and (words := clean_text(text, LONGEST_REASON))
        }
        if reason_needed(decision) and not said:
            raise ReasonMissing
        if decision == "changes" and not asked:
            raise NothingAsked
        case.undo = _take_effect(tx, actor, case, decision, ground, said, asked, real_now)
        case.state, case.decision, case.decided_at, case.decided_by = (
            "decided",
            decision,
            tx.now,
            actor.person_id,
        )
        case.owner_id, case.snoozed_until, case.told_at = actor.person_id, None, None
        case.reason, case.notes = said, asked
        audit(tx, actor, case, f"case.{decision}", said)


def undo(db: Database, actor: Actor, *, number: int) -> None:
    """Take one's own decision back within the minute: the case is open again, all stands as before.

    Raises NotFound, OwnCase, UndoOver (why: time, told, booked, changed).
    """
    with db.transaction() as tx:
        seen = found(tx, actor, number, lock=False)
        if seen.person_id is not None and seen.kind != "report":
            # Holds take this lock first, and refer to the offer afterwards: the same order here.
            locks.take(tx, calendar=tx.session.scalar(_EXPERT_OF, {"person": seen.person_id}))
        _lock_subject(tx, seen)
        case = found(tx, actor, number, lock=True)
        if case.state != "decided" or case.decided_at is None or case.decided_by != actor.person_id:
            raise NotFound
        if case.told_at is not None:
            raise UndoOver(why="told")
        if not undo_open(case.decided_at, tx.now):
            raise UndoOver(why="time")
        if _submitted_anew(tx, case):
            raise UndoOver(why="changed")
        _take_effect_back(tx, actor, case)
        audit(tx, actor, case, "case.undone", str(case.decision))
        case.state, case.decision, case.decided_at, case.decided_by = "open", None, None, None
        case.undo = {}


def _lock_subject(tx: Tx, case: Case) -> None:
    """What the case is about, before the case itself."""
    if case.offer_id is not None:
        tx.session.get(Offer, case.offer_id, with_for_update=True, populate_existing=True)
        tx.session.get(OfferDraft, case.offer_id, with_for_update=True, populate_existing=True)
    elif case.review_id is not None:
        tx.session.get(Review, case.review_id, with_for_update=True, populate_existing=True)
    elif case.kind != "report":
        tx.session.get(Expert, case.expert_id, with_for_update=True, populate_existing=True)
        tx.session.get(ProfileDraft, case.expert_id, with_for_update=True, populate_existing=True)


def _take_effect(
    tx: Tx, actor: Actor, case: Case, decision: str, ground: str, reason: str, notes: Mapping[str, str],
    real_now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Do what the decision says; what taking it back needs to know."""
    if case.kind == "report":
        return _hide(tx, actor, case, ground, reason, real_now) if decision == "hide" else {}
    if case.offer_id is not None:
        return _about_offer(tx, case.offer_id, case.revision, decision, reason, notes)
    assert case.expert_id is not None
    if case.kind == "profile" and decision == "approve":
        return {"published": experts.publish_profile(tx, case.expert_id, case.revision)}
    if decision == "approve":
        experts.admit(tx, case.expert_id, case.revision)
    # The offer that came with an application goes its way with it.
    first = publishing.first_offer(tx.session, case.expert_id) if case.kind == "expert" else None
    known: dict[str, Any] = {}
    if first is not None:
        of_offer = {f.removeprefix(OF_OFFER): text for f, text in notes.items() if f.startswith(OF_OFFER)}
        revision = tx.session.get_one(OfferDraft, first).revision
        step = "approve" if decision == "approve" else "changes"
        known = {"first": str(first), "of_first": _about_offer(tx, first, revision, step, "", of_offer)}
    if decision != "approve":
        theirs = {field: text for field, text in notes.items() if not field.startswith(OF_OFFER)}
        if decision == "refuse":
            theirs[""] = reason
        experts.ask_profile_changes(tx, case.expert_id, theirs, refuse=decision == "refuse")
    return known


def _about_offer(
    tx: Tx, offer_id: uuid.UUID, revision: int, decision: str, reason: str, notes: Mapping[str, str]
) -> dict[str, Any]:
    if decision == "approve":
        return publishing.publish(tx, offer_id, revision)
    if reason:
        notes = {**notes, "": reason}
    publishing.ask_offer_changes(tx, offer_id, notes, refuse=decision == "refuse")
    return {"revision": revision}


def _hide(tx: Tx, actor: Actor, case: Case, ground: str, reason: str, real_now: datetime) -> dict[str, Any]:
    """A reported offer or review is hidden; a reported profile leaves the site with its person."""
    if case.offer_id is not None:
        laid = hide_offer_in(tx, actor, offer_id=case.offer_id, ground=ground, reason=reason, case_id=case.id)
    elif case.review_id is not None:
        laid = hide_review_in(
            tx, actor, review_id=case.review_id, ground=ground, reason=reason, case_id=case.id
        )
    else:
        assert case.person_id is not None
        laid = suspend_in(tx, actor, person_id=case.person_id, ground=ground, reason=reason, real_now=real_now,
                          case_id=case.id)  # fmt: skip
    return {"restriction": str(laid.id)}


def _take_effect_back(tx: Tx, actor: Actor, case: Case) -> None:
    known, decision = case.undo, str(case.decision)
    if "restriction" in known:
        take_back(tx, actor, uuid.UUID(known["restriction"]))
    if case.kind == "report":
        return
    if case.offer_id is not None:
        _offer_back(tx, case.offer_id, decision, known)
    if "first" in known:
        _offer_back(tx, uuid.UUID(known["first"]), decision, known["of_first"])
    if case.expert_id is not None:
        if decision != "approve":
            experts.unask_profile_changes(tx, case.expert_id, case.revision)
        elif case.kind == "profile":
            experts.unpublish_profile(tx, case.expert_id, known["published"])
        else:
            experts.unadmit(tx, case.expert_id)


def _offer_back(tx: Tx, offer_id: uuid.UUID, decision: str, known: Mapping[str, Any]) -> None:
    if decision == "approve":
        publishing.unpublish(tx, offer_id, known)
    else:
        publishing.unask_offer_changes(tx, offer_id, known["revision"])


def _submitted_anew(tx: Tx, case: Case) -> bool:
    same = [
        column == value
        for column, value in (
            (Case.expert_id, case.expert_id), (Case.offer_id, case.offer_id), (Case.review_id, case.review_id)
        )
        if value is not None
    ]  # fmt: skip
    return bool(
        tx.session.scalar(
            sa.select(sa.literal(True)).where(Case.kind == case.kind, Case.state == "open", *same).limit(1)
        )
    )
