"""Letters about questions before booking."""

from __future__ import annotations

import uuid
from typing import Any

from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.people import Person
from ..questions import QuestionPage, question_page
from .desk import put
from .facts import Party, party
from .stationery import Stationery


def question_asked(db: Database, stationery: Stationery, *, question_id: uuid.UUID) -> None:
    """Tell the expert that somebody asks, unless it is closed already."""
    with db.transaction() as tx:
        page = question_page(tx.session, question_id)
        if page.question.state == "open":
            _put(tx, stationery, page, "expert", "question_asked")


def question_closed(db: Database, stationery: Stationery, *, question_id: uuid.UUID) -> None:
    """Tell the lead what was answered; of one that ran out, both sides."""
    with db.transaction() as tx:
        page = question_page(tx.session, question_id)
        if page.question.state == "unanswered":
            _put(tx, stationery, page, "lead", "question_unanswered_lead")
            _put(tx, stationery, page, "expert", "question_unanswered_expert")
        elif page.question.state == "passed_on":
            _put(tx, stationery, page, "lead", "question_passed_on")
        elif page.question.state == "answered":
            _put(tx, stationery, page, "lead", "question_answered")


def _put(tx: Tx, stationery: Stationery, page: QuestionPage, side: str, event: str) -> None:
    me = _side(tx, page, side)
    links = stationery.links
    facts: dict[str, Any] = {
        "me": me,
        "q": page.question,
        "title": page.version.title,
        "expert_name": page.expert_name,
        "expert_first": page.expert_name.split(" ", 1)[0],
        "company": page.company,
        "named_title": page.named_title,
        "named_expert": page.named_expert,
        "until": page.question.deadline,
        "url": links.question(str(page.question.id), me.language, side),
        "offer_url": links.offer(page.named_slug or page.slug, me.language),
        "home": links.home(me.language),
    }
    put(tx, stationery, event=event, subject=str(page.question.id), to=me, facts=facts)


def _side(tx: Tx, page: QuestionPage, side: str) -> Party:
    if side == "lead":
        return party(tx.session.get_one(Person, page.question.asker_id))
    expert = tx.session.get_one(Expert, page.question.expert_id)
    return party(tx.session.get_one(Person, expert.person_id))
