"""Hiding an offer or a review, suspending a person, and taking that back: each with its reason, kept for good.

The row is the statement of reasons (Regulation (EU) 2022/2065, art. 17); a person decides, never a
machine. Nobody decides on what is theirs. Bookings already made stay as they are.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from ...domain.errors import AlreadyRestricted, LastOperator, NotFound, OwnCase, ReasonMissing
from ...domain.events import OfferPublished, OfferTakenDown, RestrictionLaid, RestrictionLifted
from ...domain.policy import Actor, may
from ...domain.words import clean_text
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.moderation import GROUNDS, Restriction
from ...storage.offers import Offer
from ...storage.people import Person
from ...storage.reviews import Review
from ..people import write_audit
from ..people.log_ins import end_all
from ..people.operators import others_operate
from ..search import index_offer

LONGEST_REASON = 2000
# `lifted_why` of a restriction its operator took back within the minute.
TAKEN_BACK = "undo"


def hide_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID, ground: str, reason: str) -> None:
    """Take a live offer off the site. Raises NotFound, ReasonMissing, OwnCase, AlreadyRestricted."""
    with db.transaction() as tx:
        hide_offer_in(tx, actor, offer_id=offer_id, ground=ground, reason=reason)


def restore_offer(db: Database, actor: Actor, *, offer_id: uuid.UUID, reason: str) -> None:
    """Show a hidden offer again, as it was. Raises NotFound, ReasonMissing, OwnCase, AlreadyRestricted."""
    with db.transaction() as tx:
        restore_offer_in(tx, actor, offer_id=offer_id, reason=reason)


def hide_review(db: Database, actor: Actor, *, review_id: uuid.UUID, ground: str, reason: str) -> None:
    """Hide a review; that one was hidden, and on which ground, stays to be read. Raises as `hide_offer`."""
    with db.transaction() as tx:
        hide_review_in(tx, actor, review_id=review_id, ground=ground, reason=reason)


def restore_review(db: Database, actor: Actor, *, review_id: uuid.UUID, reason: str) -> None:
    """Show a hidden review again. Raises as `restore_offer`."""
    with db.transaction() as tx:
        restore_review_in(tx, actor, review_id=review_id, reason=reason)


def suspend(
    db: Database, actor: Actor, *, person_id: uuid.UUID, ground: str, reason: str, real_now: datetime
) -> None:
    """Suspend a person: their log-ins end, and what they offer is not shown nor booked meanwhile.

    Raises NotFound, ReasonMissing, OwnCase, AlreadyRestricted, LastOperator.
    """
    with db.transaction() as tx:
        suspend_in(tx, actor, person_id=person_id, ground=ground, reason=reason, real_now=real_now)


def restore_person(db: Database, actor: Actor, *, person_id: uuid.UUID, reason: str) -> None:
    """End a suspension. Raises NotFound, ReasonMissing, OwnCase, AlreadyRestricted."""
    with db.transaction() as tx:
        restore_person_in(tx, actor, person_id=person_id, reason=reason)


def hide_offer_in(
    tx: Tx, actor: Actor, *, offer_id: uuid.UUID, ground: str, reason: str, case_id: uuid.UUID | None = None
) -> Restriction:
    """Part of a use-case: see `hide_offer`. A case's restriction is told with the case."""
    offer, owner = _offer(tx, actor, offer_id)
    why = _said(reason)
    if offer.status != "live":
        raise AlreadyRestricted(kind="offer_hidden")
    offer.status = "hidden"
    tx.announce(OfferTakenDown(offer.id))
    write_audit(tx, actor_id=actor.person_id, act="offer.hidden", subject=f"offer:{offer.id}", reason=why)
    return _lay(tx, actor, kind="offer_hidden", ground=ground, reason=why, person_id=owner, offer_id=offer.id,
                case_id=case_id)  # fmt: skip


def restore_offer_in(tx: Tx, actor: Actor, *, offer_id: uuid.UUID, reason: str) -> None:
    """Part of a use-case: see `restore_offer`."""
    offer, _owner = _offer(tx, actor, offer_id)
    why = _said(reason)
    if offer.status != "hidden":
        raise AlreadyRestricted(kind="offer_hidden")
    offer.status = "live"
    tx.announce(OfferPublished(offer.id))
    write_audit(tx, actor_id=actor.person_id, act="offer.restored", subject=f"offer:{offer.id}", reason=why)
    _lift(tx, actor, why, Restriction.offer_id == offer.id)


def hide_review_in(
    tx: Tx, actor: Actor, *, review_id: uuid.UUID, ground: str, reason: str, case_id: uuid.UUID | None = None
) -> Restriction:
    """Part of a use-case: see `hide_review`. Everybody reads the ground; the reason is its author's alone."""
    review = _review(tx, actor, review_id)
    why = _said(reason)
    if review.hidden_at is not None:
        raise AlreadyRestricted(kind="review_hidden")
    laid = _lay(tx, actor, kind="review_hidden", ground=ground, reason=why, person_id=review.author_id,
                review_id=review.id, case_id=case_id)  # fmt: skip
    review.hidden_at, review.hidden_why = tx.now, ground
    index_offer(tx, review.offer_id)  # It counts no longer.
    write_audit(tx, actor_id=actor.person_id, act="review.hidden", subject=f"review:{review.id}", reason=why)
    return laid


