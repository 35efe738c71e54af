"""Results: the offers that answer a problem told in one's own words, best first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ...domain.errors import SearchTooSlow, TextRefused
from ...domain.reviews import days_median
from ...domain.search import MOST_CHARACTERS, language_of, significant
from ...domain.words import clean_text
from ...services.availability import Sought, next_slots
from ...services.offers import taxonomy
from ...services.search import EMPTY, Hit, Meant, Page, counts, find, meant_by
from ...storage.narrowing import Counts
from ...storage.reviews import NOTHING_SAID, said_of
from ...storage.search import limits
from .. import refusals
from ..access import rule
from ..formats import lang
from ..house import house
from ..language import current_zone, current_zone_name
from ..position import read_position, write_position
from . import blueprint
from .narrowing import Asked, read, shown_beside

A_PAGE = 10
# A longer problem is not written into every link of the page; the offer finds it where one came from.
LONGEST_IN_LINK = 300
Begins = tuple[datetime, datetime | None] | None


@blueprint.get("/offers")
@rule("public")
def results() -> Any:
    """What answers `q`; all offers, newest first, where nothing is asked."""
    typed = request.args.get("q", "")
    try:
        query, error = clean_text(typed, MOST_CHARACTERS), ""
    except TextRefused as refused:
        query, error = typed.replace("\x00", ""), _why(refused)
    now = house().clock()
    # Before the records are opened: an encoder may be a server elsewhere.
    meant = None if error else meant_by(house().db, house().encoders, query)
    with house().db.reading() as session:
        known = taxonomy(session)
        asked = read(request.args, query, known, now, current_zone())
        page, counted, hits, status = EMPTY, Counts(), list[SimpleNamespace](), 422 if error else 200
        if not error:
            try:
                with limits(session):
                    page, counted = _searched(session, query, meant, asked, now)
                    hits = shown(session, page, query, now, begins=asked.window())
            except SearchTooSlow as slow:
                page, counted = EMPTY, Counts()
                error, status = refusals.sentence(slow), refusals.status(slow)
    if asked.order == "soonest":
        # By the slots themselves: the days kept for ordering do not know of a gap at noon.
        hits.sort(key=lambda hit: (hit.first_slot is None, hit.first_slot))
    return render_template(
        "public/results.html",
        query=query,
        hits=hits,
        groups=_groups(hits, asked.order),
        beside=shown_beside(asked, counted, known),
        total=page.total,
        near=page.near,
        nothing_fits=page.nothing_fits,
        instead=page.instead,
        instead_url=replace(asked, query=page.instead).address() if page.instead else None,
        resting=not error and meant is None and bool(significant(query)),
        next_url=asked.address(after=write_position(page.following, query)) if page.following else None,
        prev_url=asked.address(before=write_position(page.preceding, query)) if page.preceding else None,
        zone=current_zone_name(),
        error=error,
        refused=status == 422,
    ), status


def _searched(
    session: Session, query: str, meant: Meant | None, asked: Asked, now: datetime
) -> tuple[Page, Counts]:
    wanted: Any = {"meant": meant, "filters": asked.filters, "zone": asked.zone, "now": now}
    page = find(
        session, query, order=asked.order, after=read_position(request.args.get("after"), query),
        before=read_position(request.args.get("before"), query), limit=A_PAGE, **wanted,
    )  # fmt: skip
    return page, counts(session, query, page=page, **wanted)


def _groups(hits: list[SimpleNamespace], order: str) -> list[tuple[str | None, list[SimpleNamespace]]]:
    """By how near they are, where that is the order; else one group, in which each says it of itself."""
    if order == "fit":
        return [(group, list(some)) for group, some in groupby(hits, key=lambda hit: hit.group)]
    for hit in hits:
        hit.said = hit.group
    return [(None, hits)]


def _why(refused: TextRefused) -> str:
    if refused.facts["why"] == "too_long":
        return _(
            "Your text is longer than 4,000 characters. What is stuck and what you have tried is enough."
        )
    return _(
        "Your text holds characters that nobody types, such as control characters. Remove them and search again."
    )


def shown(
    session: Session, page: Page, query: str, now: datetime, begins: Begins = None
) -> list[SimpleNamespace]:
    """Three statements for all that stands beside the titles: reviews, calendars, claims.

    The first slot is looked for in the calendar itself; with `begins`, among those that begin then.
    """
    lines = [hit.line for hit in page.hits]
    said = said_of(session, [line.id for line in lines], now)
    slots = next_slots(
        session,
        [Sought(line.id, line.expert_id, line.minutes, line.notice_hours, line.instant) for line in lines],
        now,
        1,
        begins,
    )
    asked = query if 0 < len(query) <= LONGEST_IN_LINK else None
    return [
        _hit(hit, said.get(hit.offer_id, NOTHING_SAID), slots.get(hit.offer_id, []), asked, begins)
        for hit in page.hits
    ]


def _hit(hit: Hit, said: Any, slots: list[Any], asked: str | None, begins: Begins) -> SimpleNamespace:
    line = hit.line
    return SimpleNamespace(
        offer_url=url_for("public.offer", slug=line.slug, q=asked),
        slug=line.slug,
        title=line.title,
        lang=line.lang,
        expert_name=line.expert_name,
        startup_role=line.startup_role,
        startup=line.startup,
        city=line.city,
        price_minor=line.price_minor,
        minutes=line.minutes,
        format=line.format,
        languages=line.languages,
        # The space between two sentences is no part of the mark.
        snippet=[pair for part in hit.snippet for pair in ((part.text, part.marked), (" ", False))],
        group=hit.group,
        said=None,
        phrase=hit.why.phrase if hit.why else None,
        phrase_lang=language_of(hit.why.phrase) if hit.why else None,
        foreign=line.lang != lang(),
        first_name=line.expert_name.split(" ")[0],
        days_median=days_median(said.days),
        review_count=said.count,
        first_slot=slots[0] if slots else None,
        on_days=begins is not None,
        bookable=line.bookable,
    )
