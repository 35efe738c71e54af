"""People as operators see them: what they are, their log-ins, their bookings with the money of each, what was laid on them."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...services import people
from ...services.moderation import desk, journal, money
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..formats.devices import device
from ..house import house, real_now
from ..language import current_zone_name
from . import blueprint

# How many lines of the journal a person's page shows; all of them are one click away.
LINES = 10


@blueprint.get("/people", endpoint="people")
@rule("operator.people")
def people_list() -> str:
    """Everybody, newest first; by name or address, and by what they are."""
    text, kind = request.args.get("q", "")[:100], request.args.get("kind", "")
    with house().db.reading() as session:
        rows, after = desk.list_people(
            session, text=text, kind=kind, after=read_cursor(request.args.get("after"))
        )
    next_url = url_for("operator.people", after=write_cursor(after), q=text, kind=kind) if after else None
    return render_template(
        "operator/people.html", rows=rows, text=text, kind=kind, kinds=desk.KINDS, next_url=next_url,
        zone=current_zone_name(),
    )  # fmt: skip


@blueprint.get("/people/<uuid:person_id>")
@rule("operator.people")
def person(person_id: uuid.UUID) -> str:
    """One person."""
    with house().db.reading() as session:
        page = desk.person_page(session, person_id, real_now=real_now())
        rows, after = money.bookings_with_money(
            session, money.whose_bookings(person_id), after=read_cursor(request.args.get("after"))
        )
        lines, _more = journal.read_journal(session, person_id=person_id, most=LINES)
    next_url = url_for("operator.person", person_id=person_id, after=write_cursor(after)) if after else None
    return render_template(
        "operator/person.html", page=page, rows=rows, next_url=next_url, lines=lines, zone=current_zone_name(),
        log_ins=[(one, device(one.user_agent)) for one in page.log_ins], own=person_id == g.me.id,
    )  # fmt: skip


@blueprint.post("/people/<uuid:person_id>/log-ins/<uuid:log_in_id>/end")
@rule("operator.restrict")
def end_log_in(person_id: uuid.UUID, log_in_id: uuid.UUID) -> Any:
    """End one of their log-ins."""
    people.end_log_in(house().db, g.actor, log_in_id, real_now())
    flash(_("That log-in is ended."))
    return redirect(url_for("operator.person", person_id=person_id), 303)
