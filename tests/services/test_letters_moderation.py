"""Letters around the operators' queue: told once, not before the minute is over, each in the reader's language."""

from __future__ import annotations

import uuid
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.services import letters, moderation
from marketplace.services.experts import save_profile, submit_profile
from marketplace.services.letters import decisions
from marketplace.services.moderation import restricting
from marketplace.storage.bookings import Booking
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.letters import Letter
from marketplace.storage.moderation import Notice, Restriction
from marketplace.storage.people import Person
from marketplace.storage.reviews import Review
from tests import factories as make
from tests.clock import FakeClock
from tests.services import moderation_world as world
from tests.services.test_letters import STATIONERY, opened

SAID = world.SAID
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])


@pytest.fixture(autouse=True)
def _taxonomy(db: Database) -> None:
    world.taxonomy(db)


@pytest.fixture
def odile(db: Database) -> Actor:
    return make.operator(db)


def _speaks(db: Database, person_id: uuid.UUID, language: str) -> None:
    with db.transaction() as tx:
        tx.session.get_one(Person, person_id).language = language


def _told(db: Database, clock: FakeClock) -> dict[str, EmailMessage]:
    """What the sweep writes once the minute is over, and only then; twice it writes nothing more."""
    before = len(_letters(db))
    letters.tell_decided(db, STATIONERY)
    assert len(_letters(db)) == before, "the minute is not over"
    clock.move(timedelta(seconds=60))
    assert letters.tell_decided(db, STATIONERY) >= 1
    found = _letters(db)
    assert letters.tell_decided(db, STATIONERY) == 0
    return found


def _letters(db: Database) -> dict[str, EmailMessage]:
    with db.reading() as session:
        return {
            row.event: opened(row.message) for row in session.scalars(sa.select(Letter).order_by(Letter.id))
        }


def _text(message: EmailMessage) -> str:
    """The text part on one line; the HTML part says the same names."""
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "None" not in plain.get_content()
    return " ".join(plain.get_content().split()).replace("\u202f", " ").replace("\u00a0", " ")


@LANGUAGES
def test_an_application_is_received_and_admitted(
    db: Database, odile: Actor, clock: FakeClock, language: str
) -> None:
    lou = world.applicant(db)
    _speaks(db, lou.person.id, language)
    case = world.submit_application(db, lou)
    letters.application_received(db, STATIONERY, expert_id=lou.expert.id)
    letters.application_received(db, STATIONERY, expert_id=lou.expert.id)
    received = _letters(db)["application_received"]
    assert ("27 novembre 2026" if language == "fr" else "27 November 2026") in _text(received)
    world.decide(db, odile, case, "approve")
    admitted = _told(db, clock)["application_admitted"]
    assert "Lou" in _text(admitted)
    assert "Poser 38 000 compteurs" in _text(admitted)
    assert ("Bienvenue" if language == "fr" else "Welcome") in str(admitted["Subject"])


@LANGUAGES
def test_who_cannot_be_paid_yet_is_led_to_what_is_asked(
    db: Database, odile: Actor, clock: FakeClock, language: str
) -> None:
    lou = world.applicant(db)
    _speaks(db, lou.person.id, language)
    with db.transaction() as tx:
        tx.session.get_one(Expert, lou.expert.id).account_status = "pending"
    world.decide(db, odile, world.submit_application(db, lou), "approve")
    # Their list is closed by now: the account has its own page.
    assert f"/payout_account/{language}" in _text(_told(db, clock)["application_admitted"])


@LANGUAGES
@pytest.mark.parametrize("kind", ["expert", "profile", "offer"])
def test_changes_and_refusals_give_their_reasons(
    db: Database, odile: Actor, clock: FakeClock, language: str, kind: str
) -> None:
    for decision, event in (("changes", "changes_asked"), ("refuse", "submission_refused")):
        who, case = _submitted(db, kind)
        _speaks(db, who, language)
        first, second = {
            "expert": ("bio", "offer.title"),
            "profile": ("bio", "headline"),
            "offer": ("problem", "title"),
        }[kind]
        notes = {first: "En quelle année ?", second: "Trop vague."}
        world.decide(db, odile, case, decision, notes=notes, reason="Lisez nos conditions.")
        said = _text(_told(db, clock)[event])
        assert "En quelle année ?" in said
        if kind != "offer":
            assert ("Biographie" if language == "fr" else "Biography") in said
        assert "Trop vague." in said
        assert ("six mois" if language == "fr" else "six months") in said
        assert "Lisez nos conditions." in said


def _submitted(db: Database, kind: str) -> tuple[uuid.UUID, Any]:
    if kind == "expert":
        lou = world.applicant(db)
        return lou.person.id, world.submit_application(db, lou)
    if kind == "offer":
        seller, _offer_id, case = world.changed_offer(db)
        return seller.person.id, case
    seller = make.seller(db)
    save_profile(db, seller.actor, fields=world.profile_content(), revision=None)
    submit_profile(db, seller.actor)
    return seller.person.id, world.open_case(db, expert_id=seller.expert.id)


@LANGUAGES
@pytest.mark.parametrize(("kind", "event"), [("profile", "profile_published"), ("offer", "offer_published")])
def test_what_is_published_is_told(
    db: Database, odile: Actor, clock: FakeClock, language: str, kind: str, event: str
) -> None:
    who, case = _submitted(db, kind)
    _speaks(db, who, language)
    world.decide(db, odile, case, "approve")
    booked = "séances déjà réservées" if language == "fr" else "Sessions already booked"
    assert booked in _text(_told(db, clock)[event])


def test_what_is_taken_back_is_told_to_nobody(db: Database, odile: Actor, clock: FakeClock) -> None:
    _seller, _offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "approve")
    moderation.undo(db, odile, number=case.number)
    clock.move(timedelta(minutes=5))
    assert letters.tell_decided(db, STATIONERY) == 0
    assert _letters(db) == {}


