"""The operators' queue: what opens a case, who may decide it, what each decision does and how it is taken back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import (
    AlreadyRestricted,
    CaseChanged,
    CaseDecided,
    NotFound,
    NothingAsked,
    OwnCase,
    ReasonMissing,
    Refusal,
    TextRefused,
    TooManyTries,
    UndoOver,
)
from marketplace.domain.policy import Actor
from marketplace.services import moderation
from marketplace.services.experts import save_profile, submit_profile, withdraw
from marketplace.services.moderation import restricting
from marketplace.services.offers.drafts import save_offer, submit_offer, withdraw_offer
from marketplace.services.reactions import REACTIONS
from marketplace.storage.bookings import Booking
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert
from marketplace.storage.moderation import Case, Notice, Restriction
from marketplace.storage.offers import Offer, OfferDraft, OfferVersion
from marketplace.storage.people import AuditRow, Person
from marketplace.storage.reviews import Review, public_reviews
from tests import factories as make
from tests.clock import FakeClock
from tests.services import moderation_world as world

SAID = world.SAID
ASKED = {"notes": {"bio": "Dites en quelle année."}}


@pytest.fixture(autouse=True)
def _taxonomy(db: Database) -> None:
    world.taxonomy(db)


@pytest.fixture
def odile(db: Database) -> Actor:
    return make.operator(db)


def _expert(db: Database, seller: make.Seller) -> Expert:
    with db.reading() as session:
        return session.get_one(Expert, seller.expert.id)


def _first(db: Database, seller: make.Seller) -> tuple[Offer, OfferDraft]:
    with db.reading() as session:
        offer = session.scalars(sa.select(Offer).filter_by(expert_id=seller.expert.id)).one()
        return offer, session.get_one(OfferDraft, offer.id)


def _review(db: Database, made: make.Made) -> Review:
    with db.transaction() as tx:
        tx.session.get_one(Booking, made.id).reviews_until = tx.now
        review = Review(
            booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
            author_id=made.lead.person.id, author_name="Camille", author_company="Calvière", usefulness=1,
            text="Une heure de moins que promis.", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(review)
        return review


def test_an_application_opens_one_case_with_its_target(db: Database, clock: FakeClock) -> None:
    lou = world.applicant(db)
    case = world.submit_application(db, lou)
    assert (case.kind, case.title, case.person_id) == ("expert", "Lou Fabre, Voltigeo", lou.person.id)
    assert case.target_at == case.opened_at + timedelta(hours=72)
    with db.reading() as session:
        assert session.scalars(sa.select(Case.kind)).all() == ["expert"], "its offer has no case of its own"


def test_admission_publishes_the_first_offer(db: Database, odile: Actor) -> None:
    lou = world.applicant(db)
    case = world.submit_application(db, lou)
    world.decide(db, odile, case, "approve")
    expert, (offer, draft) = _expert(db, lou), _first(db, lou)
    assert (expert.status, expert.legal_name, expert.registration) == ("admitted", "Lou Fabre", "732829320")
    assert (offer.status, draft.state) == ("live", "published")
    assert world.live(db, offer.id)
    with db.reading() as session:
        row = session.scalars(sa.select(AuditRow).where(AuditRow.subject == f"case:{case.number}")).one()
    assert (row.act, row.actor_id) == ("case.approve", odile.person_id)


def test_an_admission_taken_back_leaves_nothing(db: Database, odile: Actor, clock: FakeClock) -> None:
    lou = world.applicant(db)
    case = world.submit_application(db, lou)
    world.decide(db, odile, case, "approve")
    clock.move(timedelta(seconds=59))
    moderation.undo(db, odile, number=case.number)
    expert, (offer, draft) = _expert(db, lou), _first(db, lou)
    assert (expert.status, expert.headline, offer.status, draft.state) == (
        "submitted",
        "",
        "draft",
        "submitted",
    )
    assert world.live(db, offer.id) is None
    world.decide(db, odile, case, "approve")
    assert _expert(db, lou).status == "admitted", "and it may be decided again"


def test_after_a_minute_nothing_is_taken_back(db: Database, odile: Actor, clock: FakeClock) -> None:
    _seller, offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "approve")
    clock.move(timedelta(seconds=60))
    with pytest.raises(UndoOver) as refused:
        moderation.undo(db, odile, number=case.number)
    assert refused.value.facts == {"why": "time"}
    assert world.live(db, offer_id).price_minor == 150_000  # type: ignore[union-attr]


def test_changes_are_asked_field_by_field_of_both(db: Database, odile: Actor) -> None:
    lou = world.applicant(db)
    case = world.submit_application(db, lou)
    world.decide(
        db, odile, case, "changes", notes={"bio": "Dites en quelle année.", "offer.title": "Trop vague."}
    )
    _offer, draft = _first(db, lou)
    assert _expert(db, lou).status == "applying"
    assert (draft.state, draft.notes["title"]["reason"]) == ("changes", "Trop vague.")
    moderation.undo(db, odile, number=case.number)
    _offer, draft = _first(db, lou)
    assert (_expert(db, lou).status, draft.state, draft.notes) == ("submitted", "submitted", {})


def test_what_its_author_mends_already_is_not_taken_back(db: Database, odile: Actor) -> None:
    seller, offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "changes", notes={"price_minor": "Pourquoi ce prix ?"})
    save_offer(db, seller.actor, offer_id=offer_id, fields={"price_minor": 140_000}, revision=None)
    with pytest.raises(UndoOver) as refused:
        moderation.undo(db, odile, number=case.number)
    assert refused.value.facts == {"why": "changed"}


def test_the_approved_version_stays_live_meanwhile(db: Database, odile: Actor) -> None:
    _seller, offer_id, case = world.changed_offer(db)
    assert world.live(db, offer_id).price_minor == 120_000  # type: ignore[union-attr]
    world.decide(db, odile, case, "refuse", reason="Un prix n’a pas besoin de trois raisons.")
    assert world.live(db, offer_id).price_minor == 120_000  # type: ignore[union-attr]


def test_a_booked_publication_stands(db: Database, odile: Actor) -> None:
    seller, offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "approve")
    with db.reading() as session:
        offer = session.get_one(Offer, offer_id)
    make.booking(db, of=seller, offer_of=offer)
    with pytest.raises(UndoOver) as refused:
        moderation.undo(db, odile, number=case.number)
    assert refused.value.facts == {"why": "booked"}


def test_a_changed_profile_goes_live_and_back(db: Database, odile: Actor) -> None:
    seller = make.seller(db, legal_name="Castagnères SAS", registration="732829320", address="2 rue Haute\n69001 Lyon",
                         vat_number="FR44732829320")  # fmt: skip
    save_profile(
        db, seller.actor, fields={"headline": "A tenu douze ateliers", "bio": "Mot " * 60}, revision=None
    )
    submit_profile(db, seller.actor)
    case = world.open_case(db, expert_id=seller.expert.id)
    assert (case.kind, case.target_at - case.opened_at) == ("profile", timedelta(hours=48))
    world.decide(db, odile, case, "approve")
    assert _expert(db, seller).headline == "A tenu douze ateliers"
    moderation.undo(db, odile, number=case.number)
    assert _expert(db, seller).headline == "h"


def test_what_was_withdrawn_is_closed(db: Database, odile: Actor) -> None:
    seller, offer_id, case = world.changed_offer(db)
    withdraw_offer(db, seller.actor, offer_id=offer_id)
    with pytest.raises(CaseDecided) as refused:
        world.decide(db, odile, case, "approve")
    assert refused.value.facts["decision"] == "withdrawn"
    lou = world.applicant(db)
    its = world.submit_application(db, lou)
    withdraw(db, lou.actor)
    assert world.case(db, its.number).state == "withdrawn"
    assert _first(db, lou)[1].state == "draft"


def test_a_decision_on_what_changed_meanwhile_is_refused(db: Database, odile: Actor) -> None:
    seller, offer_id, _case = world.changed_offer(db)
    withdraw_offer(db, seller.actor, offer_id=offer_id)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"price_minor": 160_000}, revision=None)
    submit_offer(db, seller.actor, offer_id=offer_id)
    case = world.open_case(db, offer_id=offer_id)
    with pytest.raises(CaseChanged) as refused:
        world.decide(db, odile, case, "approve", revision=case.revision - 1)
    assert refused.value.facts == {"revision": case.revision}
    assert world.live(db, offer_id).price_minor == 120_000  # type: ignore[union-attr]


def test_nobody_decides_on_themselves(db: Database) -> None:
    seller, _offer_id, case = world.changed_offer(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).operator = True
    themselves = Actor(seller.person.id, operator=True, expert_id=seller.expert.id)
    for act in (
        lambda: world.decide(db, themselves, case, "approve"),
        lambda: moderation.claim(db, themselves, number=case.number),
        lambda: moderation.snooze(db, themselves, number=case.number, days=1),
    ):
        with pytest.raises(OwnCase):
            act()
    made = make.booking(db, of=seller, state="confirmed")
    world.notice(db, "review", _review(db, made).id)
    about_them = world.open_case(db, kind="report")
    with pytest.raises(OwnCase):
        world.decide(db, themselves, about_them, "hide", **SAID)


def test_only_operators_touch_cases(db: Database) -> None:
    seller, _offer_id, case = world.changed_offer(db)
    for who in (seller.actor, make.lead(db).actor, Actor(None)):
        for act in (
            lambda who=who: world.decide(db, who, case, "approve"),
            lambda who=who: moderation.claim(db, who, number=case.number),
            lambda who=who: moderation.undo(db, who, number=case.number),
        ):
            with pytest.raises(NotFound):
                act()


@pytest.mark.parametrize(
    ("decision", "more"),
    [("refuse", {}), ("refuse", {"reason": " "}), ("changes", {}), ("changes", {"notes": {"title": "  "}}),
     ("changes", {"reason": "A word alone."}), ("changes", {"notes": {"nothing": "Of no field.", "bio": "Not here."}})],
)  # fmt: skip
def test_words_are_owed_for_a_no(db: Database, odile: Actor, decision: str, more: dict[str, Any]) -> None:
    _seller, _offer_id, case = world.changed_offer(db)
    with pytest.raises(ReasonMissing if decision == "refuse" else NothingAsked):
        world.decide(db, odile, case, decision, **more)


@pytest.mark.parametrize("number", [0, -1, 999_999, 2**31, 2**63])
def test_a_number_that_is_none(db: Database, odile: Actor, number: int) -> None:
    with pytest.raises(NotFound):
        moderation.claim(db, odile, number=number)


def test_claimed_snoozed_released(db: Database, odile: Actor, clock: FakeClock) -> None:
    _seller, _offer_id, case = world.changed_offer(db)
    moderation.claim(db, odile, number=case.number)
    assert world.case(db, case.number).owner_id == odile.person_id
    until = moderation.snooze(db, odile, number=case.number, days=3)
    assert until == clock() + timedelta(days=3)
    moderation.wake(db, odile, number=case.number)
    moderation.release(db, odile, number=case.number)
    after = world.case(db, case.number)
    assert (after.owner_id, after.snoozed_until) == (None, None)


def test_notices_about_one_review_meet_in_one_case(db: Database, odile: Actor) -> None:
    made = make.booking(db, state="confirmed")
    review = _review(db, made)
    first = world.notice(db, "review", review.id)
    case = world.open_case(db, review_id=review.id)
    moderation.snooze(db, odile, number=case.number, days=7)
    assert world.notice(db, "review", review.id, why="not_held", person_id=made.seller.person.id) == first
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 2
    assert world.case(db, case.number).snoozed_until is None
    with pytest.raises(CaseChanged):  # Read before the second notice came.
        world.decide(db, odile, case, "keep", reason="Elle a été tenue.")
    now = world.open_case(db, review_id=review.id)
    world.decide(db, odile, now, "hide", **SAID)
    with db.reading() as session:
        assert public_reviews(session, made.offer.id, db.clock()) == []
        laid = session.scalars(sa.select(Restriction)).one()
        assert session.get_one(Review, review.id).hidden_why == "reviews_policy"
    assert (laid.case_id, laid.person_id, laid.ground) == (case.id, made.lead.person.id, "reviews_policy")
    moderation.undo(db, odile, number=case.number)
    with db.reading() as session:
        assert len(public_reviews(session, made.offer.id, db.clock())) == 1
        assert session.scalars(sa.select(Restriction.lifted_why)).one() == "undo"
        assert "review.restored" in session.scalars(sa.select(AuditRow.act)).all()


def test_a_reported_offer_that_says_something_else_now(db: Database, odile: Actor) -> None:
    seller, offer_id, change = world.changed_offer(db)
    world.notice(db, "offer", offer_id)
    report = world.open_case(db, kind="report")
    world.decide(db, odile, change, "approve")
    with pytest.raises(CaseChanged):
        world.decide(db, odile, report, "hide", ground="terms", reason="x")
    world.decide(
        db, odile, world.open_case(db, kind="report"), "hide", ground="terms", reason="Deux fois le même."
    )
    with db.reading() as session:
        assert session.get_one(Offer, offer_id).status == "hidden"
    with pytest.raises(NotFound):
        world.notice(db, "offer", offer_id)
    with pytest.raises(AlreadyRestricted):
        restricting.hide_offer(db, odile, offer_id=offer_id, ground="terms", reason="x")
    assert seller


def test_a_reported_profile_leaves_with_its_person(db: Database, odile: Actor) -> None:
    seller = make.seller(db)
    make.offer(db, seller.expert)
    world.notice(db, "profile", seller.expert.id)
    case = world.open_case(db, expert_id=seller.expert.id)
    world.decide(db, odile, case, "hide", ground="law", reason="Ce n’est pas elle.")
    with db.reading() as session:
        assert session.get_one(Person, seller.person.id).suspended_at is not None
    moderation.undo(db, odile, number=case.number)
    with db.reading() as session:
        assert session.get_one(Person, seller.person.id).suspended_at is None


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"text": "court"}, TextRefused),
        ({"text": "x" * 4001}, TextRefused),
        ({"text": "avec un \x00 dedans, et assez long"}, TextRefused),
        ({"name": ""}, TextRefused),
        ({"email": ""}, TextRefused),
        ({"why": "whim"}, NotFound),
        ({"about": "booking"}, NotFound),
        ({"subject_id": uuid.uuid4()}, NotFound),
    ],
)
def test_a_notice_that_cannot_be_kept(db: Database, more: dict[str, Any], refusal: type[Refusal]) -> None:
    offer = make.offer(db, make.seller(db).expert)
    given_ = {"about": "offer", "subject_id": offer.id} | more
    with pytest.raises(refusal):
        world.notice(db, given_.pop("about"), given_.pop("subject_id"), **given_)
    with db.reading() as session:
        assert not session.scalars(sa.select(Case)).all()


def test_who_reports_the_abuse_of_a_child_need_not_say_who_they_are(db: Database) -> None:
    offer = make.offer(db, make.seller(db).expert)
    assert int(world.notice(db, "offer", offer.id, why="child_abuse", name="", email=""))


def test_notices_are_limited_by_where_they_come_from(db: Database) -> None:
    offer = make.offer(db, make.seller(db).expert)
    for _ in range(6):
        assert isinstance(world.notice(db, "offer", offer.id, address="198.51.100.7"), str)
    assert isinstance(world.notice(db, "offer", offer.id, address="198.51.100.7"), TooManyTries)
    assert isinstance(world.notice(db, "offer", offer.id, address="198.51.100.8"), str)


# Two at once, on a database of their own.


def _race(acts: list[Callable[[], Any]]) -> list[str]:
    said: list[str] = []
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            act()
            said.append("done")
        except Refusal as refusal:
            said.append(type(refusal).__name__)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sorted(said)


@pytest.fixture
def real(own_url: str) -> Any:
    made = Database(connect(own_url), clock=FakeClock(), reactions=REACTIONS)
    world.taxonomy(made)
    yield made
    made.engine.dispose()  # type: ignore[union-attr]


def test_two_operators_decide_one_case_at_once(real: Database) -> None:
    both = [make.operator(real), make.operator(real)]
    _seller, offer_id, case = world.changed_offer(real)
    said = _race(
        [
            lambda: world.decide(real, both[0], case, "approve"),
            lambda: world.decide(real, both[1], case, "refuse", reason="Non."),
        ]
    )
    assert said == ["CaseDecided", "done"]
    decided = world.case(real, case.number)
    price = world.live(real, offer_id).price_minor  # type: ignore[union-attr]
    assert (decided.decision, price) in {("approve", 150_000), ("refuse", 120_000)}


def test_a_decision_meets_a_withdrawal(real: Database) -> None:
    odile = make.operator(real)
    seller, offer_id, case = world.changed_offer(real)
    said = _race(
        [
            lambda: world.decide(real, odile, case, "approve"),
            lambda: withdraw_offer(real, seller.actor, offer_id=offer_id),
        ]
    )
    assert said in (["CaseDecided", "done"], ["done", "done"])
    price = world.live(real, offer_id).price_minor  # type: ignore[union-attr]
    state = world.case(real, case.number).state
    assert (state, price) in {("decided", 150_000), ("withdrawn", 120_000)}


def test_two_notices_at_once_open_one_case(real: Database) -> None:
    offer = make.offer(real, make.seller(real).expert)
    assert _race([lambda: world.notice(real, "offer", offer.id)] * 4) == ["done"] * 4
    case = world.open_case(real, offer_id=offer.id)
    assert case.revision == 4


def test_an_undo_meets_a_booking(real: Database) -> None:
    odile = make.operator(real)
    seller, offer_id, case = world.changed_offer(real)
    world.decide(real, odile, case, "approve")
    with real.reading() as session:
        offer = session.get_one(Offer, offer_id)
    said = _race(
        [
            lambda: moderation.undo(real, odile, number=case.number),
            lambda: make.booking(real, of=seller, offer_of=offer),
        ]
    )
    assert said in (["UndoOver", "done"], ["done", "done"])
    with real.reading() as session:
        version = session.get_one(OfferVersion, session.scalars(sa.select(Booking.version_id)).one())
    assert version.price_minor == world.live(real, offer_id).price_minor  # type: ignore[union-attr]


STEPS = st.lists(
    st.sampled_from(["save", "submit", "withdraw", "claim", "approve", "changes", "refuse", "undo", "wait"]),
    max_size=24,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_live_version_is_the_last_approved(
    db: Database, clock: FakeClock, steps: list[str]
) -> None:
    """At most one open case a subject, one live version, and it says what was last approved and not taken back."""
    odile, seller = make.operator(db), make.seller(db)
    offer = make.offer(db, seller.expert, **world.offer_fields())
    price, approved = 120_000, [120_000]
    submitted: list[int] = []
    last: Case | None = None
    for step in steps:
        with db.reading() as session:
            case = session.scalars(sa.select(Case).filter_by(state="open", offer_id=offer.id)).one_or_none()
        last = case or last
        try:
            if step == "save":
                save_offer(
                    db, seller.actor, offer_id=offer.id, fields={"price_minor": price + 1000}, revision=None
                )
                price += 1000
            elif step == "submit":
                submit_offer(db, seller.actor, offer_id=offer.id)
                submitted.append(price)
            elif step == "withdraw":
                withdraw_offer(db, seller.actor, offer_id=offer.id)
            elif step == "claim" and last:
                moderation.claim(db, odile, number=last.number)
            elif step == "wait":
                clock.move(timedelta(seconds=61))
            elif step == "undo" and last:
                was = world.case(db, last.number).decision
                moderation.undo(db, odile, number=last.number)
                if was == "approve":
                    approved.pop()
            elif step in ("approve", "changes", "refuse") and last:
                world.decide(db, odile, last, step, reason="Parce que.", notes={"title": "Plus court."})
                if step == "approve":
                    approved.append(submitted[-1])
        except Refusal:
            pass
        with db.reading() as session:
            open_ones = session.scalar(
                sa.select(sa.func.count()).where(Case.state == "open", Case.offer_id == offer.id)
            )
            live = session.scalars(sa.select(OfferVersion).filter_by(offer_id=offer.id, live=True)).one()
            state = session.scalar(sa.select(OfferDraft.state).filter_by(offer_id=offer.id))
        assert open_ones == (1 if state == "submitted" else 0)
        assert live.price_minor == approved[-1]


def test_two_operators_at_once_may_not_both_undo(db: Database, odile: Actor) -> None:
    _seller, _offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "approve")
    with pytest.raises(NotFound):
        moderation.undo(db, make.operator(db), number=case.number)
    assert real_now()


def test_a_word_with_the_changes_stands_on_the_offer_too(db: Database, odile: Actor) -> None:
    _seller, offer_id, case = world.changed_offer(db)
    world.decide(db, odile, case, "changes", notes={"title": "Trop vague."}, reason="Le reste est prêt.")
    with db.reading() as session:
        notes = session.get_one(OfferDraft, offer_id).notes
    assert {name: note["reason"] for name, note in notes.items()} == {
        "title": "Trop vague.",
        "": "Le reste est prêt.",
    }
