"""Topics: each one's live offers on a page of its own, so that people find them from outside."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for

from ...services.offers.topics import TopicCount, topic_page, topics_with_offers
from ...services.search import Hit, Page
from ..access import rule
from ..house import house
from ..language import current_language, current_zone_name
from . import blueprint
from .results import shown


@blueprint.get("/topics")
@rule("public")
def topics() -> str:
    """Every topic that has an offer, with how many."""
    with house().db.reading() as session:
        found = topics_with_offers(session)
    return render_template("public/topics.html", topics=[(one, _name(one)) for one in found])


@blueprint.get("/topics/<slug>")
@rule("public")
def topic(slug: str) -> str:
    """A topic's offers, newest first; NotFound for one that has none. Six statements whatever the data."""
    now = house().clock()
    with house().db.reading() as session:
        page = topic_page(session, slug[:100], after=_place(request.args.get("after")))
        found = Page(tuple(Hit(line) for line in page.lines), page.topic.offers)
        hits = shown(session, found, "", now)
    return render_template(
        "public/topic.html",
        name=_name(page.topic),
        slug=page.topic.slug,
        offers=page.topic.offers,
        hits=hits,
        zone=current_zone_name(),
        next_url=url_for("public.topic", slug=page.topic.slug, after=page.after) if page.after else None,
    )


def _name(topic: TopicCount) -> str:
    return topic.fr if current_language() == "fr" else topic.en


def _place(text: str | None) -> uuid.UUID | None:
    """Where the page before ended; anything else shows the first page."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
