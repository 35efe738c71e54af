"""The one box: whatever an operator has in hand leads to its page."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from ...services.moderation import finding
from ..access import rule
from ..house import house
from . import blueprint


@blueprint.get("/search")
@rule("operator.search")
def search() -> Any:
    """What the text names; where it is the very name of one thing, its page at once."""
    text = request.args.get("q", "")[:200]
    with house().db.reading() as session:
        finds = finding.find(session, text)
    if finds.exact:
        return redirect(page_of(finds.found[0]), 303)
    return render_template(
        "operator/search.html", text=text.strip(), found=[(one, page_of(one)) for one in finds.found]
    )


def page_of(found: finding.Found) -> str:
    """Where something found is shown."""
    if found.kind == "booking":
        return url_for("operator.booking", reference=found.key)
    if found.kind == "person":
        return url_for("operator.person", person_id=found.key)
    if found.kind == "offer":
        return url_for("operator.offer", offer_id=found.key)
    if found.kind == "case":
        return url_for("operator.queue", case=found.key)
    return url_for("operator.bookings", q=found.key)
