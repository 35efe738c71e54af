"""Asking before booking, on a real database: the limits, the answers, the clock, the letters."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from marketplace.domain.contacts import MASK
from marketplace.domain.errors import (
    NamedOfferWrong,
    NotBookable,
    NotFound,
    OwnOffer,
    QuestionIncomplete,
    QuestionOver,
    QuestionsPaused,
    TextRefused,
    TooManyQuestions,
)
from marketplace.domain.events import QuestionAsked, QuestionClosed
from marketplace.domain.policy import Actor
from marketplace.services import letters, questions
from marketplace.services.search import find, index_offer
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from marketplace.storage.questions import Question
from marketplace.storage.search import SearchRow
from tests import factories as make
from tests.clock import START, FakeClock
from tests.services.test_letters import STATIONERY, complete, opened, text_of

ASKED = ("L’avez-vous fait en ville\u202f?", "Plus de 1\u202f000 compteurs\u202f?")
YES_NO = [("yes", "Deux fois."), ("no", "")]


def read(db: Database, question_id: uuid.UUID) -> Question:
    with db.reading() as session:
        return session.get_one(Question, question_id)


def ask(db: Database, by: make.Lead, offer_id: uuid.UUID, token: str = "t", summary: str = "s") -> Question:
    return questions.ask(db, by.actor, offer_id=offer_id, summary=summary, asked=["a?"], token=token)


@pytest.fixture
def heard(db: Database) -> list[object]:
    """What was announced."""
    found: list[object] = []
    db.reactions = SimpleNamespace(
        within={kind: (lambda tx, event: found.append(event),) for kind in (QuestionAsked, QuestionClosed)},
        after={},
    )
    return found


def test_a_question_waits_48_hours(db: Database, heard: list[object]) -> None:
    made = make.question(db, asked=ASKED)
    assert (made.state, made.deadline) == ("open", START + timedelta(hours=48))
    assert [line["text"] for line in made.asked] == list(ASKED)
    assert heard == [QuestionAsked(made.id)]


def test_contact_details_never_reach_the_records(db: Database) -> None:
    seller = make.seller(db)
    made = make.question(
        db, of=seller, summary="Écrivez à c.roy@eaux.fr ou au 06 12 34 56 78.", asked=("Sur aquafouine.fr ?",)
    )
    questions.answer(
        db, seller.actor, question_id=made.id, answers=[("yes", "Voir www.moi.fr, solene chez moi point fr")]
    )
    kept = read(db, made.id)
    assert kept.summary == f"Écrivez à {MASK} ou au {MASK}."
    assert kept.asked == [{"text": f"Sur {MASK} ?", "verdict": "yes", "words": f"Voir {MASK} {MASK}"}]
    with db.reading() as session:
        assert questions.question_page(session, made.id).masked


def test_the_same_form_twice_is_one_question(db: Database) -> None:
    by, offer = make.lead(db), make.offer(db, make.seller(db).expert)
    assert ask(db, by, offer.id).id == ask(db, by, offer.id).id


@pytest.mark.parametrize(
    ("summary", "asked", "missing"), [("  ", ["a?"], "summary"), ("s", ["", ""], "asked")]
)
def test_an_empty_one_is_refused(db: Database, summary: str, asked: list[str], missing: str) -> None:
    by, offer = make.lead(db), make.offer(db, make.seller(db).expert)
    with pytest.raises(QuestionIncomplete) as refused:
        questions.ask(db, by.actor, offer_id=offer.id, summary=summary, asked=asked, token="t")
    assert refused.value.facts == {"missing": missing}


def test_a_long_one_is_refused_not_cut(db: Database) -> None:
    by, offer = make.lead(db), make.offer(db, make.seller(db).expert)
    with pytest.raises(TextRefused):
        ask(db, by, offer.id, summary="é" * 601)
    assert ask(db, by, offer.id, summary="é" * 600).summary == "é" * 600


def test_nobody_asks_themselves_nor_their_own_company(db: Database) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    with pytest.raises(OwnOffer):
        ask(db, make.lead(db, domain=seller.person.email.rpartition("@")[2]), offer.id)


@pytest.mark.parametrize("how", ["suspended", "hidden", "unpaid", "no lead"])
def test_who_cannot_be_booked_cannot_be_asked(db: Database, how: str) -> None:
    seller, by = make.seller(db), make.lead(db)
    offer = make.offer(db, seller.expert)
    with db.transaction() as tx:
        if how == "suspended":
            tx.session.get_one(Person, seller.person.id).suspended_at = tx.now
        elif how == "hidden":
            tx.session.get_one(type(offer), offer.id).status = "hidden"
        elif how == "unpaid":
            tx.session.get_one(Expert, seller.expert.id).account_status = "restricted"
    actor = Actor(make.person(db).id) if how == "no lead" else by.actor
    with pytest.raises(NotFound if how == "no lead" else NotBookable):
        questions.ask(db, actor, offer_id=offer.id, summary="s", asked=["a?"], token="t")


def test_three_open_a_person_and_a_closed_one_makes_room(db: Database) -> None:
    by, sellers = make.lead(db), [make.seller(db) for _ in range(4)]
    offers = [make.offer(db, seller.expert).id for seller in sellers]
    made = [ask(db, by, offer, token=f"t{n}") for n, offer in enumerate(offers[:3])]
    with pytest.raises(TooManyQuestions) as refused:
        ask(db, by, offers[3], token="t3")
    assert refused.value.facts == {"limit": 3, "whose": "person"}
    questions.answer(db, sellers[0].actor, question_id=made[0].id, answers=[("no", "")])
    ask(db, by, offers[3], token="t4")


def test_five_an_expert_within_seven_days_unless_they_say_otherwise(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    for _ in range(5):
        ask(db, make.lead(db), offer.id)
    with pytest.raises(TooManyQuestions) as refused:
        ask(db, make.lead(db), offer.id)
    assert refused.value.facts == {"limit": 5, "whose": "expert"}
    questions.set_limit(db, seller.actor, per_week=6, paused=False)
    ask(db, make.lead(db), offer.id)
    questions.set_limit(db, seller.actor, per_week=50, paused=True)
    with pytest.raises(QuestionsPaused):
        ask(db, make.lead(db), offer.id)
    questions.set_limit(db, seller.actor, per_week=1, paused=False)
    clock.move(timedelta(days=7))
    ask(db, make.lead(db), offer.id)


def test_the_expert_answers_once(db: Database, heard: list[object]) -> None:
    seller = make.seller(db)
    made = make.question(db, of=seller, asked=ASKED)
    with pytest.raises(QuestionIncomplete):
        questions.answer(db, seller.actor, question_id=made.id, answers=YES_NO[:1])
    with pytest.raises(QuestionIncomplete):
        questions.answer(db, seller.actor, question_id=made.id, answers=[("maybe", ""), ("no", "")])
    questions.answer(db, seller.actor, question_id=made.id, answers=YES_NO)
    kept = read(db, made.id)
    assert (kept.state, kept.deadline, kept.closed_at) == ("answered", None, START)
    assert [(line["verdict"], line["words"]) for line in kept.asked] == YES_NO
    with pytest.raises(QuestionOver):
        questions.answer(db, seller.actor, question_id=made.id, answers=YES_NO)
    assert heard == [QuestionAsked(made.id), QuestionClosed(made.id)]


def test_to_others_it_does_not_exist(db: Database) -> None:
    made = make.question(db)
    for actor in (make.seller(db).actor, make.lead(db).actor, make.operator(db)):
        with pytest.raises(NotFound):
            questions.answer(db, actor, question_id=made.id, answers=[("yes", "")])
    with pytest.raises(NotFound):
        questions.answer(db, make.seller(db).actor, question_id=uuid.uuid4(), answers=[("yes", "")])


def test_not_me_but_names_another_live_offer(db: Database) -> None:
    seller, other = make.seller(db), make.seller(db, name="Jonas Meier")
    made = make.question(db, of=seller)
    gone = make.offer(db, make.seller(db, account_status="none").expert)
    for wrong in (made.offer_id, gone.id, uuid.uuid4()):
        with pytest.raises(NamedOfferWrong):
            questions.pass_on(db, seller.actor, question_id=made.id, named_id=wrong, words="")
    named = make.offer(db, other.expert, title="Compteurs en ville")
    questions.pass_on(db, seller.actor, question_id=made.id, named_id=named.id, words="Jonas l’a fait.")
    with db.reading() as session:
        page = questions.question_page(session, made.id)
    assert (page.question.state, page.named_title, page.named_expert) == (
        "passed_on", "Compteurs en ville", "Jonas Meier",
    )  # fmt: skip


def test_the_clock_closes_what_nobody_answered_once(
    db: Database, clock: FakeClock, heard: list[object]
) -> None:
    seller = make.seller(db)
    made = make.question(db, of=seller)
    clock.move(timedelta(hours=48, seconds=-1))
    assert questions.run_clock(db) == 0
    clock.move(timedelta(seconds=1))
    with pytest.raises(QuestionOver):
        questions.answer(db, seller.actor, question_id=made.id, answers=[("yes", "")])
    assert [questions.run_clock(db), questions.run_clock(db)] == [1, 0]
    assert read(db, made.id).state == "unanswered"
    assert heard == [QuestionAsked(made.id), QuestionClosed(made.id)]


def test_the_rate_counts_what_is_closed(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer, other = make.offer(db, seller.expert), make.offer(db, make.seller(db).expert)
    made = [ask(db, make.lead(db), offer.id).id for _ in range(4)]

    def rate() -> tuple[int, int] | None:
        with db.reading() as session:
            return questions.taking_of(session, seller.expert.id, clock.now).rate

    questions.answer(db, seller.actor, question_id=made[0], answers=[("no", "")])
    questions.pass_on(db, seller.actor, question_id=made[1], named_id=other.id, words="")
    assert rate() is None
    clock.move(timedelta(days=2))
    questions.run_clock(db)
    assert rate() == (2, 4)


def test_the_answer_goes_with_a_later_booking_of_that_offer(db: Database) -> None:
    seller, by = make.seller(db), make.lead(db)
    offer, other = make.offer(db, seller.expert), make.offer(db, seller.expert)
    made = make.question(db, by=by, of=seller, offer_of=offer)
    theirs = make.question(db, of=seller, offer_of=offer)
    for one in (made, theirs):
        questions.answer(db, seller.actor, question_id=one.id, answers=[("yes", "")])

    def attached(offer_of: make.Offer, days: int) -> list[uuid.UUID]:
        booked = make.booking(db, by=by, of=seller, offer_of=offer_of, days_ahead=days)
        with db.reading() as session:
            return [one.id for one in questions.answers_for(session, session.get_one(Booking, booked.id))]

    assert attached(offer, 10) == [made.id]
    assert attached(other, 12) == []


def test_lists_are_paged_and_cost_the_same_whatever_they_hold(
    db: Database, clock: FakeClock, count_queries: object
) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    questions.set_limit(db, seller.actor, per_week=50, paused=False)
    made = []
    for _ in range(23):
        made.append(ask(db, make.lead(db), offer.id).id)
        clock.move(timedelta(minutes=1))
    with db.reading() as session, count_queries() as counted:  # type: ignore[operator]
        first = questions.list_questions(session, expert_id=seller.expert.id)
        rest = questions.list_questions(session, expert_id=seller.expert.id, after=first.after)
        waiting = questions.questions_to_answer(session, seller.expert.id)
    assert counted.number == 3
    assert [row.question.id for row in [*first.rows, *rest.rows]] == made[::-1]
    assert rest.after is None
    assert [row.question.id for row in waiting] == made[:10]


def test_fifty_at_once_and_no_limit_gives_way(own_url: str) -> None:
    """Six of one person and six of others ask at the same instant: three of the one, five in all."""
    db = Database(connect(own_url), clock=FakeClock())
    by, seller, others = make.lead(db), make.seller(db), [make.lead(db) for _ in range(6)]
    offer = make.offer(db, seller.expert)
    refused: list[str] = []
    start = threading.Barrier(12)

    def one(who: make.Lead, token: str) -> None:
        start.wait()
        try:
            ask(db, who, offer.id, token=token)
        except TooManyQuestions as refusal:
            refused.append(str(refusal.facts["whose"]))

    threads = [threading.Thread(target=one, args=(by, f"m{n}")) for n in range(6)]
    threads += [threading.Thread(target=one, args=(who, f"o{n}")) for n, who in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        rows = session.execute(sa.select(Question.asker_id)).scalars().all()
    db.engine.dispose()  # type: ignore[union-attr]
    assert len(rows) == 5
    assert rows.count(by.person.id) <= 3
    assert len(refused) == 7


# Letters.


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("end", "events"),
    [
        ("open", {"question_asked"}),
        ("answered", {"question_answered"}),
        ("passed_on", {"question_passed_on"}),
        ("unanswered", {"question_unanswered_lead", "question_unanswered_expert"}),
    ],
)
def test_who_hears_of_a_question(
    db: Database, clock: FakeClock, language: str, end: str, events: set[str]
) -> None:
    by, seller = make.lead(db, language=language), make.seller(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).language = language
    made = make.question(db, by=by, of=seller, asked=ASKED)
    if end == "answered":
        questions.answer(db, seller.actor, question_id=made.id, answers=YES_NO)
    elif end == "passed_on":
        named = make.offer(db, make.seller(db).expert)
        questions.pass_on(db, seller.actor, question_id=made.id, named_id=named.id, words="Elle l’a fait.")
    elif end == "unanswered":
        clock.move(timedelta(days=2))
        questions.run_clock(db)
    for _ in range(2):  # A job run twice writes once.
        letters.question_asked(db, STATIONERY, question_id=made.id)
        letters.question_closed(db, STATIONERY, question_id=made.id)
    found = written(db)
    assert set(found) == events
    for event, message in found.items():
        complete(event, message, language)
        assert (
            by.person.name not in text_of(message) or message["To"].addresses[0].addr_spec == by.person.email
        )


def written(db: Database) -> dict[str, EmailMessage]:
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter)).all()
    assert len({row.event for row in rows}) == len(rows)
    return {row.event: opened(row.message) for row in rows}


def test_between_offers_of_equal_fit_reviews_decide_then_answers(db: Database, clock: FakeClock) -> None:
    silent, answers = make.seller(db), make.seller(db)
    offers = {
        seller.expert.id: make.offer(db, seller.expert, title="Des vannes") for seller in (answers, silent)
    }
    with db.transaction() as tx:
        for one in offers.values():
            index_offer(tx, one.id)
    for seller in (silent, answers):
        for _ in range(3):
            made = make.question(db, of=seller, offer_of=offers[seller.expert.id])
            if seller is answers:
                questions.answer(
                    db, seller.actor, question_id=made.id, answers=[("yes", "")] * len(made.asked)
                )
    clock.move(timedelta(hours=49))
    questions.run_clock(db)

    def first() -> uuid.UUID:
        with db.reading() as session:
            return find(session, "vannes", now=db.clock()).hits[0].line.expert_id

    assert first() == answers.expert.id
    with db.transaction() as tx:
        tx.session.execute(
            sa.update(SearchRow)
            .where(SearchRow.offer_id == offers[silent.expert.id].id)
            .values(rating_score=4_900)
        )
    assert first() == silent.expert.id
