"""The demo's own doors: being anybody by one click, and moving the clock. In production none of this exists."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..services import people
from ..services.clock import move_clock
from .access import rule
from .account.log_in import go_on
from .formats.times import moment
from .formats.words import attribute
from .gate import let_in, safe_next
from .house import house, real_now
from .language import current_zone_name

blueprint = Blueprint("dev", __name__, url_prefix="/dev")

STEPS = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "4d": timedelta(days=4),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
}


@blueprint.before_request
def demo_only() -> None:
    """Where there is no demo there is no such page."""
    if not house().config.demo:
        abort(404)


@blueprint.route("/login", methods=["GET", "POST"])
@rule("public")
def log_in() -> Any:
    """Everybody of the demo, by what they are; one click and one is them."""
    chosen = request.form.get("person", "")
    towards = safe_next(request.values.get("next"))
    kept = request.form.get("again", "")
    if not chosen:
        with house().db.reading() as session:
            found = people.demo_people(session)
        return render_template("dev/log_in.html", groups=_groups(found), towards=towards or "", kept=kept)
    try:
        person_id = uuid.UUID(chosen)
    except ValueError:
        abort(404)
    login = people.log_in_demo(
        house().db, person_id=person_id, demo=house().config.demo, address=request.remote_addr or "",
        user_agent=request.user_agent.string, real_now=real_now(),
    )  # fmt: skip
    return let_in(login, lambda: go_on(login, towards, kept))


@blueprint.post("/clock")
@rule("public")
def clock() -> Any:
    """Move the platform's time ahead; what falls due meanwhile happens at its time."""
    step = STEPS.get(request.form.get("by", ""))
    back = safe_next(request.form.get("next")) or url_for("entry")
    if step is None:
        abort(422)
    now = move_clock(house().db, house().payments, house().clock, by=step)  # type: ignore[arg-type]
    flash(_("It is now %(when)s.", when=attribute(moment(now, current_zone_name()))))
    return redirect(back, 303)


def _groups(found: list[people.DemoPerson]) -> list[tuple[str, list[people.DemoPerson]]]:
    groups = [
        (_("Project leads"), [p for p in found if p.company and not p.operator and not p.headline]),
        (_("Experts"), [p for p in found if p.headline and not p.operator]),
        (_("Operators"), [p for p in found if p.operator]),
        (_("Others"), [p for p in found if not (p.operator or p.headline or p.company)]),
    ]
    return [(title, persons) for title, persons in groups if persons]
