"""An offer's row of words, made in the transaction that publishes it; its vectors follow in a job."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.events import OfferPublished, OfferTakenDown, ReviewSent, ReviewsTakenBack
from ...domain.reviews import rating_score
from ...domain.search import normalise, vocabulary
from ...storage import search as rows
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.offers import Industry, Offer, OfferVersion, Topic
from ...storage.people import Person
from ...storage.reviews import NOTHING_SAID, Review, said_of
from ...storage.vectors import drop_vectors, serving, vectors_are_of
from ...storage.vocabulary import count_words

ENCODE = "search.encode_offer"


def offer_published(tx: Tx, event: OfferPublished) -> None:
    """WITHIN: a version went live."""
    index_offer(tx, event.offer_id)


def offer_taken_down(tx: Tx, event: OfferTakenDown) -> None:
    """WITHIN: an offer is no longer shown, and its row goes."""
    index_offer(tx, event.offer_id)


def review_sent(tx: Tx, event: ReviewSent) -> None:
    """WITHIN: the second side's review makes both public, and so moves the tie-break of equal fit."""
    offer_id = tx.session.scalar(sa.select(Review.offer_id).where(Review.id == event.review_id))
    if offer_id is not None:
        index_offer(tx, offer_id)


def reviews_taken_back(tx: Tx, event: ReviewsTakenBack) -> None:
    """WITHIN: a session is held anew, and what was said of it no longer counts."""
    index_offer(tx, event.offer_id)


def renew_rating(db: Database, booking_id: uuid.UUID) -> None:
    """A review became visible without a second one: its offer's row counts it from now on."""
    with db.transaction() as tx:
        for offer_id in tx.session.scalars(
            sa.select(Review.offer_id).where(Review.booking_id == booking_id).distinct()
        ):
            index_offer(tx, offer_id)


def index_offer(tx: Tx, offer_id: uuid.UUID) -> None:
    """Make an offer's row anew from its live version; no row for one that is not live.

    Title A, problem B, what failed and what unlocked it C; takeaways, for whom, the expert and the names
    of topics and industries in both languages D. Where its vectors are of another version, a job makes them.
    """
    tx.session.flush()  # Read below by statements of our own.
    found = tx.session.execute(
        sa.select(Offer, OfferVersion, Expert, Person.name)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .where(Offer.id == offer_id, Offer.status == "live")
    ).one_or_none()
    if found is None:
        count_words(tx.session, offer_id, {}, gone=True)
        rows.drop_row(tx.session, offer_id)
        drop_vectors(tx.session, offer_id)
        return
    _offer, version, expert, name = found
    said = said_of(tx.session, [offer_id], tx.now).get(offer_id, NOTHING_SAID)
    filed = [
        *_names(tx.session, Topic, version.topics), *_names(tx.session, Industry, version.industries),
    ]  # fmt: skip
    around = [*version.takeaways, version.for_whom, expert.headline, expert.startup, expert.bio, *filed]
    rows.write_row(
        tx.session,
        {
            "offer_id": offer_id,
            "version_id": version.id,
            "language": version.language,
            "title": normalise(version.title),
            "problem": normalise(version.problem),
            "story": normalise(f"{version.failed}\n{version.unlocked}"),
            "around": normalise("\n".join(around)),
            "rating_score": rating_score(said.usefulness),
        },
    )
    count_words(tx.session, offer_id, vocabulary([version.title, expert.startup, name, *filed]))
    now_serving = serving(tx.session)
    if now_serving is None or not vectors_are_of(tx.session, now_serving[0], offer_id, version.id):
        tx.defer(ENCODE, offer_id=str(offer_id))


def _names(session: Session, kind: type[Topic] | type[Industry], slugs: Sequence[str]) -> list[str]:
    found = session.execute(sa.select(kind.fr, kind.en).where(kind.slug.in_(slugs)).order_by(kind.slug))
    return [name for row in found for name in row]
