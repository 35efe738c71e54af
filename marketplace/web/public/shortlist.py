"""One's shortlist, the link for a colleague, and offers side by side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import ShortlistFull
from ...domain.reviews import days_median
from ...services import shortlists
from ...services.availability import Sought, next_slots
from ...services.offers.comparing import compared
from ...services.search import Hit, Page
from ...storage.reviews import NOTHING_SAID, said_of
from ..access import door_offer, rule
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence
from . import blueprint
from .results import shown


@blueprint.get("/shortlist")
@rule("shortlist.own")
def shortlist() -> str:
    """The offers one keeps; two of them or more can be compared."""
    return _page(None)


def _page(link: str | None) -> str:
    with house().db.reading() as session:
        kept = shortlists.of_person(session, g.actor.person_id)
        hits = shown(session, _hits(kept), "", house().clock())
    return render_template(
        "public/shortlist.html", kept=kept, hits=hits, link=link, zone=current_zone_name(), own=True
    )


@blueprint.post("/shortlist/<slug>/keep")
@rule("shortlist.own")
def keep_offer(slug: str) -> Any:
    """Put an offer on it."""
    offer = door_offer(slug)
    try:
        shortlists.keep(house().db, g.actor, offer.id)
    except ShortlistFull as full:
        flash(sentence(full), "bad")
    else:
        flash(_("It is on your shortlist."))
    return redirect(url_for("public.offer", slug=slug), 303)


@blueprint.post("/shortlist/<slug>/drop")
@rule("shortlist.own")
def drop_offer(slug: str) -> Any:
    """Take an offer off it."""
    shortlists.drop(house().db, g.actor, door_offer(slug).id)
    return redirect(url_for("public.shortlist"), 303)


@blueprint.post("/shortlist/share")
@rule("shortlist.own")
def share_shortlist() -> str:
    """Make a link for a colleague; it is shown this once, and ends the one before."""
    token = shortlists.share(house().db, g.actor)
    return _page(house().config.site_url + url_for("public.shared", token=token))


@blueprint.post("/shortlist/end-sharing")
@rule("shortlist.own")
def end_sharing() -> Any:
    """The link leads nowhere from now on."""
    shortlists.end_sharing(house().db, g.actor)
    flash(_("The link no longer works."))
    return redirect(url_for("public.shortlist"), 303)


@blueprint.get("/shared/<token>")
@rule("public")
def shared(token: str) -> str:
    """A colleague's shortlist, to read; NotFound once it is taken back."""
    with house().db.reading() as session:
        kept = shortlists.of_link(session, token)
        hits = shown(session, _hits(kept), "", house().clock())
    return render_template(
        "public/shortlist.html", kept=kept, hits=hits, link=None, zone=current_zone_name(), own=False
    )


@blueprint.get("/compare")
@rule("public")
def compare() -> str:
    """Two to four offers side by side, as a table one can print. Four statements."""
    asked = [slug[:200] for slug in request.args.getlist("offer")]
    now = house().clock()
    with house().db.reading() as session:
        rows = compared(session, asked[: shortlists.COMPARED])
        said = said_of(session, [row.id for row in rows], now)
        sought = [Sought(row.id, row.expert_id, row.minutes, row.notice_hours, row.instant) for row in rows]
        slots = next_slots(session, sought, now, 1)
    offers = [_column(row, said.get(row.id, NOTHING_SAID), slots.get(row.id, [])) for row in rows]
    return render_template(
        "public/compare.html", offers=offers, left_out=len(set(asked)) - len(offers), zone=current_zone_name()
    )


def _hits(kept: shortlists.Kept) -> Page:
    return Page(tuple(Hit(line) for line in kept.lines), len(kept.lines))


def _column(row: Any, said: Any, slots: list[Any]) -> SimpleNamespace:
    return SimpleNamespace(
        **row._mapping,
        url=url_for("public.offer", slug=row.slug),
        days_median=days_median(said.days),
        review_count=said.count,
        first_slot=slots[0] if slots else None,
    )
