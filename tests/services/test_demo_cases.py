"""The demo's cases are played by the guests' own services, and stand in the queue."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.services import demo_cases
from marketplace.storage.availability import Calendar
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.enquiries import Enquiry
from marketplace.storage.experts import Expert
from marketplace.storage.moderation import Case
from marketplace.storage.offers import Offer
from marketplace.storage.people import Person
from marketplace.storage.questions import Question
from marketplace.storage.reviews import Review
from marketplace.storage.saved_searches import SavedSearch
from tests import factories as make
from tests.services import moderation_world as world

CASES = json.loads((Path(__file__).parents[2] / "demo" / "cases.json").read_text("utf-8"))


def test_five_cases_stand_in_the_queue_and_three_are_of_leads(db: Database) -> None:
    for name, case in CASES.items():
        if name == "applicant":
            continue
        offer = make.offer(db, make.seller(db).expert, **world.offer_fields())
        with db.transaction() as tx:
            tx.session.get_one(Offer, offer.id).source_id = case["offer"]
            tx.session.get_one(Expert, offer.expert_id).bio = "Words of a life. " * 20
        if "lead" in case:
            _lead(db, case["lead"])
        if name == "reported_review":
            _review(db, offer, case["author"])
    for _days_ago, deed in demo_cases.steps(db, make.NOBODY_ENCODES, CASES):
        assert deed()
    with db.reading() as session:
        kinds = sorted(session.scalars(sa.select(Case.kind)))
        asked = session.scalars(sa.select(Question.state)).all()
        published = session.scalars(sa.select(Enquiry.state)).all()
        (search,) = session.scalars(sa.select(SavedSearch)).all()
    assert kinds == ["expert", "offer", "profile", "report", "report"]
    assert (asked, published) == (["open"], ["open"])
    assert search.filters == [["language", "fr"], ["format", "remote"]]


def test_what_was_not_loaded_is_left_out(db: Database) -> None:
    assert len(demo_cases.steps(db, make.NOBODY_ENCODES, CASES)) == 1


def _lead(db: Database, email: str) -> None:
    made = make.lead(db, domain=email.rpartition("@")[2])
    with db.transaction() as tx:
        tx.session.get_one(Person, made.person.id).email = email


def _review(db: Database, offer: Offer, author: str) -> None:
    made = make.booking(db, offer_of=offer, of=_seller(db, offer), state="confirmed")
    with db.transaction() as tx:
        tx.session.get_one(Booking, made.id).reviews_until = tx.now
        tx.session.add(
            Review(
                booking_id=made.id, offer_id=offer.id, expert_id=offer.expert_id, side="lead", author_name=author,
                author_company="Boulangeries Tournesac", text="Une heure de moins.", sent_at=tx.now,
            )
        )  # fmt: skip


def _seller(db: Database, offer: Offer) -> make.Seller:
    with db.reading() as session:
        expert = session.get_one(Expert, offer.expert_id)
        person = session.get_one(Person, expert.person_id)
        return make.Seller(
            person, expert, session.get_one(Calendar, expert.id), Actor(person.id, expert_id=expert.id)
        )
