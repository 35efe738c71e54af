"""Asking before booking: the form at an offer, and what became of one's questions."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotFound, Refusal
from ...services import questions
from ...services.offers import offer_page
from ..access import door_offer, door_question, rule
from ..cursor import read_cursor, write_cursor
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..questions import AskForm
from ..refusals import sentence, status
from . import blueprint


@blueprint.route("/offers/<slug>/question", methods=["GET", "POST"])
@rule("question.ask")
def ask(slug: str) -> Any:
    """Ask about this offer, free of charge."""
    offer = door_offer(slug)
    form, error, code = AskForm(), "", 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        try:
            made = questions.ask(
                house().db, g.actor, offer_id=offer.id, summary=form.summary.data or "", asked=form.asked,
                token=request.form.get("token", "")[:64],
            )  # fmt: skip
            flash(_("Your question is sent."))
            return redirect(url_for("buyer.question", question_id=made.id), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error, code = sentence(refusal), status(refusal)
    with house().db.reading() as session:
        page = offer_page(session, offer.slug)
        taking = questions.taking_of(session, page.expert_id, house().clock())
    return render_template(
        "buyer/ask.html", page=page, form=form, taking=taking, error=error,
        own=g.me.id == page.person_id, token=request.form.get("token") or form_token(),
    ), code  # fmt: skip


@blueprint.get("/questions", endpoint="questions")
@rule("questions.list_own")
def questions_list() -> str:
    """Own questions, newest first."""
    with house().db.reading() as session:
        listed = questions.list_questions(
            session, asker_id=g.me.id, after=read_cursor(request.args.get("after"))
        )
    next_url = url_for("buyer.questions", after=write_cursor(listed.after)) if listed.after else None
    return render_template("buyer/questions.html", listed=listed, zone=current_zone_name(), next_url=next_url)


@blueprint.get("/questions/<uuid:question_id>")
@rule("question.view_as_lead")
def question(question_id: uuid.UUID) -> str:
    """One question: until when it waits, or what was answered and what one can do with it."""
    door_question(question_id, "question.view_as_lead")
    with house().db.reading() as session:
        page = questions.question_page(session, question_id)
    return render_template("buyer/question.html", page=page, zone=current_zone_name())
