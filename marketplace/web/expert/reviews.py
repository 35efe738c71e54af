"""What clients said of the expert's sessions, and the words they left for the expert alone."""

from __future__ import annotations

from flask import g, render_template, request, url_for

from ...services.reviews import reviews_received
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from . import blueprint

A_PAGE = 20


@blueprint.get("/reviews")
@rule("expert.home")
def reviews() -> str:
    """All that are visible, newest first, with the notes that nobody else reads."""
    after = read_cursor(request.args.get("after"))
    with house().db.reading() as session:
        received = reviews_received(session, g.actor.expert_id, house().clock(), A_PAGE, after)
    return render_template(
        "expert/reviews.html",
        rows=received.rows,
        first_page=after is None,
        next_url=url_for("expert.reviews", after=write_cursor(received.after)) if received.after else None,
    )
