"""Where no slot suits: a place in the queue, three times of one's own, and the page of both."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotBookable, NotFound, QueueRefused, Refusal
from ...services import queues
from ...services.offers import offer_page
from ..access import door_offer, door_place, door_times, rule
from ..cursor import read_cursor, write_cursor
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..queues import JoinForm, TimesForm
from ..refusals import sentence, status
from . import blueprint


@blueprint.route("/offers/<slug>/queue", methods=["GET", "POST"])
@rule("queue.join")
def join_queue(slug: str) -> Any:
    """Tell me of a slot between these days."""
    offer = door_offer(slug)
    form, zone = JoinForm(), current_zone_name()
    error = ""
    free: Mapping[str, Any] = {}
    code = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        try:
            queues.join(
                house().db, g.actor, offer_id=offer.id, first=form.first.data, last=form.last.data, zone=zone,
                format=form.where.data or "", token=request.form.get("token", "")[:64],
            )  # fmt: skip
            flash(_("You are told by mail as soon as it is your turn."))
            return redirect(url_for("buyer.places"), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error, code, free = sentence(refusal), status(refusal), refusal.facts
            if isinstance(refusal, QueueRefused) and refusal.facts["why"] in ("order", "past", "far"):
                form.last.errors, error = [error], ""
    return _shown("buyer/join_queue.html", slug, form, error, free=free), code


def _shown(template: str, slug: str, form: JoinForm | TimesForm, error: str, **more: Any) -> str:
    """Either form with the offer it is about; the place is asked only where the offer leaves the choice."""
    now = house().clock()
    zone = current_zone_name()
    today = now.astimezone(ZoneInfo(zone)).date()
    with house().db.reading() as session:
        page = offer_page(session, slug)
        try:
            earliest = queues.earliest_of(session, page.id, now)
        except (NotFound, NotBookable):
            earliest = None
    if page.version.format != "both":
        del form.where
    if isinstance(form, JoinForm) and request.method == "GET":
        form.first.data, form.last.data = today, today + timedelta(days=30)
    return render_template(
        template, page=page, form=form, error=error, own=g.me.id == page.person_id, zone=zone, today=today,
        earliest=earliest, token=request.form.get("token") or form_token(), **more,
    )  # fmt: skip


@blueprint.route("/offers/<slug>/times", methods=["GET", "POST"])
@rule("times.ask")
def ask_times(slug: str) -> Any:
    """No slot suits me: propose three times."""
    offer = door_offer(slug)
    form, zone = TimesForm(), current_zone_name()
    error, code = "", 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        starts = form.starts(zone)
        try:
            queues.ask(
                house().db, g.actor, offer_id=offer.id, starts=starts, format=form.where.data or "",
                words=form.words.data or "", token=request.form.get("token", "")[:64],
            )  # fmt: skip
            flash(_("Your times are sent."))
            return redirect(url_for("buyer.places"), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error, code = sentence(refusal), status(refusal)
            if refusal.facts.get("why") == "words":
                form.words.errors, error = [error], ""
            elif refusal.facts.get("why") in ("number", "quarter", "early", "late"):
                at = refusal.facts.get("at", starts[-1])
                form[("first", "second", "third")[starts.index(at)]].errors, error = [error], ""
    return _shown("buyer/ask_times.html", slug, form, error), code


@blueprint.get("/places", endpoint="places")
@rule("places.list_own")
def places_list() -> str:
    """Where one waits, and the times one proposed."""
    with house().db.reading() as session:
        places = queues.places_of(session, g.me.id)
        listed = queues.list_asked(session, lead_id=g.me.id, after=read_cursor(request.args.get("after")))
    return render_template(
        "buyer/places.html", places=places, listed=listed, zone=current_zone_name(),
        next_url=url_for("buyer.places", after=write_cursor(listed.after)) if listed.after else None,
    )  # fmt: skip


@blueprint.post("/places/<uuid:place_id>/leave")
@rule("place.leave")
def leave_place(place_id: uuid.UUID) -> Any:
    """Give a place up."""
    door_place(place_id, "place.leave")
    try:
        queues.leave(house().db, g.actor, place_id=place_id)
        flash(_("You no longer wait."))
    except QueueRefused as over:
        flash(sentence(over), "bad")
    return redirect(url_for("buyer.places"), 303)


@blueprint.post("/times/<uuid:times_id>/withdraw")
@rule("times.withdraw")
def withdraw_times(times_id: uuid.UUID) -> Any:
    """Take the proposed times back."""
    door_times(times_id, "times.withdraw")
    try:
        queues.withdraw(house().db, g.actor, times_id=times_id)
        flash(_("Your times are withdrawn."))
    except QueueRefused as over:
        flash(sentence(over), "bad")
    return redirect(url_for("buyer.places"), 303)
