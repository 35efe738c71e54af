"""Saved searches: kept from the results, listed with what is new, opened, sent by mail or not, deleted."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import Refusal
from ...domain.filters import Filters, read_filters
from ...services import saved_searches as kept
from ...services.offers.reading import Taxonomy, taxonomy
from ...storage.saved_searches import FREQUENCIES
from ..access import door_saved_search, rule
from ..formats.amounts import money_round, number
from ..formats.places import format_name, language_name
from ..formats.speech import capital, lang
from ..formats.times import date_long, duration
from ..house import house
from ..language import current_zone, current_zone_name
from ..refusals import sentence
from . import blueprint

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
    query, order = request.form.get("q", ""), request.form.get("sort", "")
    today = house().clock().astimezone(current_zone()).date()
    filters, _wrong = read_filters(request.form.to_dict(flat=False), today)
    with house().db.reading() as session:
        known = taxonomy(session)
    try:
        kept.save(
            house().db, g.actor, name=_name(query, filters, known), query=query, filters=filters, order=order
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


def _name(query: str, filters: Filters, known: Taxonomy) -> str:
    """The words, or without any what it is narrowed by."""
    words = " ".join(query.split())
    if words:
        return words if len(words) <= LONGEST_NAME else _cut(words)
    return ", ".join(_said(filters, known)) or _("All stories")


def _cut(words: str) -> str:
    """At a word's end, where there is one."""
    head, space, _rest = words[:LONGEST_NAME].rpartition(" ")
    return (head if space else words[: LONGEST_NAME - 1]).rstrip(",;:") + "…"


def _said(filters: Filters, known: Taxonomy) -> list[str]:
    named = [known.topics.get(slug, {}).get(lang(), slug) for slug in filters.topic]
    named += [known.industries.get(slug, {}).get(lang(), slug) for slug in filters.industry]
    named += [capital(language_name(code)) for code in filters.language]
    named += [format_name(one) for one in filters.format]
    named += [duration(minutes) for minutes in filters.minutes]
    if filters.price_min is not None:
        named.append(_("from %(price)s", price=money_round(filters.price_min * 100)))
    if filters.price_max is not None:
        named.append(_("up to %(price)s", price=money_round(filters.price_max * 100)))
    if filters.from_day is not None:
        named.append(_("from %(day)s on", day=date_long(filters.from_day).striptags()))
    if filters.to_day is not None:
        named.append(_("until %(day)s", day=date_long(filters.to_day).striptags()))
    if filters.rating is not None:
        named.append(_("rated %(stars)s or more", stars=number(filters.rating)))
    return named
