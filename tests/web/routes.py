"""Every route of the application, with addresses that exist: read off the URL map, so a new one is in at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from marketplace.domain.filters import NONE
from marketplace.domain.policy import Parties, may
from marketplace.gateways.payments import ChargebackState
from marketplace.services import moderation, saved_searches
from marketplace.services.people import actor_for
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database
from marketplace.storage.disputes import Dispute, DisputeFile, DisputeStatement
from marketplace.storage.files import File
from marketplace.storage.people import Person
from marketplace.storage.reviews import Review
from marketplace.storage.vocabulary import Synonyms
from marketplace.web.access import PUBLIC
from tests import factories as make

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass
class World:
    """A booking with its two sides, and everybody else who might come by."""

    made: make.Made
    people: dict[str, Person | None]
    values: dict[str, Any] = field(default_factory=dict)

    def address(self, rule: Rule, **other: Any) -> str:
        """This route's address, to things that exist unless said otherwise."""
        values = {name: {**self.values, **other}.get(name, uuid.uuid4()) for name in rule.arguments}
        # A booking's number is text, a case's a figure.
        if isinstance(rule._converters.get("number"), IntegerConverter):
            values["number"] = 1001
        return str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]


def world(db: Database, *, state: str = "confirmed") -> World:
    """One booking in the given state, and six people around it."""
    made = make.booking(db, state=state)
    boss = make.person(db, name="Odile Marchal", operator=True)
    people: dict[str, Person | None] = {
        "nobody": None,
        "outsider": make.person(db, name="Personne Denulle"),
        "other_lead": make.lead(db, name="Autre Cheffe").person,
        "other_expert": make.seller(db, name="Autre Experte").person,
        "lead": made.lead.person,
        "expert": made.seller.person,
        "operator": boss,
    }
    booking = make.read(db, made)
    values = {
        "lang": "en", "reference": booking.reference, "slug": made.offer.slug, "part": "context", "token": "x" * 43,
        "filename": "img/icon.svg", "number": _case(db, made), "booking_id": made.id,
        "offer_id": made.offer.id, "person_id": people["outsider"].id, "log_in_id": uuid.uuid4(), "review_id": _review(db, made),  # type: ignore[union-attr]
        "month": "2026-11", "stuck": "old", "cls": "held", "account": f"held:{made.id}", "payout_id": uuid.uuid4(),
        "kind": "day", "deed": "hide", "standing": "suspend", "office": "grant", "act": "answer", "answer": "no",
    }  # fmt: skip
    asked = make.question(db, by=made.lead, of=made.seller, offer_of=made.offer)
    values["question_id"] = asked.id
    values["search_id"] = saved_searches.save(
        db, made.lead.actor, name="Cave", query="cave", filters=NONE, order="fit"
    ).id
    with db.reading() as session:
        values["group_id"] = session.scalars(sa.select(Synonyms.id).limit(1)).one()
    values["times_id"] = make.asked_times(db, by=made.lead, of=made.seller, offer_of=made.offer).id
    values["place_id"] = make.place(db, by=made.lead).id
    values["enquiry_id"] = make.enquiry(db, by=made.lead).id
    values["file_id"] = _evidence(db, made)
    values["chargeback_id"] = _chargeback(db, made)
    return World(made, people, values)


def _chargeback(db: Database, made: make.Made) -> uuid.UUID:
    """A bank that only asks: the booking's moves stay as they are."""
    payment = make.payment_of(db, made)
    if payment is None or not payment.captured_minor:
        return uuid.uuid4()
    return make.bank_says(db, payment.id, ChargebackState.INQUIRY, taken_minor=0, fee_minor=0).id


def _evidence(db: Database, made: make.Made) -> uuid.UUID:
    """A file of a dispute that was taken back, for the pages about a booking's problems."""
    lead = made.lead.person.id
    with db.transaction() as tx:
        dispute = Dispute(
            booking_id=made.id, kind="quality", from_state="confirmed", reported_by="lead", reported_at=tx.now,
            window_until=tx.now, closed_at=tx.now, closed_why="withdrawn",
        )  # fmt: skip
        tx.session.add(dispute)
        tx.session.flush()  # The statement refers to it.
        said = DisputeStatement(
            dispute_id=dispute.id, side="lead", person_id=lead, kind="quality", words="w", share=10,
            said_at=tx.now, withdrawn_at=tx.now,
        )  # fmt: skip
        file = File(person_id=lead, kind="evidence", media_type="application/pdf", digest="d", content=b"%PDF-", made_at=tx.now)  # fmt: skip
        tx.session.add_all([said, file])
        tx.session.flush()  # What joins them refers to both.
        tx.session.add(DisputeFile(statement_id=said.id, file_id=file.id, name="a.pdf"))
        return file.id


def _review(db: Database, made: make.Made) -> uuid.UUID:
    """What the lead said of it, for the pages about one review."""
    with db.transaction() as tx:
        said = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_id=made.lead.person.id, author_name="Camille", author_company="Acme", unlocked="yes", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(said)
        tx.session.flush()  # Its id comes with it.
        return said.id


def _case(db: Database, made: make.Made) -> int:
    """A case of the operators' queue: somebody reported the offer."""
    given = moderation.give_notice(
        db, about="offer", subject_id=made.offer.id, why="untrue", text="The figures are somebody else's.", name="A",
        email="a@b.example", language="en", person_id=None, address="192.0.2.9", real_now=real_now(),
    )  # fmt: skip
    return int(str(given))


def routes(app: Flask, *methods: str) -> list[Rule]:
    """The routes that take any of these methods."""
    return [rule for rule in app.url_map.iter_rules() if (rule.methods or set()) & set(methods)]


def allowed(db: Database, around: World, who: str, action: str) -> bool:
    """What the policy table says of this person, this action and the one booking."""
    person, made = around.people[who], around.made
    with db.reading() as session:
        actor = actor_for(session, person.id if person else None)
    parties = Parties(made.lead.person.id, made.lead.company.id, made.seller.expert.id)
    return action == PUBLIC or may(action, actor, parties)


def rule_of(app: Flask, route: Rule) -> str:
    """What the view says about who may."""
    return str(getattr(app.view_functions[route.endpoint], "rule", "public"))
