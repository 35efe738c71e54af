"""What an expert is writing about an offer: begun, saved, submitted, taken back; closed and opened again.

The offer's row is locked first by whatever changes it, its draft or its versions, so that saving,
submitting, withdrawing and publishing meet one after the other.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import offers as offer_rules
from ...domain.errors import (
    DraftIncomplete,
    DraftSavedElsewhere,
    DraftSubmitted,
    DraftUnchanged,
    ExpertNotAdmitted,
    NotFound,
    OfferNotClosed,
    StandingMissing,
)
from ...domain.events import (
    OfferPublished,
    OfferSubmitted,
    OfferTakenDown,
    SubmissionWithdrawn,
)
from ...domain.offers import BLANK, FIELDS, LANGUAGES, changes, missing, tidied, whole
from ...domain.policy import Actor
from ...storage.db import Database, Tx
from ...storage.experts import Expert, ProfileDraft
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.people import Person


def new_offer(db: Database, actor: Actor) -> uuid.UUID:
    """A new, empty draft. One that nobody wrote in yet is handed out again; applicants have one offer.

    Raises NotFound for who is no expert.
    """
    with db.transaction() as tx:
        expert, person = _own(tx, actor)
        begun = (
            sa.select(Offer.id)
            .join(OfferDraft, OfferDraft.offer_id == Offer.id)
            .where(Offer.expert_id == expert.id, Offer.status == "draft")
            .order_by(Offer.created_at, Offer.id)
            .limit(1)
        )
        if expert.status == "admitted":
            begun = begun.where(OfferDraft.revision == 1, OfferDraft.state == "draft")
        known = tx.session.scalar(begun)
        if known is not None:
            return known
        offer = Offer(expert_id=expert.id, slug=_draft_slug(), status="draft", created_at=tx.now)
        tx.session.add(offer)
        tx.session.flush()  # The draft refers to it.
        language = person.language if person.language in LANGUAGES else LANGUAGES[0]
        content = dict(BLANK) | {"language": language, "languages": [language]}
        tx.session.add(OfferDraft(offer_id=offer.id, content=content, saved_at=tx.now))
        return offer.id


def save_offer(
    db: Database,
    actor: Actor,
    *,
    offer_id: uuid.UUID,
    fields: Mapping[str, Any],
    revision: int | None = None,
) -> OfferDraft:
    """Keep these fields of FIELDS, half-written or not; what is live stays as it is.

    `revision` is the one the page knew: a later one elsewhere is not overwritten. Raises NotFound,
    DraftSubmitted, DraftSavedElsewhere, and what `tidied` refuses (TextRefused, PriceRefused).
    """
    with db.transaction() as tx:
        offer, draft = lock_offer(tx, offer_id)
        if actor.expert_id is None or offer.expert_id != actor.expert_id:
            raise NotFound
        if draft.state == "submitted":
            raise DraftSubmitted
        if revision is not None and revision != draft.revision:
            raise DraftSavedElsewhere(revision=draft.revision)
        content = whole(draft.content) | {
            name: tidied(name, value) for name, value in fields.items() if name in FIELDS
        }
        if content == draft.content:
            return draft
        draft.content = content
        draft.revision += 1
        draft.saved_at = tx.now
        live = live_content(tx.session, offer_id)
        if live is not None and not changes(live, content):
            draft.state, draft.notes = "published", {}
        elif draft.state == "published" or (draft.state == "changes" and not unanswered(draft)):
            draft.state = "draft"
        return draft


def unanswered(draft: OfferDraft) -> tuple[str, ...]:
    """The fields the operators asked about that stand as they were."""
    return offer_rules.unanswered(draft.content, draft.notes)


def submit_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID) -> None:
    """Hand the draft to the operators; what is live stays live meanwhile.

    Raises NotFound, ExpertNotAdmitted (status; "suspended" too), OfferNotClosed (hidden), DraftSubmitted,
    DraftIncomplete (missing), DraftUnchanged, StandingMissing (missing).
    """
    with db.transaction() as tx:
        expert, person = _own(tx, actor)
        if person.suspended_at is not None:
            raise ExpertNotAdmitted(status="suspended")
        if expert.status != "admitted":
            raise ExpertNotAdmitted(status=expert.status)
        offer, draft = lock_offer(tx, offer_id)
        if offer.expert_id != expert.id:
            raise NotFound
        if draft.state == "submitted":
            raise DraftSubmitted
        live = live_content(tx.session, offer_id)
        if live is not None and not changes(live, draft.content):
            raise DraftUnchanged
        refuse_unready(draft, standing_lacks(tx.session, expert))
        draft.state, draft.submitted_at = "submitted", tx.now
        tx.session.flush()
        tx.announce(OfferSubmitted(offer.id))


def refuse_unready(draft: OfferDraft, unsaid: tuple[str, ...]) -> None:
    """DraftIncomplete for what is not written yet; StandingMissing for an instant offer without its ground."""
    lacking = missing(draft.content)
    if lacking:
        raise DraftIncomplete(missing=lacking)
    if draft.content["instant"] and unsaid:
        raise StandingMissing(missing=unsaid)


def standing_lacks(session: Session, expert: Expert) -> tuple[str, ...]:
    """What an instant offer still needs of its expert: the standing acceptance, a place to meet.

    Of somebody not admitted yet, as their profile's draft says it.
    """
    given = {"standing": expert.standing_since is not None, "meeting_link": bool(expert.meeting_link)}
    if expert.status != "admitted":
        profile = session.get(ProfileDraft, expert.id)
        said = profile.content if profile is not None else {}
        given = {name: bool(said.get(name)) for name in given}
    return tuple(name for name, there in given.items() if not there)


def withdraw_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID) -> None:
    """Take back what was submitted, to write on. Nothing submitted: nothing happens. Raises NotFound.

    A first offer goes with its application and comes back with it: ExpertNotAdmitted.
    """
    with db.transaction() as tx:
        expert, _person = _own(tx, actor)
        offer, draft = lock_offer(tx, offer_id)
        if offer.expert_id != expert.id:
            raise NotFound
        if draft.state != "submitted":
            return
        if expert.status != "admitted":
            raise ExpertNotAdmitted(status=expert.status)
        draft.state, draft.submitted_at = "draft", None
        tx.announce(SubmissionWithdrawn(expert.id, offer.id))


def close_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID) -> None:
    """Take a live offer off the site; bookings already made stay. Raises NotFound, OfferNotClosed (status)."""
    with db.transaction() as tx:
        offer = _own_published(tx, actor, offer_id)
        if offer.status != "closed":
            offer.status = "closed"
            tx.announce(OfferTakenDown(offer.id))


def reopen_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID) -> None:
    """Show a closed offer again, as its last version. Raises NotFound, OfferNotClosed (status)."""
    with db.transaction() as tx:
        offer = _own_published(tx, actor, offer_id)
        if offer.status != "live":
            offer.status = "live"
            tx.announce(OfferPublished(offer.id))


def _own_published(tx: Tx, actor: Actor, offer_id: uuid.UUID) -> Offer:
    """The expert's own offer, locked, live or closed: the same button twice is one deed."""
    expert, _person = _own(tx, actor)
    offer = tx.session.get(Offer, offer_id, with_for_update=True)
    if offer is None or offer.expert_id != expert.id:
        raise NotFound
    if offer.status not in ("live", "closed"):
        raise OfferNotClosed(status=offer.status)
    return offer


