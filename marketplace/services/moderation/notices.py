"""Anybody reports a text; notices about one thing meet in one case (Regulation (EU) 2022/2065, art. 16).

The number of notices hides nothing: a person reads them (security.md, abuse case 31).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound, TextRefused, TooManyTries
from ...domain.events import NoticeReceived
from ...domain.moderation import LEAST_NOTICE, LONGEST_NOTICE, NAMELESS, WHYS
from ...domain.words import clean_line, clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.moderation import SUBJECTS, Case, Notice
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from ...storage.reviews import Review, seen_by_all
from ..people.limits import DAY, HOUR, Windows, count_tries, network_key
from .cases import open_case

NOTICES: Windows = ((HOUR, 6), (DAY, 20))


@dataclass(frozen=True)
class Reported:
    """A text somebody may report: where it stands, whose it is, how a page names it."""

    about: str
    id: uuid.UUID
    title: str
    language: str
    slug: str
    owner_id: uuid.UUID | None
    excerpt: str = ""


def reportable(session: Session, about: str, subject_id: uuid.UUID, now: datetime) -> Reported:
    """The public text of this kind and id. NotFound for what nobody can read."""
    if about not in SUBJECTS:
        raise NotFound
    query = (
        sa.select(Offer.slug, OfferVersion.title, OfferVersion.language, Person.id, Person.name, Expert)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .where(Offer.status == "live", Expert.status == "admitted", Person.suspended_at.is_(None))
        .order_by(Offer.id)
        .limit(1)
    )
    if about == "review":
        return _review(session, subject_id, now)
    query = query.where(Offer.id == subject_id if about == "offer" else Expert.id == subject_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    slug, title, language, person_id, name, expert = row
    if about == "offer":
        return Reported("offer", subject_id, title, language, slug, person_id)
    return Reported("profile", subject_id, f"{name}, {expert.startup}", expert.language, slug, person_id)


def _review(session: Session, review_id: uuid.UUID, now: datetime) -> Reported:
    row = session.execute(
        sa.select(Review, Offer.slug)
        .join(Booking, Booking.id == Review.booking_id)
        .join(Offer, Offer.id == Review.offer_id)
        .where(Review.id == review_id, seen_by_all(now))
    ).one_or_none()
    if row is None:
        raise NotFound
    review, slug = row
    title = ", ".join(filter(None, (review.author_name, review.author_company)))
    return Reported("review", review_id, title, review.language, slug, review.author_id, review.text)


def give_notice(
    db: Database,
    *,
    about: str,
    subject_id: uuid.UUID,
    why: str,
    text: str,
    name: str,
    email: str,
    language: str,
    person_id: uuid.UUID | None,
    address: str,
    real_now: datetime,
) -> str | TooManyTries:
    """Keep a notice given in good faith; the public number of its case. `address`: where it came from.

    Name and address may be left out for NAMELESS reasons alone; the form said so beside the field.
    Raises NotFound, TextRefused (why: empty, too_short, …).
    """
    said = clean_text(text, LONGEST_NOTICE)
    who, mail = clean_line(name, 120), clean_line(email, 254).lower()
    if why not in WHYS:
        raise NotFound
    if len(said) < LEAST_NOTICE:
        raise TextRefused(why="too_short", most=LEAST_NOTICE)
    if why not in NAMELESS and not (who and mail):
        raise TextRefused(why="empty", most=120)
    with db.transaction() as tx:
        until = count_tries(tx.session, [(f"notice:{network_key(address)}", NOTICES)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        case = _case(tx, reportable(tx.session, about, subject_id, tx.now))
        notice = Notice(
            case_id=case.id, about=about, why=why, text=said, name=who, email=mail, language=language,
            good_faith=True, person_id=person_id, made_at=tx.now,
        )  # fmt: skip
        tx.session.add(notice)
        tx.session.flush()  # Its id goes into the announcement.
        tx.announce(NoticeReceived(notice.id))
        return str(case.number)


def _case(tx: Tx, thing: Reported) -> Case:
    column = {"profile": "expert_id", "offer": "offer_id", "review": "review_id"}[thing.about]
    case = open_case(
        tx, "report", title=thing.title, person_id=thing.owner_id, revision=0, **{column: thing.id}
    )
    # Who reads the case now reads one notice fewer than there are.
    case.revision += 1
    case.snoozed_until = None
    return case
