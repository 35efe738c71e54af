"""Times that buyers propose, from the expert's side: take one, or none."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from ...domain.errors import MeetingPlaceMissing, NotBookable, NotFound, QueueRefused, Refusal
from ...services import queues
from ...services.queues import AskedPage
from ...storage.experts import Expert
from ..access import door_times, rule
from ..cursor import read_cursor, write_cursor
from ..formats import day_long, span
from ..house import house
from ..language import current_zone_name
from ..queues import DeclineTimesForm, TakeTimeForm
from ..refusals import sentence, status
from . import blueprint


@blueprint.get("/times", endpoint="times")
@rule("times.take")
def times_list() -> str:
    """All times proposed to this expert, newest first."""
    with house().db.reading() as session:
        listed = queues.list_asked(
            session, expert_id=g.actor.expert_id, after=read_cursor(request.args.get("after"))
        )
    next_url = url_for("expert.times", after=write_cursor(listed.after)) if listed.after else None
    return render_template("expert/times.html", listed=listed, zone=current_zone_name(), next_url=next_url)


@blueprint.route("/times/<uuid:times_id>", methods=["GET", "POST"])
@rule("times.answer")
def asked_times(times_id: uuid.UUID) -> Any:
    """One proposal of three times, and the yes to one of them."""
    page = _page(times_id)
    form = _form(page)
    error, code = "", 422 if request.method == "POST" else 200
    if request.method == "POST" and form.validate():
        try:
            queues.take(
                house().db, g.actor, times_id=times_id, start=datetime.fromisoformat(form.start.data),
                place=form.place.data or "", accepted=form.accepted,
            )  # fmt: skip
            flash(_("The time is held for them. They have four hours to pay."))
            return redirect(url_for("expert.asked_times", times_id=times_id), 303)
        except NotFound:
            raise
        except MeetingPlaceMissing as refusal:
            form.place.errors = [sentence(refusal)]
        except Refusal as refusal:
            error, code = sentence(refusal), status(refusal)
    return _shown(page, form, DeclineTimesForm(formdata=None), error), code


@blueprint.post("/times/<uuid:times_id>/decline")
@rule("times.answer")
def decline_times(times_id: uuid.UUID) -> Any:
    """None of the three, with words."""
    page = _page(times_id)
    form = DeclineTimesForm()
    if form.validate_on_submit():
        try:
            queues.decline(house().db, g.actor, times_id=times_id, words=form.words.data or "")
        except QueueRefused as refusal:
            if refusal.facts["why"] == "words":
                form.words.errors = [sentence(refusal)]
                return _shown(page, _form(page, taken=False), form), 422
            flash(sentence(refusal), "bad")
        return redirect(url_for("expert.asked_times", times_id=times_id), 303)
    return _shown(page, _form(page, taken=False), form), 422


def _page(times_id: uuid.UUID) -> AskedPage:
    door_times(times_id, "times.answer")
    with house().db.reading() as session:
        return queues.asked_page(session, times_id)


def _form(page: AskedPage, taken: bool = True) -> TakeTimeForm:
    """Those of the three that can be taken now; the others stand beside with why."""
    form = TakeTimeForm() if taken else TakeTimeForm(formdata=None)
    zone = current_zone_name()
    with house().db.reading() as session:
        try:
            form.answerable = queues.answerable(session, page, house().clock())
        except (NotFound, NotBookable):
            form.answerable = []
        link = session.get_one(Expert, page.asked.expert_id).meeting_link
    form.start.choices = [
        SelectChoice(start.isoformat(), f"{day_long(start, zone)}, {span(start, end, zone)}")
        for (start, end), why in form.answerable
        if not why
    ]
    if request.method == "GET" and page.asked.format == "remote":
        form.place.data = link
    return form


def _shown(page: AskedPage, form: TakeTimeForm, declining: DeclineTimesForm, error: str = "") -> str:
    return render_template(
        "expert/asked_times.html", page=page, form=form, declining=declining, error=error,
        now=house().clock(), zone=current_zone_name(),
    )  # fmt: skip
