"""An offer as anybody reads it, before signing up: the story, the price with every line, the next slots."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from flask import g, render_template, request, url_for

from ...domain.errors import TextRefused
from ...domain.pricing import PlatformTax
from ...domain.reviews import days_median
from ...domain.search import MOST_CHARACTERS
from ...domain.words import clean_text
from ...services.availability import Sought, next_slots
from ...services.offers import OfferPage, offer_page, quote_preview
from ...services.search import answer_in, meant_by
from ...storage.reviews import public_reviews
from ..access import rule
from ..house import house
from ..language import current_zone_name
from . import blueprint

SLOTS_SHOWN = 3


@blueprint.get("/offers/<slug>")
@rule("public")
def offer(slug: str) -> str:
    """The page of an offer; NotFound for what is not live. A fixed number of statements, whatever the data."""
    now = house().clock()
    back = _back()
    meant = meant_by(house().db, house().encoders, back[0]) if back and back[0] else None
    with house().db.reading() as session:
        page = offer_page(session, slug[:200])
        version = page.version
        reviews = public_reviews(session, page.id, now)
        sought = Sought(page.id, page.expert_id, version.minutes, version.notice_hours, version.instant)
        slots = next_slots(session, [sought], now, SLOTS_SHOWN)[page.id]
        why = answer_in(session, meant, page.id, version) if meant else None
    answers = [(row.days_saved, row.unlocked) for row in reviews if row.days_saved is not None]
    return render_template(
        "public/offer.html",
        offer=_offer(page),
        expert=_expert(page),
        quote=quote_preview(page, _platform(), now),
        slots=slots,
        zone=current_zone_name(page.zone),
        reviews=reviews,
        days_median=days_median([days for days, _unlocked in answers]),
        days_answers=answers,
        session_parts=None,
        policy=version.policy,
        back=back,
        why=why,
        own=getattr(g.get("me"), "id", None) == page.person_id,
    )


def _platform() -> PlatformTax:
    settings = house().config
    return PlatformTax(country=settings.platform_country, vat_number=settings.platform_vat)


def _offer(page: OfferPage) -> SimpleNamespace:
    version = page.version
    names = (
        "language", "title", "problem", "failed", "unlocked", "takeaways", "for_whom", "not_for_whom", "minutes",
        "price_minor", "format", "area", "languages", "notice_hours", "policy", "instant", "promises_plan",
    )  # fmt: skip
    return SimpleNamespace(slug=page.slug, **{name: getattr(version, name) for name in names})


def _expert(page: OfferPage) -> SimpleNamespace:
    return SimpleNamespace(
        name=page.name,
        first_name=page.name.split(" ")[0],
        headline=page.headline,
        startup=page.startup,
        startup_role=page.startup_role,
        city=page.city,
        country=page.country,
        zone=page.zone,
        languages=page.languages,
        bio=page.bio,
        lang=page.language,
        # What was checked about them: loaded experts were checked by nobody.
        facts=[],
    )


def _back() -> tuple[str, str] | None:
    """(query, address) of the results one came from: by the link's own `q`, else by where one came from."""
    results = url_for("public.results")
    query = _clean(request.args.get("q", ""))
    if query:
        return query, url_for("public.results", q=query)
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host or came.path != results:
        return None
    query = _clean(parse_qs(came.query, errors="replace", max_num_fields=20).get("q", [""])[0])
    return query, f"{results}?{came.query}" if came.query else results


def _clean(text: str) -> str:
    try:
        return clean_text(text, MOST_CHARACTERS)
    except TextRefused:
        return ""
