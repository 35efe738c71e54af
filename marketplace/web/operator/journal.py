"""The journal: every act with who, when, what and why. Nothing here can be changed, also not by operators."""

from __future__ import annotations

from flask import render_template, request, url_for

from ...services.moderation import journal as trail
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..formats.acts import ACTS
from ..house import house
from ..language import current_zone_name
from . import blueprint


@blueprint.get("/journal")
@rule("operator.journal")
def journal() -> str:
    """Newest first; by or about one person, and of one act."""
    who, act = request.args.get("who", "")[:254], request.args.get("act", "")[:64]
    with house().db.reading() as session:
        person_id = trail.person_of(session, who) if who else None
        lines: list[trail.Line] = []
        after = None
        if person_id is not None or not who:
            lines, after = trail.read_journal(
                session, person_id=person_id, act=act, after=read_cursor(request.args.get("after"))
            )
    next_url = url_for("operator.journal", after=write_cursor(after), who=who, act=act) if after else None
    return render_template(
        "operator/journal.html", lines=lines, who=who, act=act, acts=list(ACTS), next_url=next_url,
        unknown=bool(who) and person_id is None, zone=current_zone_name(),
    )  # fmt: skip
