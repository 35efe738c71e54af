"""One's own data as a file: all of it, and nothing private about anybody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import NotFound, TooManyTries
from marketplace.domain.policy import ANONYMOUS, Actor
from marketplace.services import privacy, shortlists
from marketplace.storage.briefs import Brief
from marketplace.storage.companies import Company
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.offers import Offer
from marketplace.storage.people import AuditRow, LogIn, MailedLink, Person
from marketplace.storage.reviews import Review
from tests import factories as make

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def export(db: Database, actor: Actor) -> dict[str, Any]:
    found = privacy.export_own(db, actor, address="203.0.113.7", real_now=NOW)
    assert isinstance(found, dict)
    return json.loads(json.dumps(found))


@pytest.fixture
def made(db: Database) -> make.Made:
    """A completed booking in which every private column of either side holds that side's mark."""
    made = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        lead = tx.session.get_one(Person, made.lead.person.id)
        seller = tx.session.get_one(Person, made.seller.person.id)
        lead.email, lead.password_hash = "leadmark@private.example", "leadmark-hash"
        seller.email, seller.password_hash = "sellermark@private.example", "sellermark-hash"
        expert = tx.session.get_one(Expert, made.seller.expert.id)
        expert.legal_name, expert.address, expert.vat_number = "sellermark", "sellermark", "sellermark"
        expert.conflicts, expert.registration = ["sellermark"], "sellermark"
        company = tx.session.get_one(Company, made.lead.company.id)
        company.vat_number, company.street = "leadmark", "leadmark"
        for brief in tx.session.scalars(sa.select(Brief)):
            brief.context, brief.needs, brief.firms_concerned = "leadmark", "leadmark", "leadmark"
            brief.attendees = [{"name": "thirdmark", "role": "CTO", "email": "thirdmark@private.example"}]
        common = {"booking_id": made.id, "offer_id": made.offer.id, "expert_id": made.seller.expert.id,
                  "sent_at": tx.now}  # fmt: skip
        tx.session.add(Review(**common, side="lead", author_id=lead.id, author_name="C. D.", author_company="F",
                              usefulness=5, text="Public words.", note_to_operators="leadmark"))  # fmt: skip
        tx.session.add(Review(**common, side="expert", author_id=seller.id, author_name="S. C.", author_company="A",
                              openness=4, text="Kind words.", note_to_operators="sellermark"))  # fmt: skip
    return made


def test_each_side_gets_theirs_and_nothing_of_the_others(db: Database, made: make.Made) -> None:
    lead, seller = export(db, made.lead.actor), export(db, made.seller.actor)
    for mine, own, other in ((lead, "leadmark", "sellermark"), (seller, "sellermark", "leadmark")):
        text = json.dumps(mine)
        assert own in text
        assert other not in text
        assert "thirdmark" not in text
        assert f"{own}-hash" not in text
    assert lead["person"]["email"] == "leadmark@private.example"
    assert lead["briefs"][0]["attendees"] == 1
    (booking,) = lead["bookings"]
    assert booking["price_minor"] > 0
    assert booking["history"]
    assert lead["payments"][0]["amount_minor"] > booking["price_minor"]
    assert lead["accepted_documents"]
    assert lead["reviews_written"][0]["text"] == "Public words."
    assert lead["reviews_of_you_as_buyer"][0]["text"] == "Kind words."
    assert seller["reviews_of_you_as_expert"][0]["marks"] == {"usefulness": 5}
    assert seller["sessions_given"][0]["number"] == booking["number"]
    assert seller["offers"][0]["versions"][0]["price_minor"] > 0
    assert seller["hours"]["zone"] == "Europe/Paris"
    assert seller["units"] == lead["units"]


def test_a_blind_review_stays_blind(db: Database, made: make.Made) -> None:
    with db.transaction() as tx:
        tx.session.execute(sa.delete(Review).where(Review.side == "lead"))
    assert export(db, made.lead.actor)["reviews_of_you_as_buyer"] == []


def test_a_shortlist_is_ones_own_also_what_is_no_longer_offered(db: Database, made: make.Made) -> None:
    assert export(db, made.lead.actor)["shortlist"] == {"shared_at": None, "offers": []}
    gone = make.offer(db, made.seller.expert)
    for offer in (made.offer, gone):
        shortlists.keep(db, made.lead.actor, offer.id)
    token = shortlists.share(db, made.lead.actor)
    with db.transaction() as tx:
        tx.session.get_one(Offer, gone.id).status = "closed"
    mine = export(db, made.lead.actor)
    assert {one["slug"] for one in mine["shortlist"]["offers"]} == {made.offer.slug, gone.slug}
    assert mine["shortlist"]["shared_at"]
    assert token not in json.dumps(mine)
    assert export(db, made.seller.actor)["shortlist"]["offers"] == []


def test_every_column_of_ones_own_row_is_in_or_a_secret(db: Database, made: make.Made) -> None:
    """A column added later is either handed out or named here."""
    lead, seller = export(db, made.lead.actor), export(db, made.seller.actor)
    for kind, row, secret in (
        (Person, lead["person"], {"password_hash"}),
        (Expert, seller["expert"], {"id", "person_id", "source_id", "photo_id", "demo"}),
    ):
        assert {column.key for column in sa.inspect(kind).column_attrs} == set(row) | secret


def test_as_many_statements_whatever_there_is(db: Database, made: make.Made, count_queries: Any) -> None:
    with count_queries() as few:
        export(db, made.seller.actor)
    for _ in range(3):
        make.offer(db, made.seller.expert)
        with db.transaction() as tx:
            tx.session.add(LogIn(person_id=made.seller.person.id, token_hash=str(_).encode(), created_at=NOW,
                                 seen_at=NOW, proved_at=NOW))  # fmt: skip
            tx.session.add(MailedLink(person_id=made.seller.person.id, purpose="reset", token_hash=b"x%d" % _,
                                      made_at=NOW, until=NOW))  # fmt: skip
    with count_queries() as more:
        export(db, made.seller.actor)
    assert more.number == few.number


def test_it_is_noted_and_counted(db: Database) -> None:
    person = make.person(db)
    for _ in range(5):
        export(db, Actor(person.id))
    refused = privacy.export_own(db, Actor(person.id), address="", real_now=NOW)
    assert isinstance(refused, TooManyTries)
    with db.reading() as session:
        acts = session.scalars(sa.select(AuditRow.act).where(AuditRow.actor_id == person.id)).all()
    assert acts == ["export"] * 5
    with pytest.raises(NotFound):
        privacy.export_own(db, ANONYMOUS, address="", real_now=NOW)
