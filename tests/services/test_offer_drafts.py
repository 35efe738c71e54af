"""Drafts and versions: what is live stays live until somebody decides, and bookings keep what they were made from."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import (
    CaseChanged,
    DraftIncomplete,
    DraftSavedElsewhere,
    DraftSubmitted,
    DraftUnchanged,
    ExpertNotAdmitted,
    NotFound,
    OfferNotClosed,
    PriceRefused,
    StandingMissing,
    TextRefused,
    UndoOver,
)
from marketplace.domain.events import ApplicationSubmitted, SubmissionWithdrawn
from marketplace.domain.policy import Actor
from marketplace.services.offers import (
    ask_offer_changes,
    close_offer,
    draft_of,
    first_offer,
    new_offer,
    offer_diff,
    offer_page,
    own_offers,
    publish,
    reopen_offer,
    save_offer,
    submit_offer,
    unask_offer_changes,
    unpublish,
    withdraw_offer,
)
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.offers import Offer, OfferDraft, OfferVersion
from marketplace.storage.people import Person
from marketplace.storage.search import SearchRow
from tests import factories as make
from tests.clock import FakeClock
from tests.domain.test_offers import WHOLE


def begun(db: Database, seller: make.Seller, **more: Any) -> uuid.UUID:
    """A draft with everything in it."""
    offer_id = new_offer(db, seller.actor)
    save_offer(db, seller.actor, offer_id=offer_id, fields=WHOLE | more)
    return offer_id


def published(db: Database, offer_id: uuid.UUID) -> dict[str, Any]:
    draft = read(db, offer_id)
    with db.transaction() as tx:
        return publish(tx, offer_id, draft.revision)


def live(db: Database, seller: make.Seller, **more: Any) -> uuid.UUID:
    """An offer published once."""
    offer_id = begun(db, seller, **more)
    submit_offer(db, seller.actor, offer_id=offer_id)
    published(db, offer_id)
    return offer_id


def read(db: Database, offer_id: uuid.UUID) -> OfferDraft:
    with db.reading() as session:
        return draft_of(session, offer_id)


def status(db: Database, offer_id: uuid.UUID) -> str:
    with db.reading() as session:
        return session.get_one(Offer, offer_id).status


def versions(db: Database, offer_id: uuid.UUID) -> list[tuple[int, bool, str]]:
    with db.reading() as session:
        rows = session.scalars(
            sa.select(OfferVersion).where(OfferVersion.offer_id == offer_id).order_by(OfferVersion.number)
        )
        return [(row.number, row.live, row.title) for row in rows]


def suspend(db: Database, seller: make.Seller) -> None:
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).suspended_at = tx.now


# Writing.


def test_a_new_draft_is_nobodys_page(db: Database) -> None:
    seller = make.seller(db)
    offer_id = new_offer(db, seller.actor)
    assert status(db, offer_id) == "draft"
    assert new_offer(db, seller.actor) == offer_id  # Nothing was written in it.
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "x"})
    assert new_offer(db, seller.actor) != offer_id


def test_an_applicant_has_one_offer(db: Database) -> None:
    seller = make.seller(db, status="applying")
    offer_id = begun(db, seller)
    assert new_offer(db, seller.actor) == offer_id


def test_half_written_is_kept(db: Database) -> None:
    seller = make.seller(db)
    offer_id = new_offer(db, seller.actor)
    kept = save_offer(db, seller.actor, offer_id=offer_id, fields={"problem": " court ", "slug": "other"})
    assert kept.content["problem"] == "court"
    assert "slug" not in kept.content
    assert kept.revision == 2


def test_the_same_again_is_no_new_revision(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    before = read(db, offer_id).revision
    save_offer(db, seller.actor, offer_id=offer_id, fields=WHOLE, revision=before)
    assert read(db, offer_id).revision == before


def test_two_windows(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    seen = read(db, offer_id).revision
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "De la première fenêtre"}, revision=seen)
    with pytest.raises(DraftSavedElsewhere) as refused:
        save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "De l’autre"}, revision=seen)
    assert refused.value.facts["revision"] == seen + 1
    assert read(db, offer_id).content["title"] == "De la première fenêtre"


@pytest.mark.parametrize("minor", [0, 10_000_000_00])
def test_a_price_outside_is_refused_and_nothing_kept(db: Database, minor: int) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    with pytest.raises(PriceRefused):
        save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "autre", "price_minor": minor})
    assert read(db, offer_id).content["title"] == WHOLE["title"]


def test_a_forged_choice_is_refused(db: Database) -> None:
    seller = make.seller(db)
    with pytest.raises(TextRefused):
        save_offer(db, seller.actor, offer_id=new_offer(db, seller.actor), fields={"policy": "none"})


def test_somebody_elses_is_not_there(db: Database) -> None:
    offer_id = begun(db, make.seller(db))
    other = make.seller(db).actor
    deeds = (withdraw_offer, close_offer, reopen_offer, submit_offer)
    for deed in deeds:
        with pytest.raises(NotFound):
            deed(db, other, offer_id=offer_id)
    with pytest.raises(NotFound):
        save_offer(db, other, offer_id=offer_id, fields={})
    with pytest.raises(NotFound):
        new_offer(db, Actor(make.person(db).id))


# Submitting.


@pytest.mark.parametrize("state", ["applying", "submitted", "refused"])
def test_only_the_admitted_submit(db: Database, state: str) -> None:
    seller = make.seller(db, status=state)
    offer_id = begun(db, seller)
    with pytest.raises(ExpertNotAdmitted) as refused:
        submit_offer(db, seller.actor, offer_id=offer_id)
    assert refused.value.facts["status"] == state


def test_the_suspended_do_not(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    suspend(db, seller)
    with pytest.raises(ExpertNotAdmitted) as refused:
        submit_offer(db, seller.actor, offer_id=offer_id)
    assert refused.value.facts["status"] == "suspended"


def test_what_is_missing_is_named(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller, takeaways=["un"], price_minor=None)
    with pytest.raises(DraftIncomplete) as refused:
        submit_offer(db, seller.actor, offer_id=offer_id)
    assert refused.value.facts["missing"] == ("takeaways", "price_minor")


def test_submitted_is_not_written_in_until_taken_back(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    for again in (
        lambda: save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "x"}),
        lambda: submit_offer(db, seller.actor, offer_id=offer_id),
    ):
        with pytest.raises(DraftSubmitted):
            again()
    withdraw_offer(db, seller.actor, offer_id=offer_id)
    withdraw_offer(db, seller.actor, offer_id=offer_id)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Un autre titre, plus long"})
    assert read(db, offer_id).state == "draft"


def test_instant_needs_the_standing_acceptance_and_a_place(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller, instant=True, notice_hours=4)
    with pytest.raises(StandingMissing) as refused:
        submit_offer(db, seller.actor, offer_id=offer_id)
    assert refused.value.facts["missing"] == ("standing", "meeting_link")
    with db.transaction() as tx:
        expert = tx.session.get_one(Expert, seller.expert.id)
        expert.standing_since, expert.meeting_link = tx.now, "https://meet.example.com/s"
    submit_offer(db, seller.actor, offer_id=offer_id)
    assert read(db, offer_id).state == "submitted"


def test_what_says_the_same_is_not_submitted(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    with pytest.raises(DraftUnchanged):
        submit_offer(db, seller.actor, offer_id=offer_id)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"minutes": 240})
    assert read(db, offer_id).state == "draft"
    save_offer(db, seller.actor, offer_id=offer_id, fields={"minutes": 210})
    assert read(db, offer_id).state == "published"


# Publishing.


def test_the_first_publication_gives_the_address(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    with db.reading() as session:
        page = offer_page(session, "relever-des-machines-de-1987-sans-automate")
        assert page.id == offer_id
        assert session.get(SearchRow, offer_id) is not None
    assert versions(db, offer_id) == [(1, True, WHOLE["title"])]
    second = live(db, seller)
    with db.reading() as session:
        assert session.get_one(Offer, second).slug.endswith("automate-2")


def test_a_change_waits_while_the_approved_version_is_live(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    title = "Relever des machines de 1987, autrement"
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": title})
    submit_offer(db, seller.actor, offer_id=offer_id)
    with db.reading() as session:
        slug = session.get_one(Offer, offer_id).slug
        assert offer_page(session, slug).version.title == WHOLE["title"]
        assert offer_diff(session, offer_id) == [("title", WHOLE["title"], title)]
    published(db, offer_id)
    with db.reading() as session:
        assert offer_page(session, slug).version.title == title  # The address stays.
        assert offer_diff(session, offer_id) == []


def test_a_made_booking_keeps_its_version(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    with db.reading() as session:
        offer = session.get_one(Offer, offer_id)
    made = make.booking(db, of=seller, offer_of=offer, state="requested")
    before = make.read(db, made)
    save_offer(
        db,
        seller.actor,
        offer_id=offer_id,
        fields={"price_minor": 200000, "policy": "strict", "minutes": 240},
    )
    submit_offer(db, seller.actor, offer_id=offer_id)
    published(db, offer_id)
    after = make.read(db, made)
    assert (after.version_id, after.price_minor, after.policy, after.ends_at) == (
        before.version_id, before.price_minor, before.policy, before.ends_at,
    )  # fmt: skip


def test_what_moved_on_is_not_published(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    revision = read(db, offer_id).revision
    withdraw_offer(db, seller.actor, offer_id=offer_id)
    for number in (revision, revision + 1):
        with pytest.raises(CaseChanged), db.transaction() as tx:
            publish(tx, offer_id, number)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Une tout autre histoire"})
    submit_offer(db, seller.actor, offer_id=offer_id)
    with pytest.raises(CaseChanged), db.transaction() as tx:
        publish(tx, offer_id, revision)
    assert versions(db, offer_id) == []


def test_a_first_publication_taken_back(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    with db.reading() as session:
        before = session.get_one(Offer, offer_id).slug
    submit_offer(db, seller.actor, offer_id=offer_id)
    undo = published(db, offer_id)
    with db.transaction() as tx:
        unpublish(tx, offer_id, undo)
    assert (status(db, offer_id), versions(db, offer_id), read(db, offer_id).state) == (
        "draft",
        [],
        "submitted",
    )
    with db.reading() as session:
        assert session.get_one(Offer, offer_id).slug == before
        assert session.get(SearchRow, offer_id) is None
    published(db, offer_id)
    assert versions(db, offer_id) == [(1, True, WHOLE["title"])]


def test_a_change_taken_back(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Un autre titre, plus long"})
    submit_offer(db, seller.actor, offer_id=offer_id)
    undo = published(db, offer_id)
    with db.transaction() as tx:
        unpublish(tx, offer_id, undo)
    assert versions(db, offer_id) == [(1, True, WHOLE["title"])]
    assert (status(db, offer_id), read(db, offer_id).state) == ("live", "submitted")
    published(db, offer_id)
    assert [number for number, _live, _title in versions(db, offer_id)] == [1, 2]


def test_not_taken_back_once_booked_or_written_on(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    undo = published(db, offer_id)
    with db.reading() as session:
        offer = session.get_one(Offer, offer_id)
    make.booking(db, of=seller, offer_of=offer)
    with pytest.raises(UndoOver) as refused, db.transaction() as tx:
        unpublish(tx, offer_id, undo)
    assert refused.value.facts["why"] == "booked"
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Un autre titre, plus long"})
    with pytest.raises(UndoOver) as refused, db.transaction() as tx:
        unpublish(tx, offer_id, undo)
    assert refused.value.facts["why"] == "changed"


def test_asked_for_changes_field_by_field(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    with db.transaction() as tx:
        ask_offer_changes(tx, offer_id, {"title": "Plus précis", "problem": "", "nothing": "x"})
    draft = read(db, offer_id)
    assert draft.state == "changes"
    assert draft.notes == {"title": {"reason": "Plus précis", "was": WHOLE["title"]}}
    save_offer(db, seller.actor, offer_id=offer_id, fields={"for_whom": "Pour une directrice industrielle."})
    assert read(db, offer_id).state == "changes"
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Relever des machines de 1987"})
    draft = read(db, offer_id)
    assert draft.state == "draft"
    assert draft.notes  # Said until it is published.
    submit_offer(db, seller.actor, offer_id=offer_id)
    published(db, offer_id)
    assert read(db, offer_id).notes == {}


def test_the_question_taken_back(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    revision = read(db, offer_id).revision
    with db.transaction() as tx:
        ask_offer_changes(tx, offer_id, {"title": "Plus précis"}, refuse=True)
    with db.transaction() as tx:
        unask_offer_changes(tx, offer_id, revision)
    assert read(db, offer_id).state == "submitted"
    with db.transaction() as tx:
        ask_offer_changes(tx, offer_id, {"title": "Plus précis"})
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Relever des machines de 1987"})
    with pytest.raises(UndoOver), db.transaction() as tx:
        unask_offer_changes(tx, offer_id, revision)


# Closing.


def test_closed_and_open_again(db: Database) -> None:
    seller = make.seller(db)
    offer_id = live(db, seller)
    with db.reading() as session:
        slug = session.get_one(Offer, offer_id).slug
    for _twice in range(2):
        close_offer(db, seller.actor, offer_id=offer_id)
    with db.reading() as session:
        assert session.get(SearchRow, offer_id) is None
        with pytest.raises(NotFound):
            offer_page(session, slug)
    save_offer(db, seller.actor, offer_id=offer_id, fields={"minutes": 180})
    submit_offer(db, seller.actor, offer_id=offer_id)
    published(db, offer_id)
    assert status(db, offer_id) == "closed"  # What the expert closed, the expert opens.
    for _twice in range(2):
        reopen_offer(db, seller.actor, offer_id=offer_id)
    with db.reading() as session:
        assert offer_page(session, slug).version.minutes == 180
        assert session.get(SearchRow, offer_id) is not None


@pytest.mark.parametrize("state", ["draft", "hidden"])
def test_neither_a_draft_nor_a_hidden_one_is_opened(db: Database, state: str) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    with db.transaction() as tx:
        tx.session.get_one(Offer, offer_id).status = state
    for deed in (close_offer, reopen_offer):
        with pytest.raises(OfferNotClosed):
            deed(db, seller.actor, offer_id=offer_id)


# With an application.


def apply(db: Database, seller: make.Seller) -> None:
    with db.transaction() as tx:
        tx.announce(ApplicationSubmitted(seller.expert.id))


def applicant(db: Database) -> make.Seller:
    seller = make.seller(db, status="submitted")
    with db.transaction() as tx:
        content = {"startup": "Aquafouine", "standing": False, "meeting_link": ""}
        tx.session.add(ProfileDraft(expert_id=seller.expert.id, content=content, saved_at=tx.now))
    return seller


def test_the_first_offer_goes_with_the_application_and_comes_back_with_it(db: Database) -> None:
    seller = applicant(db)
    offer_id = begun(db, seller)
    for _twice in range(2):
        apply(db, seller)
    assert read(db, offer_id).state == "submitted"
    with pytest.raises(ExpertNotAdmitted):
        withdraw_offer(db, seller.actor, offer_id=offer_id)
    with db.transaction() as tx:
        tx.session.get_one(Expert, seller.expert.id).status = "applying"
        tx.announce(SubmissionWithdrawn(seller.expert.id, None))
    assert read(db, offer_id).state == "draft"


def test_an_application_needs_a_whole_offer(db: Database) -> None:
    seller = applicant(db)
    with pytest.raises(DraftIncomplete):
        apply(db, seller)
    offer_id = begun(db, seller, instant=True)
    with pytest.raises(StandingMissing):
        apply(db, seller)
    with db.reading() as session:
        assert first_offer(session, seller.expert.id) == offer_id


def test_a_profile_taken_back_leaves_a_submitted_offer(db: Database) -> None:
    seller = make.seller(db)
    offer_id = begun(db, seller)
    submit_offer(db, seller.actor, offer_id=offer_id)
    with db.transaction() as tx:
        tx.announce(SubmissionWithdrawn(seller.expert.id, None))
    assert read(db, offer_id).state == "submitted"


# Lists.


def test_own_offers_in_one_statement(db: Database, count_queries: Any) -> None:
    seller = make.seller(db)
    live(db, seller)
    begun(db, seller, title="Un brouillon assez long")
    make.offer(db, seller.expert)  # Loaded: never edited here.
    with db.reading() as session, count_queries() as counted:
        found = own_offers(session, seller.expert.id)
    assert counted.number == 1
    assert {(one.status, one.draft_state) for one in found} == {
        ("live", "published"), ("draft", "draft"),
    }  # fmt: skip
    assert len(found) == 3


# Whatever is done in whatever order.

DEEDS = ("save", "submit", "withdraw", "publish", "undo", "ask", "close", "reopen")


@given(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=14))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_versions_are_numbered_without_gaps_and_one_is_live(db: Database, deeds: list[str]) -> None:
    seller = make.seller(db)
    offer_id, undo, times, changed = begun(db, seller), {}, 0, 0
    for deed in deeds:
        revision = read(db, offer_id).revision
        try:
            if deed == "save":
                changed += 1
                save_offer(
                    db, seller.actor, offer_id=offer_id, fields={"title": f"Un titre assez long, {changed}"}
                )
            elif deed == "submit":
                submit_offer(db, seller.actor, offer_id=offer_id)
            elif deed == "withdraw":
                withdraw_offer(db, seller.actor, offer_id=offer_id)
            elif deed == "publish":
                undo = published(db, offer_id)
                times += 1
            elif deed == "undo" and undo:
                with db.transaction() as tx:
                    unpublish(tx, offer_id, undo)
                times -= 1
            elif deed == "ask":
                with db.transaction() as tx:
                    ask_offer_changes(tx, offer_id, {"title": "non"})
            elif deed == "close":
                close_offer(db, seller.actor, offer_id=offer_id)
            elif deed == "reopen":
                reopen_offer(db, seller.actor, offer_id=offer_id)
        except (CaseChanged, DraftSubmitted, DraftUnchanged, OfferNotClosed, UndoOver):
            assert read(db, offer_id).revision == revision
    found = versions(db, offer_id)
    assert [number for number, _live, _title in found] == list(range(1, times + 1))
    assert sum(is_live for _number, is_live, _title in found) == min(times, 1)
    assert (status(db, offer_id) == "draft") == (times == 0)


# Races, on a database of their own.


@pytest.fixture
def apart(own_url: str, clock: FakeClock) -> Any:
    engine = connect(own_url)
    yield Database(engine, clock=clock)
    engine.dispose()


def race(*deeds: Any) -> list[BaseException | None]:
    """Run these at the same moment; what each raised."""
    start, raised = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(number: int, deed: Any) -> None:
        start.wait(10)
        try:
            deed()
        except Exception as error:
            raised[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised  # type: ignore[return-value]


def test_published_and_withdrawn_at_once(apart: Database) -> None:
    seller = make.seller(apart)
    for turn in range(8):
        offer_id = begun(apart, seller, title=f"Un titre assez long, {turn}")
        submit_offer(apart, seller.actor, offer_id=offer_id)
        revision = read(apart, offer_id).revision

        def decide(offer_id: uuid.UUID = offer_id, revision: int = revision) -> None:
            with apart.transaction() as tx:
                publish(tx, offer_id, revision)

        said = race(decide, lambda offer_id=offer_id: withdraw_offer(apart, seller.actor, offer_id=offer_id))
        if said[0] is None:
            assert (status(apart, offer_id), read(apart, offer_id).state) == ("live", "published")
            assert len(versions(apart, offer_id)) == 1
        else:
            assert isinstance(said[0], CaseChanged)
            assert (status(apart, offer_id), read(apart, offer_id).state) == ("draft", "draft")
        assert said[1] is None


def test_published_twice_at_once(apart: Database) -> None:
    seller = make.seller(apart)
    offer_id = begun(apart, seller)
    submit_offer(apart, seller.actor, offer_id=offer_id)
    revision = read(apart, offer_id).revision

    def decide() -> None:
        with apart.transaction() as tx:
            publish(tx, offer_id, revision)

    said = race(decide, decide, decide)
    assert [type(one) for one in said].count(CaseChanged) == 2
    assert versions(apart, offer_id) == [(1, True, WHOLE["title"])]


def test_two_windows_at_once(apart: Database) -> None:
    seller = make.seller(apart)
    offer_id = begun(apart, seller)
    seen = read(apart, offer_id).revision
    said = race(
        *(
            lambda n=n: save_offer(
                apart, seller.actor, offer_id=offer_id, fields={"title": f"Fenêtre {n}"}, revision=seen
            )
            for n in range(3)
        )
    )
    assert [type(one) for one in said].count(DraftSavedElsewhere) == 2
    assert read(apart, offer_id).revision == seen + 1
