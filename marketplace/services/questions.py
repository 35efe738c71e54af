"""Asking before booking: a project lead asks, the expert answers, names another offer, or lets it run out.

Contact details are masked as the texts come in: what was masked is kept nowhere.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ..domain import questions as law
from ..domain.contacts import is_masked, mask_contacts
from ..domain.errors import NamedOfferWrong, NotBookable, NotFound, QuestionIncomplete, QuestionOver
from ..domain.events import QuestionAsked, QuestionClosed
from ..domain.policy import Actor, Parties, may
from ..domain.words import clean_line, clean_text
from ..storage import locks
from ..storage.bookings import Booking
from ..storage.companies import Company
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.offers import Offer, OfferVersion
from ..storage.people import Person
from ..storage.questions import Question, QuestionLimit
from ..storage.types import another
from .bookings.wanted import lead_of, refuse_own, wanted_offer

log = logging.getLogger(__name__)
A_PAGE = 20
MOST_SHOWN = 10
_NamedOffer = another(Offer)
_NamedVersion = another(OfferVersion)
_NamedExpert = another(Expert)
_NamedPerson = another(Person)


def ask(
    db: Database, actor: Actor, *, offer_id: uuid.UUID, summary: str, asked: Sequence[str], token: str
) -> Question:
    """Ask about an offer: a summary that may be public, one to three closed questions; 48 h to answer.

    `token` is the form's own: sent twice it is one question. Raises NotFound, NotBookable, OwnOffer,
    QuestionIncomplete, QuestionsPaused, TooManyQuestions, and what cleaning a text refuses.
    """
    with db.transaction() as tx:
        wanted = wanted_offer(tx.session, offer_id)
        person, company = lead_of(tx.session, actor)
        refuse_own(wanted, person, company)
        # Both limits are counted behind these two.
        locks.take(tx, calendar=wanted.expert.id, company=company.id)
        key = f"{person.id}/{token}"
        already = tx.session.scalar(sa.select(Question).where(Question.token == key))
        if already is not None:
            return already
        told = mask_contacts(clean_text(summary, law.LONGEST_SUMMARY))
        if not told:
            raise QuestionIncomplete(missing="summary")
        lines = law.asked_of([mask_contacts(clean_line(text, law.LONGEST_ASKED)) for text in asked])
        taking = taking_of(tx.session, wanted.expert.id, tx.now)
        open_of_person = tx.session.scalar(
            sa.select(sa.func.count()).where(Question.asker_id == person.id, Question.state == "open",
                                             Question.deadline > tx.now)
        )  # fmt: skip
        law.refuse_too_many_questions(open_of_person or 0, taking.taken, taking.per_week, taking.paused)
        question = Question(
            asker_id=person.id, company_id=company.id, expert_id=wanted.expert.id, offer_id=offer_id,
            version_id=wanted.version.id, token=key, language=person.language, summary=told,
            asked=[{"text": text} for text in lines], asked_at=tx.now, deadline=law.answer_until(tx.now),
        )  # fmt: skip
        tx.session.add(question)
        tx.session.flush()  # Its id goes into the announcement.
        tx.announce(QuestionAsked(question.id))
        return question


def answer(
    db: Database, actor: Actor, *, question_id: uuid.UUID, answers: Sequence[tuple[str, str]]
) -> Question:
    """Answer each question: (one of VERDICTS, up to 600 characters). NotFound, QuestionOver, QuestionIncomplete."""
    with db.transaction() as tx:
        question = _open_for(tx, actor, question_id)
        if len(answers) != len(question.asked) or any(verdict not in law.VERDICTS for verdict, _ in answers):
            raise QuestionIncomplete(missing="verdict")
        question.asked = [
            {"text": asked["text"], "verdict": verdict,
             "words": mask_contacts(clean_text(words, law.LONGEST_WORDS))}
            for asked, (verdict, words) in zip(question.asked, answers, strict=True)
        ]  # fmt: skip
        _close(tx, question, "answered")
        return question


def pass_on(
    db: Database, actor: Actor, *, question_id: uuid.UUID, named_id: uuid.UUID, words: str
) -> Question:
    """ "Not me, but …": name another live offer, with up to 600 characters. NotFound, QuestionOver, NamedOfferWrong."""
    with db.transaction() as tx:
        question = _open_for(tx, actor, question_id)
        try:
            named = wanted_offer(tx.session, named_id)
        except (NotFound, NotBookable):
            raise NamedOfferWrong from None
        if named.offer.id == question.offer_id:
            raise NamedOfferWrong
        question.named_id = named_id
        question.words = mask_contacts(clean_text(words, law.LONGEST_WORDS))
        _close(tx, question, "passed_on")
        return question


def run_clock(db: Database) -> int:
    """Questions whose 48 hours are over are closed unanswered; how many."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(Question.id)
            .where(Question.deadline <= db.clock())
            .order_by(Question.deadline)
            .limit(200)
        ).all()
    return sum(_run_out(db, question_id) for question_id in due)


