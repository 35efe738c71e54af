"""Where the house itself searches for somebody, it finds by meaning as the results page does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from marketplace.services import bookings, enquiries
from marketplace.services.rescues import fill_rescue
from marketplace.services.search import encode_offer, index_offer
from marketplace.storage.availability import Calendar
from marketplace.storage.briefs import Brief
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer
from marketplace.storage.rescues import Rescue
from tests import factories as make
from tests.encoder import Encoders, WordEncoder

# In the test encoder's small world these mean the same (tests/encoder.py), and share no word.
WORDS = "cave"
OTHER = "basement"


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(WordEncoder())


def indexed(db: Database, encoders: Encoders, seller: make.Seller, title: str) -> Offer:
    made = make.offer(
        db, seller.expert, language="en", title=title, problem=title, failed="", unlocked="", takeaways=["x"],
        for_whom="x",
    )  # fmt: skip
    with db.transaction() as tx:
        index_offer(tx, made.id)
    encode_offer(db, encoders, made.id)
    return made


def catalogue(db: Database, encoders: Encoders) -> Offer:
    """One offer that means it, in the other language, and others that mean nothing of it."""
    for number in range(12):
        indexed(db, encoders, make.seller(db), f"Trucks at quay number {number} waited")
    return indexed(db, encoders, make.seller(db), OTHER)


def test_an_enquiry_is_proposed_to_who_solved_it_in_the_other_language(
    db: Database, encoders: Encoders
) -> None:
    wanted = catalogue(db, encoders)
    enquiry = enquiries.publish(
        db, encoders, make.lead(db).actor, title=WORDS, summary=WORDS, details="", token="t"
    )
    assert enquiry.fitting[0]["offer_id"] == str(wanted.id)
    encoders.known[0].away = True
    resting = enquiries.publish(
        db, encoders, make.lead(db).actor, title=WORDS, summary=WORDS, details="", token="t"
    )
    assert resting.fitting == []


def test_a_rescue_finds_who_solved_it_in_the_other_language(db: Database, encoders: Encoders) -> None:
    lost = make.booking(db, state="requested")
    wanted = catalogue(db, encoders)
    with db.transaction() as tx:
        brief = tx.session.scalars(sa.select(Brief)).one()
        brief.subject, brief.context, brief.decision = WORDS, WORDS + " x" * 5_000, ""
        tx.session.execute(sa.update(Calendar).values(notice_hours=0))
    bookings.decline(db, lost.seller.actor, booking_id=lost.id, reason="no_time", token="d")
    with db.reading() as session:
        rescue_id = session.scalars(sa.select(Rescue.id)).one()
    fill_rescue(db, encoders, rescue_id, make.PLATFORM)
    with db.reading() as session:
        rescue = session.get_one(Rescue, rescue_id)
    assert rescue.found[0]["offer_id"] == str(wanted.id)
