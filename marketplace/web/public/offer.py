"""An offer as anybody reads it, before signing up: the story, the price with every line, the next slots."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from flask import g, render_template, request, url_for

from ...domain.errors import TextRefused
from ...domain.search import MOST_CHARACTERS
from ...domain.words import clean_text
from ...services import shortlists
from ...services.offers import OfferPage, count_view, offer_page
from ...services.search import answer_in, meant_by
from ..access import rule
from ..house import house
from ..one_offer import offer_shown, slots_for_member
from . import blueprint

# Machines that say so, and pages fetched before anybody asked for them: nobody has read anything.
_MACHINE = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|scan|monitor|headless|lighthouse|curl|wget|python|java/|^$", re.I
)


@blueprint.get("/offers/<slug>")
@rule("public")
def offer(slug: str) -> str:
    """The page of an offer; NotFound for what is not live. A fixed number of statements, whatever the data."""
    now = house().clock()
    back = _back()
    meant = meant_by(house().db, house().encoders, back[0]) if back and back[0] else None
    with house().db.reading() as session:
        page = offer_page(session, slug[:200])
        shown = offer_shown(session, page, now)
        why = answer_in(session, meant, page.id, page.version) if meant else None
        theirs = slots_for_member(session, page, g.actor, now) if g.me is not None else None
        kept = g.me is not None and shortlists.has(session, g.me.id, page.id)
    if theirs is not None:
        shown["slots"] = theirs
    if _is_read(page):
        count_view(house().db, page.id)
    own = getattr(g.get("me"), "id", None) == page.person_id
    return render_template("public/offer.html", **shown, kept=kept, back=back, why=why, own=own)


def _is_read(page: OfferPage) -> bool:
    """Whether a reading counts: by a person, who is neither its expert nor an operator, and who asked for it."""
    me = g.get("me")
    ahead = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return (
        request.method == "GET"
        and "prefetch" not in ahead
        and not _MACHINE.search(request.user_agent.string)
        and not (me is not None and (me.operator or me.id == page.person_id))
    )


def _back() -> tuple[str, str] | None:
    """(query, address) of the results one came from, with their filters and page; else of the link's own `q`."""
    results = url_for("public.results")
    query = _clean(request.args.get("q", ""))
    came = urlsplit(request.referrer or "")
    if came.netloc == request.host and came.path == results:
        there = _clean(parse_qs(came.query, errors="replace").get("q", [""])[0])
        if query in ("", there):
            return there, f"{results}?{came.query}" if came.query else results
    return (query, url_for("public.results", q=query)) if query else None


def _clean(text: str) -> str:
    try:
        return clean_text(text, MOST_CHARACTERS)
    except TextRefused:
        return ""