def _run_out(db: Database, question_id: uuid.UUID) -> bool:
    try:
        with db.transaction() as tx:
            question = tx.session.get(Question, question_id, with_for_update=True)
            if question is None or question.deadline is None or question.deadline > tx.now:
                return False
            _close(tx, question, "unanswered")
            return True
    except Exception:
        log.exception("the clock could not close question %s", question_id)
        return False


def _open_for(tx: Tx, actor: Actor, question_id: uuid.UUID) -> Question:
    """The question, locked, for its expert while it is open."""
    question = tx.session.get(Question, question_id, with_for_update=True)
    if question is None or not may("question.answer", actor, parties_of(question)):
        raise NotFound
    if question.state != "open":
        raise QuestionOver(state=question.state)
    if question.deadline is not None and question.deadline <= tx.now:
        raise QuestionOver(state="unanswered")
    return question


def _close(tx: Tx, question: Question, state: str) -> None:
    question.state, question.deadline, question.closed_at = state, None, tx.now
    tx.session.flush()  # The reactions read it.
    tx.announce(QuestionClosed(question.id))


def parties_of(question: Question) -> Parties:
    """Who stands on which side of it."""
    return Parties(question.asker_id, question.company_id, question.expert_id)


@dataclass(frozen=True)
class Taking:
    """How an expert takes questions: so many within seven days, and how many of all were answered in time."""

    per_week: int
    paused: bool
    taken: int
    closed: int
    answered: int

    @property
    def full(self) -> bool:
        """Whether this week's number is asked already."""
        return self.taken >= self.per_week

    @property
    def rate(self) -> tuple[int, int] | None:
        """(answered within 48 h, of how many), from RATE_FROM closed ones on; passing on is an answer."""
        return law.shown_rate(self.closed, self.answered)


def taking_of(session: Session, expert_id: uuid.UUID, now: datetime) -> Taking:
    """One statement."""
    asked = (
        sa.select(
            sa.func.count().filter(Question.asked_at > now - law.WEEK).label("taken"),
            sa.func.count().filter(Question.state != "open").label("closed"),
            sa.func.count().filter(Question.state.in_(("answered", "passed_on"))).label("answered"),
        )
        .where(Question.expert_id == expert_id)
        .subquery()
    )
    row = session.execute(
        sa.select(QuestionLimit.per_week, QuestionLimit.paused, asked)
        .select_from(asked)
        .outerjoin(QuestionLimit, QuestionLimit.expert_id == expert_id)
    ).one()
    return Taking(row.per_week or law.PER_WEEK, bool(row.paused), row.taken, row.closed, row.answered)


