"""The way to admission: the task list, the charter, handing it in and taking it back."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import DraftIncomplete
from ...services import experts
from ...services.experts import Step
from ...services.moderation.waiting import last_decision, place_in_queue
from ..access import rule
from ..house import house
from ..language import current_zone_name
from . import blueprint


@blueprint.get("/application")
@rule("expert.apply")
def application() -> Any:
    """What is to do and how far it is; with the operators: where it stands in their queue."""
    if not g.actor.applying:
        return redirect(url_for("expert.profile"), 303)
    return _list_page()


def _list_page(*, asked: tuple[str, ...] = ()) -> Any:
    now = house().clock()
    with house().db.reading() as session:
        steps = experts.steps(session, g.actor, now)
        draft = experts.profile_of(session, g.actor.expert_id)
        waiting = place_in_queue(session, g.actor.expert_id)
        decided = last_decision(session, g.actor.expert_id)
    page = render_template(
        "expert/application/list.html", steps=steps, rows=[_row(step) for step in steps], draft=draft,
        waiting=waiting, decided=decided, notes=experts.notes_of(draft), asked=asked, zone=current_zone_name(),
    )  # fmt: skip
    return page, 422 if asked else 200


def _row(step: Step) -> dict[str, Any]:
    """A line for ui.task_list: a link, or the button that begins the first offer."""
    if step.name == "offer" and step.offer_id is None:
        return {"step": step, "status": step.state, "post": url_for("expert.new_offer")}
    # No query is made of what is None.
    href = None if step.state == "blocked" else url_for(step.endpoint, offer_id=step.offer_id)
    return {"step": step, "status": step.state, "href": href}


@blueprint.post("/application/submit")
@rule("expert.apply")
def submit() -> Any:
    """To the operators' queue; what is still to do is said where it stands."""
    try:
        experts.submit_application(house().db, g.actor)
    except DraftIncomplete as incomplete:
        return _list_page(asked=tuple(incomplete.facts["missing"]))
    return redirect(url_for("expert.application"), 303)


@blueprint.post("/application/withdraw")
@rule("expert.apply")
def withdraw() -> Any:
    """Take back what is with the operators, to write on."""
    experts.withdraw(house().db, g.actor)
    flash(_("Taken back: it is yours to change again."))
    return redirect(url_for("expert.application" if g.actor.applying else "expert.profile"), 303)


@blueprint.route("/charter", methods=["GET", "POST"])
@rule("expert.apply")
def charter() -> Any:
    """The charter, to be read and accepted in its version in force."""
    refused = request.method == "POST" and "accepted" not in request.form
    if request.method == "POST" and not refused:
        experts.accept_charter(house().db, g.actor, address=request.remote_addr or "")
        return redirect(url_for("expert.application"), 303)
    with house().db.reading() as session:
        steps = experts.steps(session, g.actor, house().clock())
    done = any(step.name == "charter" and step.ready for step in steps)
    page = render_template("expert/application/charter.html", done=done, refused=refused)
    return page, 422 if refused else 200
