"""Saved searches: kept from the results, listed with what is new, opened, sent by mail or not, deleted."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import Refusal
from ...services import saved_searches as kept
from ...services.offers.reading import Taxonomy, taxonomy
from ...storage.saved_searches import FREQUENCIES
from ..access import door_saved_search, rule
from ..house import house
from ..language import current_zone, current_zone_name
from ..refusals import sentence
from . import blueprint
from .narrowing import Asked, chips, read

# So much of the words is a name; the search itself keeps all of them.
LONGEST_NAME = 80


@blueprint.get("/saved-searches", endpoint="saved_searches")
@rule("saved_searches.list_own")
def saved_searches_list() -> str:
    """One's own, newest first, with the offers first published since each was last opened."""
    with house().db.reading() as session:
        listed = kept.own_searches(session, g.me.id)
    return render_template(
        "public/saved_searches.html", listed=listed, frequencies=FREQUENCIES, most=kept.MOST, counted=kept.COUNTED,
        zone=current_zone_name(),
    )  # fmt: skip


@blueprint.post("/saved-searches")
@rule("saved_searches.list_own")
def save_search() -> Any:
    """Keep the words, filters and order of a results page."""
    query = request.form.get("q", "")
    with house().db.reading() as session:
        known = taxonomy(session)
    asked = read(request.form, query, known, house().clock(), current_zone())
    try:
        kept.save(
            house().db,
            g.actor,
            name=_name(asked, known),
            query=query,
            filters=asked.filters,
            order=asked.order,
        )
    except Refusal as refusal:
        flash(sentence(refusal), "bad")
    else:
        flash(_("The search is saved. New offers that answer it come in one mail a day at most."))
    return redirect(url_for("public.saved_searches"), 303)


@blueprint.get("/saved-searches/<uuid:search_id>")
@rule("saved_search.manage")
def saved_search(search_id: uuid.UUID) -> Any:
    """To its results; what was found so far is new no longer."""
    door_saved_search(search_id, "saved_search.manage")
    return redirect(_results(kept.seen(house().db, g.actor, search_id=search_id)), 303)


@blueprint.post("/saved-searches/<uuid:search_id>/frequency")
@rule("saved_search.manage")
def saved_search_frequency(search_id: uuid.UUID) -> Any:
    """How often its new offers come by mail."""
    door_saved_search(search_id, "saved_search.manage")
    kept.set_frequency(house().db, g.actor, search_id=search_id, frequency=request.form.get("frequency", ""))
    flash(_("Noted."))
    return redirect(url_for("public.saved_searches"), 303)


@blueprint.post("/saved-searches/<uuid:search_id>/delete")
@rule("saved_search.manage")
def delete_search(search_id: uuid.UUID) -> Any:
    """Forget it."""
    door_saved_search(search_id, "saved_search.manage")
    kept.forget(house().db, g.actor, search_id=search_id)
    flash(_("The search is deleted."))
    return redirect(url_for("public.saved_searches"), 303)


def _results(search: Any) -> str:
    asked: dict[str, Any] = {}
    for name, value in search.filters:
        asked.setdefault(name, []).append(value)
    return url_for("public.results", q=search.query or None, sort=search.ordered_by, **asked)


def _name(asked: Asked, known: Taxonomy) -> str:
    """The words, or without any what it is narrowed by."""
    words = " ".join(asked.query.split())
    if words:
        return words if len(words) <= LONGEST_NAME else _cut(words)
    return ", ".join(said for said, _without in chips(asked, known)) or _("All stories")


def _cut(words: str) -> str:
    """At a word's end, where there is one."""
    head, space, _rest = words[:LONGEST_NAME].rpartition(" ")
    return (head if space else words[: LONGEST_NAME - 1]).rstrip(",;:") + "…"