def restore_review_in(tx: Tx, actor: Actor, *, review_id: uuid.UUID, reason: str) -> None:
    """Part of a use-case: see `restore_review`."""
    review = _review(tx, actor, review_id)
    why = _said(reason)
    if review.hidden_at is None:
        raise AlreadyRestricted(kind="review_hidden")
    review.hidden_at = review.hidden_why = None
    index_offer(tx, review.offer_id)
    write_audit(
        tx, actor_id=actor.person_id, act="review.restored", subject=f"review:{review.id}", reason=why
    )
    _lift(tx, actor, why, Restriction.review_id == review.id)


def suspend_in(
    tx: Tx, actor: Actor, *, person_id: uuid.UUID, ground: str, reason: str, real_now: datetime,
    case_id: uuid.UUID | None = None,
) -> Restriction:  # fmt: skip
    """Part of a use-case: see `suspend`."""
    person = _person(tx, actor, person_id)
    why = _said(reason)
    if person.suspended_at is not None:
        raise AlreadyRestricted(kind="person_suspended")
    if person.operator and not others_operate(tx, person.id):
        raise LastOperator
    laid = _lay(tx, actor, kind="person_suspended", ground=ground, reason=why, person_id=person.id, case_id=case_id)  # fmt: skip
    person.suspended_at = tx.now
    end_all(tx, person.id, real_now)
    write_audit(tx, actor_id=actor.person_id, act="person.suspended", subject=str(person.id), reason=why)
    return laid


def restore_person_in(tx: Tx, actor: Actor, *, person_id: uuid.UUID, reason: str) -> None:
    """Part of a use-case: see `restore_person`."""
    person = _person(tx, actor, person_id)
    why = _said(reason)
    if person.suspended_at is None:
        raise AlreadyRestricted(kind="person_suspended")
    person.suspended_at = None
    write_audit(tx, actor_id=actor.person_id, act="person.restored", subject=str(person.id), reason=why)
    _lift(tx, actor, why, Restriction.person_id == person.id, Restriction.kind == "person_suspended")


def take_back(tx: Tx, actor: Actor, restriction_id: uuid.UUID) -> None:
    """Part: what was laid a moment ago and told to nobody is as if it had not been; the row says when."""
    laid = tx.session.get_one(Restriction, restriction_id, with_for_update=True)
    if laid.lifted_at is not None:
        return
    laid.lifted_at, laid.lifted_by, laid.lifted_why = tx.now, actor.person_id, TAKEN_BACK
    if laid.kind == "offer_hidden" and laid.offer_id is not None:
        tx.session.get_one(Offer, laid.offer_id, with_for_update=True).status = "live"
        tx.announce(OfferPublished(laid.offer_id))
        _restored(tx, actor, "offer.restored", f"offer:{laid.offer_id}")
    elif laid.kind == "review_hidden" and laid.review_id is not None:
        review = tx.session.get_one(Review, laid.review_id, with_for_update=True)
        review.hidden_at = review.hidden_why = None
        index_offer(tx, review.offer_id)
        _restored(tx, actor, "review.restored", f"review:{laid.review_id}")
    elif laid.person_id is not None:
        tx.session.get_one(Person, laid.person_id, with_for_update=True).suspended_at = None
        _restored(tx, actor, "person.restored", str(laid.person_id))


def _restored(tx: Tx, actor: Actor, act: str, subject: str) -> None:
    """The journal of the thing itself says it too; why stands with the case."""
    write_audit(tx, actor_id=actor.person_id, act=act, subject=subject)


def _offer(tx: Tx, actor: Actor, offer_id: uuid.UUID) -> tuple[Offer, uuid.UUID]:
    _allowed(actor)
    offer = tx.session.get(Offer, offer_id, with_for_update=True)
    if offer is None:
        raise NotFound
    owner = tx.session.get_one(Expert, offer.expert_id).person_id
    if owner == actor.person_id:
        raise OwnCase
    return offer, owner


def _review(tx: Tx, actor: Actor, review_id: uuid.UUID) -> Review:
    _allowed(actor)
    review = tx.session.get(Review, review_id, with_for_update=True)
    if review is None:
        raise NotFound
    about = tx.session.get_one(Expert, review.expert_id).person_id
    if actor.person_id in (review.author_id, about):
        raise OwnCase
    return review


def _person(tx: Tx, actor: Actor, person_id: uuid.UUID) -> Person:
    _allowed(actor)
    if person_id == actor.person_id:
        raise OwnCase
    others_operate(tx, person_id)  # The operators' rows first, always in the same order.
    person = tx.session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound
    return person


def _allowed(actor: Actor) -> None:
    if not may("operator.restrict", actor):
        raise NotFound


def _said(reason: str) -> str:
    why = clean_text(reason, LONGEST_REASON)
    if not why:
        raise ReasonMissing
    return why


def _lay(tx: Tx, actor: Actor, *, ground: str, **what: object) -> Restriction:
    if ground not in GROUNDS:
        raise ReasonMissing
    laid = Restriction(ground=ground, at=tx.now, by=actor.person_id, **what)
    tx.session.add(laid)
    tx.session.flush()  # Its id goes into the announcement.
    tx.announce(RestrictionLaid(laid.id))
    return laid


def _lift(tx: Tx, actor: Actor, why: str, *which: sa.ColumnElement[bool]) -> None:
    """What was hidden before there were statements of reasons has none to lift, and nobody to tell."""
    laid = tx.session.scalar(sa.select(Restriction).where(Restriction.lifted_at.is_(None), *which))
    if laid is None:
        return
    laid.lifted_at, laid.lifted_by, laid.lifted_why = tx.now, actor.person_id, why
    tx.session.flush()
    tx.announce(RestrictionLifted(laid.id))