def _own(tx: Tx, actor: Actor) -> tuple[Expert, Person]:
    row = tx.session.execute(
        sa.select(Expert, Person)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.id == actor.expert_id, Person.id == actor.person_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def _draft_slug() -> str:
    return f"draft-{secrets.token_hex(8)}"


def lock_offer(tx: Tx, offer_id: uuid.UUID) -> tuple[Offer, OfferDraft]:
    """The offer and its draft, made from the live version where there is none yet. Raises NotFound."""
    offer = tx.session.get(Offer, offer_id, with_for_update=True, populate_existing=True)
    if offer is None:
        raise NotFound
    draft = tx.session.get(OfferDraft, offer_id, populate_existing=True)
    if draft is None:
        draft = _from_live(tx.session, offer_id)
        tx.session.add(draft)
    return offer, draft


def draft_of(session: Session, offer_id: uuid.UUID) -> OfferDraft:
    """The draft; for an offer never edited, one that says what is live (revision 0). Raises NotFound."""
    return session.get(OfferDraft, offer_id) or _from_live(session, offer_id)


def _from_live(session: Session, offer_id: uuid.UUID) -> OfferDraft:
    live = live_version(session, offer_id)
    if live is None:
        raise NotFound
    return OfferDraft(
        offer_id=offer_id, content=content_of(live), revision=0, state="published", notes={},
        saved_at=live.published_at,
    )  # fmt: skip


def live_version(session: Session, offer_id: uuid.UUID) -> OfferVersion | None:
    """The version buyers read now, or would once the offer is open again."""
    return session.scalar(sa.select(OfferVersion).where(OfferVersion.offer_id == offer_id, OfferVersion.live))


def content_of(version: OfferVersion) -> dict[str, Any]:
    """What a published version says, as a draft would say it."""
    return {name: getattr(version, name) for name in FIELDS}


def live_content(session: Session, offer_id: uuid.UUID) -> dict[str, Any] | None:
    """What the offer's live version says; None where nothing was published."""
    live = live_version(session, offer_id)
    return None if live is None else content_of(live)


@dataclass(frozen=True)
class VersionLine:
    """A line of an offer's history. `changed`: the fields that differ from the version before, none for the first."""

    number: int
    published_at: datetime
    live: bool
    price_minor: int
    changed: tuple[str, ...]


def versions_of(session: Session, offer_id: uuid.UUID) -> Sequence[VersionLine]:
    """All that was published, newest first; one statement."""
    lines: list[VersionLine] = []
    before: dict[str, Any] | None = None
    for version in session.scalars(
        sa.select(OfferVersion).where(OfferVersion.offer_id == offer_id).order_by(OfferVersion.number)
    ):
        said = content_of(version)
        changed = tuple(name for name, *_values in changes(before, said)) if before else ()
        lines.append(
            VersionLine(version.number, version.published_at, version.live, version.price_minor, changed)
        )
        before = said
    return lines[::-1]


@dataclass(frozen=True)
class OwnOffer:
    """One of an expert's own offers. `title` is the live version's, else the draft's."""

    id: uuid.UUID
    slug: str
    status: str
    draft_state: str
    title: str
    language: str
    price_minor: int | None
    minutes: int
    saved_at: datetime
    submitted_at: datetime | None


def own_offers(session: Session, expert_id: uuid.UUID) -> Sequence[OwnOffer]:
    """All of an expert's offers, newest first; one statement."""
    rows = session.execute(
        sa.select(Offer, OfferVersion, OfferDraft)
        .outerjoin(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .outerjoin(OfferDraft, OfferDraft.offer_id == Offer.id)
        .where(Offer.expert_id == expert_id)
        .order_by(Offer.created_at.desc(), Offer.id.desc())
    )
    return [_line(offer, version, draft) for offer, version, draft in rows]


def _line(offer: Offer, version: OfferVersion | None, draft: OfferDraft | None) -> OwnOffer:
    said = content_of(version) if version is not None else whole(draft.content if draft else {})
    return OwnOffer(
        id=offer.id,
        slug=offer.slug,
        status=offer.status,
        draft_state=draft.state if draft else "published",
        title=said["title"],
        language=said["language"],
        price_minor=said["price_minor"],
        minutes=said["minutes"],
        saved_at=draft.saved_at if draft else offer.created_at,
        submitted_at=draft.submitted_at if draft else None,
    )