def _reported_review(db: Database) -> tuple[make.Made, Review]:
    made = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        tx.session.get_one(Booking, made.id).reviews_until = tx.now
        review = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_id=made.lead.person.id, author_name="Camille", author_company="Calvière", usefulness=1,
            text="Une heure de moins que promis.", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(review)
    return made, review


@LANGUAGES
def test_a_hidden_review_has_its_statement_of_reasons(
    db: Database, odile: Actor, clock: FakeClock, language: str
) -> None:
    made, review = _reported_review(db)
    _speaks(db, made.lead.person.id, language)
    world.notice(db, "review", review.id, language=language)
    with db.reading() as session:
        notice = session.scalars(sa.select(Notice)).one()
    letters.notice_received(db, STATIONERY, notice_id=notice.id)
    receipt = _letters(db)["notice_received"]
    assert str(receipt["To"]) == "Agnès Lecteur <agnes@lecteur.example>"
    world.decide(db, odile, world.open_case(db, kind="report"), "hide", **SAID)
    with db.reading() as session:
        laid = session.scalars(sa.select(Restriction)).one()
    letters.restriction_laid(db, STATIONERY, restriction_id=laid.id)
    assert "restriction_laid" not in _letters(db), "a case's restriction is told with the case"
    found = _told(db, clock)
    reasons = _text(found["restriction_laid"])
    assert "La séance n’a pas eu lieu." in reasons
    assert "Une heure de moins que promis." in reasons
    for words in (
        ("avis", "aucune machine", "six mois", "signalé")
        if language == "fr"
        else ("review", "no machine", "six months", "reported it")
    ):
        assert words in reasons
    outcome = _text(found["notice_outcome"])
    assert "La séance n’a pas eu lieu." not in outcome, "the author's reasons are the author's"
    assert "Agnès" not in reasons, "who reported is not said"


@LANGUAGES
def test_a_kept_text_is_told_with_the_reason(
    db: Database, odile: Actor, clock: FakeClock, language: str
) -> None:
    _made, review = _reported_review(db)
    world.notice(db, "review", review.id, language=language)
    world.notice(db, "review", review.id, why="child_abuse", name="", email="")
    world.decide(
        db, odile, world.open_case(db, kind="report"), "keep", reason="Le journal confirme le report."
    )
    found = _told(db, clock)
    assert set(found) == {"notice_outcome"}
    assert "Le journal confirme le report." in _text(found["notice_outcome"])
    assert STATIONERY.contact in str(found["notice_outcome"]["Reply-To"])
    assert STATIONERY.contact in _text(found["notice_outcome"]), (
        "not the address that sends and is never read"
    )


@LANGUAGES
@pytest.mark.parametrize("kind", ["offer_hidden", "review_hidden", "person_suspended"])
def test_what_operators_hide_of_themselves_is_told_at_once(
    db: Database, odile: Actor, language: str, kind: str
) -> None:
    made, review = _reported_review(db)
    _speaks(db, made.lead.person.id, language)
    _speaks(db, made.seller.person.id, language)
    if kind == "offer_hidden":
        restricting.hide_offer(db, odile, offer_id=made.offer.id, **SAID)
        restricting.restore_offer(db, odile, offer_id=made.offer.id, reason="Nous avions mal lu.")
    elif kind == "review_hidden":
        restricting.hide_review(db, odile, review_id=review.id, **SAID)
        restricting.restore_review(db, odile, review_id=review.id, reason="Nous avions mal lu.")
    else:
        restricting.suspend(db, odile, person_id=made.seller.person.id, real_now=real_now(), **SAID)
        restricting.restore_person(db, odile, person_id=made.seller.person.id, reason="Nous avions mal lu.")
    with db.reading() as session:
        laid = session.scalars(sa.select(Restriction)).one()
    for _ in range(2):
        letters.restriction_laid(db, STATIONERY, restriction_id=laid.id)
        letters.restriction_lifted(db, STATIONERY, restriction_id=laid.id)
    found = _letters(db)
    assert set(found) == {"restriction_laid", "restriction_lifted"}
    assert "La séance n’a pas eu lieu." in _text(found["restriction_laid"])
    assert "Nous avions mal lu." in _text(found["restriction_lifted"])


def test_an_imported_reviews_author_has_no_address(db: Database, odile: Actor) -> None:
    _made, review = _reported_review(db)
    with db.transaction() as tx:
        tx.session.get_one(Review, review.id).author_id = None
    restricting.hide_review(db, odile, review_id=review.id, **SAID)
    with db.reading() as session:
        laid = session.scalars(sa.select(Restriction)).one()
    letters.restriction_laid(db, STATIONERY, restriction_id=laid.id)
    assert _letters(db) == {}


def test_one_letter_that_cannot_be_written_keeps_nobody_else_waiting(
    db: Database, odile: Actor, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _who, first = _submitted(db, "profile")
    world.decide(db, odile, first, "approve")
    _who, second = _submitted(db, "offer")
    world.decide(db, odile, second, "approve")
    clock.move(timedelta(seconds=61))
    put = decisions.put

    def broken(*arguments: Any, **more: Any) -> Any:
        if more["event"] == "profile_published":
            raise RuntimeError("no such words")
        return put(*arguments, **more)

    monkeypatch.setattr(decisions, "put", broken)
    assert letters.tell_decided(db, STATIONERY) == 1
    assert world.case(db, first.number).told_at is None
    assert world.case(db, second.number).told_at is not None
    monkeypatch.undo()
    assert letters.tell_decided(db, STATIONERY) == 1
    assert "profile_published" in _letters(db)
