"""The home page: one box for a problem, and what is true of the catalogue now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import render_template, url_for

from ...domain.pricing import fees_at
from ...domain.search import sentences
from ...services.offers import OfferLine, home_facts
from ..access import rule
from ..highlight import mark_for
from ..house import house
from ..language import current_language
from . import blueprint

# As much of a story as is read at a glance.
STORY_SENTENCES = 5


@blueprint.get("/")
@rule("public")
def home() -> str:
    """The home page; a fixed number of statements whatever the catalogue holds."""
    now = house().clock()
    with house().db.reading() as session:
        facts = home_facts(session, now, language=current_language())
    return render_template(
        "public/home.html",
        counts=SimpleNamespace(**facts.counts),
        prices=facts.prices,
        examples=[_line(line) for line in facts.examples],
        story=_story(facts.story),
        quote_review=_quoted(facts.quote_review),
        service_fee_bp=fees_at(now, house().config.fees).service_bp,
    )


def _line(line: OfferLine) -> SimpleNamespace:
    return SimpleNamespace(
        title=line.title,
        lang=line.lang,
        expert_name=line.expert_name,
        startup=line.startup,
        minutes=line.minutes,
        price_minor=line.price_minor,
        url=url_for("public.offer", slug=line.slug),
    )


def _story(row: Any) -> SimpleNamespace | None:
    """A problem and what unlocked it; marked is the sentence that answers in the problem's own words."""
    if row is None:
        return None
    told = " ".join(sentences(row.unlocked)[:STORY_SENTENCES])
    return SimpleNamespace(
        lang=row.lang,
        problem=row.problem,
        excerpt=mark_for(told, row.problem),
        expert_name=row.expert_name,
        startup=row.startup,
        startup_role=row.startup_role,
        city=row.city,
        minutes=row.minutes,
        price_minor=row.price_minor,
        url=url_for("public.offer", slug=row.slug),
    )


def _quoted(row: Any) -> SimpleNamespace | None:
    if row is None:
        return None
    return SimpleNamespace(
        **{key: value for key, value in row._mapping.items() if key != "slug"},
        offer_url=url_for("public.offer", slug=row.slug),
    )
