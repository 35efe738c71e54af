"""Questions asked before booking, from the expert's side: answer, name another offer, limit how many."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NamedOfferWrong, NotFound, QuestionOver
from ...services import questions, search
from ...services.questions import QuestionPage
from ..access import door_offer, door_question, rule
from ..cursor import read_cursor, write_cursor
from ..forms import choices_of
from ..house import house
from ..language import current_zone_name
from ..questions import OTHER, AnswerForm, LimitForm, PassOnForm
from ..refusals import sentence
from . import blueprint

NAMED_SHOWN = 5


@blueprint.route("/questions", methods=["GET", "POST"], endpoint="questions")
@rule("questions.take")
def questions_list() -> Any:
    """All questions, newest first; and how many one takes."""
    now = house().clock()
    with house().db.reading() as session:
        listed = questions.list_questions(
            session, expert_id=g.actor.expert_id, after=read_cursor(request.args.get("after"))
        )
        taking = questions.taking_of(session, g.actor.expert_id, now)
    form = LimitForm(per_week=taking.per_week, paused=taking.paused)
    if form.validate_on_submit():
        questions.set_limit(house().db, g.actor, per_week=form.per_week.data, paused=form.paused.data)
        flash(_("Kept."))
        return redirect(url_for("expert.questions"), 303)
    return render_template(
        "expert/questions.html", listed=listed, taking=taking, form=form, zone=current_zone_name(), now=now,
        next_url=url_for("expert.questions", after=write_cursor(listed.after)) if listed.after else None,
    ), 422 if form.errors else 200  # fmt: skip


@blueprint.route("/questions/<uuid:question_id>", methods=["GET", "POST"])
@rule("question.answer")
def question(question_id: uuid.UUID) -> Any:
    """One question, and the answer to it."""
    page = _page(question_id)
    form = AnswerForm().only(len(page.question.asked))
    if request.method == "POST" and form.validate():
        try:
            questions.answer(house().db, g.actor, question_id=question_id, answers=form.answers)
        except QuestionOver as over:  # Its page says what became of it.
            flash(sentence(over), "bad")
        return redirect(url_for("expert.question", question_id=question_id), 303)
    return _shown(page, form, _naming(page), "answer")


@blueprint.post("/questions/<uuid:question_id>/pass-on")
@rule("question.answer")
def pass_on(question_id: uuid.UUID) -> Any:
    """ "Not me, but …": name another offer."""
    page = _page(question_id)
    form = _naming(page)
    if form.validate_on_submit():
        try:
            named = form.offer_id or door_offer(form.slug).id
            questions.pass_on(
                house().db, g.actor, question_id=question_id, named_id=named, words=form.words.data or ""
            )
        except (NamedOfferWrong, NotFound):
            form.address.errors = [sentence(NamedOfferWrong())]
        except QuestionOver as over:
            flash(sentence(over), "bad")
            return redirect(url_for("expert.question", question_id=question_id), 303)
        else:
            return redirect(url_for("expert.question", question_id=question_id), 303)
    return _shown(page, AnswerForm(formdata=None).only(len(page.question.asked)), form, "pass_on")


def _page(question_id: uuid.UUID) -> QuestionPage:
    door_question(question_id, "question.answer")
    with house().db.reading() as session:
        return questions.question_page(session, question_id)


def _naming(page: QuestionPage) -> PassOnForm:
    """Offers that come closest to the summary, to choose from; another one by its address."""
    form = PassOnForm(formdata=request.form if request.endpoint == "expert.pass_on" else None)
    meant = search.meant_by(house().db, house().encoders, page.question.summary)
    with house().db.reading() as session:
        hits = search.find(
            session, page.question.summary, meant=meant, now=house().clock(), limit=NAMED_SHOWN + 1
        ).hits
    lines = [hit.line for hit in hits if hit.offer_id != page.question.offer_id][:NAMED_SHOWN]
    form.named.choices = choices_of(
        *((str(line.id), f"{line.title}, {line.expert_name}") for line in lines),
        (OTHER, _("Another one, by its address")),
    )
    if form.named.data is None and (form.address.data or not lines):
        form.named.data = OTHER
    return form


def _shown(page: QuestionPage, form: AnswerForm, naming: PassOnForm, asked: str) -> Any:
    return render_template(
        "expert/question.html", page=page, form=form, naming=naming, asked=asked, now=house().clock(),
        zone=current_zone_name(),
    ), 422 if form.errors or naming.errors else 200  # fmt: skip
