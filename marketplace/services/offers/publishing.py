"""How a draft becomes the live version, and how that is taken back: parts of the operators' decisions.

Versions are numbered from 1 without gaps, one is live at most; a booking keeps the version it was made
from. A closed or hidden offer keeps its status: the version waits behind it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import CaseChanged, DraftIncomplete, UndoOver
from ...domain.events import ApplicationSubmitted, OfferPublished, OfferTakenDown, SubmissionWithdrawn
from ...domain.offers import FIELDS, Change, changes, missing, slug, whole
from ...storage import locks
from ...storage.bookings import Booking
from ...storage.db import Tx
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferDraft, OfferVersion
from .drafts import draft_of, live_content, live_version, lock_offer, refuse_unready, standing_lacks


def publish(tx: Tx, offer_id: uuid.UUID, revision: int) -> dict[str, Any]:
    """Make the submitted draft the live version; what `unpublish` needs to take it back.

    Raises NotFound; CaseChanged where the draft is no longer what was submitted; DraftIncomplete.
    """
    offer, draft = _submitted(tx, offer_id, revision)
    content = whole(draft.content)
    lacking = missing(content)
    if lacking:
        raise DraftIncomplete(missing=lacking)
    before = live_version(tx.session, offer_id)
    number = tx.session.scalar(
        sa.select(sa.func.coalesce(sa.func.max(OfferVersion.number), 0)).where(
            OfferVersion.offer_id == offer_id
        )
    )
    assert number is not None
    undo = {
        "previous_version_id": str(before.id) if before else None,
        "status": offer.status,
        "slug": offer.slug,
        "notes": draft.notes,
        "submitted_at": draft.submitted_at.isoformat() if draft.submitted_at else None,
    }
    if before is not None:
        before.live = False
        tx.session.flush()  # One live version at a time, also between two statements.
    version = OfferVersion(offer_id=offer_id, number=number + 1, live=True, published_at=tx.now, **content)
    tx.session.add(version)
    if offer.status == "draft":
        offer.slug = slug(content["title"], _taken(tx.session, content["title"]))
        offer.status = "live"
    draft.state, draft.notes = "published", {}
    tx.session.flush()
    tx.announce(OfferPublished(offer_id))
    return undo | {"version_id": str(version.id), "number": version.number, "address": offer.slug}


def unpublish(tx: Tx, offer_id: uuid.UUID, previous: Mapping[str, Any]) -> None:
    """Take a publication back: the version goes, the one before is live, the draft is submitted again.

    `previous` is what `publish` gave. Raises UndoOver: booked (a booking was made from the version),
    changed (the author has written on, or something else is live).
    """
    expert_id = tx.session.scalar(sa.select(Offer.expert_id).where(Offer.id == offer_id))
    # Holds take this lock first: after it no booking of this version is on its way.
    locks.take(tx, calendar=expert_id)
    offer, draft = lock_offer(tx, offer_id)
    version = live_version(tx.session, offer_id)
    if version is None or str(version.id) != previous["version_id"] or draft.state != "published":
        raise UndoOver(why="changed")
    if tx.session.scalar(sa.select(Booking.id).where(Booking.version_id == version.id).limit(1)):
        raise UndoOver(why="booked")
    was_draft = previous["status"] == "draft"
    if was_draft:
        offer.status = "draft"
        offer.slug = previous["slug"]
    draft.state, draft.notes = "submitted", dict(previous["notes"])
    version.live = False
    tx.session.flush()
    if was_draft or previous["previous_version_id"] is None:
        # The search row refers to the version: it goes before it.
        tx.announce(OfferTakenDown(offer_id))
    else:
        tx.session.get_one(OfferVersion, uuid.UUID(previous["previous_version_id"])).live = True
        tx.session.flush()
        tx.announce(OfferPublished(offer_id))
    tx.session.delete(version)
    tx.session.flush()


def ask_offer_changes(tx: Tx, offer_id: uuid.UUID, notes: Mapping[str, str], *, refuse: bool = False) -> None:
    """Give the draft back with reasons, a field at a time ("" for the whole); refused, it may still be mended.

    What is live stays live either way. Raises NotFound, CaseChanged.
    """
    _offer, draft = lock_offer(tx, offer_id)
    if draft.state != "submitted":
        raise CaseChanged(revision=draft.revision)
    draft.notes = {
        name: {"reason": reason, "was": draft.content.get(name)}
        for name, reason in notes.items()
        if reason and (name in FIELDS or not name)
    }
    # An application sent back for another reason frees its offer too.
    draft.state = "changes" if draft.notes or refuse else "draft"
    draft.submitted_at = None


def unask_offer_changes(tx: Tx, offer_id: uuid.UUID, revision: int) -> None:
    """The question taken back: submitted as before. UndoOver (changed) when the expert has written since."""
    _offer, draft = lock_offer(tx, offer_id)
    if draft.state not in ("draft", "changes") or draft.revision != revision:
        raise UndoOver(why="changed")
    draft.state, draft.notes, draft.submitted_at = "submitted", {}, tx.now


def offer_diff(session: Session, offer_id: uuid.UUID) -> Sequence[Change]:
    """(field, live, draft) for each field that differs; before a first publication all that is written."""
    return changes(live_content(session, offer_id), draft_of(session, offer_id).content)


def first_offer(session: Session, expert_id: uuid.UUID) -> uuid.UUID | None:
    """The offer an application goes with: the oldest never published."""
    return session.scalar(
        sa.select(Offer.id)
        .where(Offer.expert_id == expert_id, Offer.status == "draft")
        .order_by(Offer.created_at, Offer.id)
        .limit(1)
    )


def submit_first_offer(tx: Tx, expert_id: uuid.UUID) -> uuid.UUID:
    """Part of submitting an application: its offer goes with it; no case of its own.

    Raises DraftIncomplete (missing; also where there is none), StandingMissing.
    """
    offer_id = first_offer(tx.session, expert_id)
    if offer_id is None:
        raise DraftIncomplete(missing=("offer",))
    _offer, draft = lock_offer(tx, offer_id)
    if draft.state == "submitted":
        return offer_id
    refuse_unready(draft, standing_lacks(tx.session, tx.session.get_one(Expert, expert_id)))
    draft.state, draft.submitted_at = "submitted", tx.now
    return offer_id


def withdraw_first_offer(tx: Tx, expert_id: uuid.UUID) -> None:
    """Part of taking an application back: its offer may be written again."""
    offer_id = first_offer(tx.session, expert_id)
    if offer_id is None or tx.session.get_one(Expert, expert_id).status == "admitted":
        return
    _offer, draft = lock_offer(tx, offer_id)
    if draft.state == "submitted":
        draft.state, draft.submitted_at = "draft", None


def carry_first_offer(tx: Tx, event: ApplicationSubmitted) -> None:
    """WITHIN: the room of experts lies left of this one; its application carries the first offer along."""
    submit_first_offer(tx, event.expert_id)


def bring_first_offer_back(tx: Tx, event: SubmissionWithdrawn) -> None:
    """WITHIN: an application taken back brings its offer back; a profile has none with it."""
    if event.offer_id is None:
        withdraw_first_offer(tx, event.expert_id)


def _submitted(tx: Tx, offer_id: uuid.UUID, revision: int) -> tuple[Offer, OfferDraft]:
    offer, draft = lock_offer(tx, offer_id)
    if draft.state != "submitted" or draft.revision != revision:
        raise CaseChanged(revision=draft.revision)
    return offer, draft


def _taken(session: Session, title: str) -> frozenset[str]:
    begins = slug(title)
    return frozenset(
        session.scalars(sa.select(Offer.slug).where(Offer.slug.startswith(begins, autoescape=True)))
    )