def set_limit(db: Database, actor: Actor, *, per_week: int, paused: bool) -> None:
    """An expert's own number, 1 to 50, and whether they take any just now; open ones stay to be answered."""
    with db.transaction() as tx:
        values = {
            "per_week": min(max(per_week, 1), law.MOST_PER_WEEK),
            "paused": paused,
            "changed_at": tx.now,
        }
        tx.session.execute(
            insert(QuestionLimit).values(expert_id=actor.expert_id, **values)
            .on_conflict_do_update(index_elements=[QuestionLimit.expert_id], set_=values)
        )  # fmt: skip


@dataclass(frozen=True)
class QuestionPage:
    """A question with everybody and everything it names."""

    question: Question
    version: OfferVersion
    slug: str
    expert_name: str
    company: str
    named_slug: str | None
    named_title: str | None
    named_language: str | None
    named_expert: str | None

    @property
    def masked(self) -> bool:
        """Whether contact details were taken out of a text."""
        said = [self.question.summary, self.question.words]
        said += [text for asked in self.question.asked for text in (asked["text"], asked.get("words", ""))]
        return any(map(is_masked, said))


def _pages() -> sa.Select[Question, OfferVersion, str, str, str, str, str, str, str]:
    return (
        sa.select(Question, OfferVersion, Offer.slug, Person.name, Company.name, _NamedOffer.slug,
                  _NamedVersion.title, _NamedVersion.language, _NamedPerson.name)
        .join(OfferVersion, OfferVersion.id == Question.version_id)
        .join(Offer, Offer.id == Question.offer_id)
        .join(Expert, Expert.id == Question.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .join(Company, Company.id == Question.company_id)
        .outerjoin(_NamedOffer, _NamedOffer.id == Question.named_id)
        .outerjoin(_NamedVersion, sa.and_(_NamedVersion.offer_id == _NamedOffer.id, _NamedVersion.live))
        .outerjoin(_NamedExpert, _NamedExpert.id == _NamedOffer.expert_id)
        .outerjoin(_NamedPerson, _NamedPerson.id == _NamedExpert.person_id)
    )  # fmt: skip


def question_page(session: Session, question_id: uuid.UUID) -> QuestionPage:
    """One statement. NotFound."""
    row = session.execute(_pages().where(Question.id == question_id)).one_or_none()
    if row is None:
        raise NotFound
    return QuestionPage(*row)


@dataclass(frozen=True)
class ListedQuestions:
    """A page of a list; `after` leads to the next one."""

    rows: Sequence[QuestionPage]
    after: tuple[datetime, uuid.UUID] | None


def list_questions(
    session: Session,
    *,
    asker_id: uuid.UUID | None = None,
    expert_id: uuid.UUID | None = None,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> ListedQuestions:
    """Newest first, keyset-paged, of one asker or of one expert."""
    query = _pages().order_by(Question.asked_at.desc(), Question.id.desc()).limit(A_PAGE + 1)
    query = query.where(
        Question.expert_id == expert_id if asker_id is None else Question.asker_id == asker_id
    )
    if after is not None:
        query = query.where(sa.tuple_(Question.asked_at, Question.id) < after)
    rows = [QuestionPage(*row) for row in session.execute(query)]
    last = rows[A_PAGE - 1].question if len(rows) > A_PAGE else None
    return ListedQuestions(rows[:A_PAGE], (last.asked_at, last.id) if last else None)


def questions_to_answer(session: Session, expert_id: uuid.UUID) -> list[QuestionPage]:
    """What waits for this expert's answer, the most urgent first."""
    waiting = _pages().where(Question.expert_id == expert_id, Question.state == "open")
    return [
        QuestionPage(*row) for row in session.execute(waiting.order_by(Question.deadline).limit(MOST_SHOWN))
    ]


def answers_for(session: Session, booking: Booking) -> list[Question]:
    """What the lead of a booking asked about its offer and was answered: it goes with the booking."""
    return list(
        session.scalars(
            sa.select(Question)
            .where(Question.asker_id == booking.lead_id, Question.offer_id == booking.offer_id,
                   Question.state == "answered")
            .order_by(Question.asked_at.desc())
            .limit(MOST_SHOWN)
        )
    )  # fmt: skip
