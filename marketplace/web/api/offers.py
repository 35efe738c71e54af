"""Offers for programs: the list a problem finds, and one offer with its story."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from flask import jsonify, url_for

from ...domain.search import significant
from ...services.offers import OfferLine, OfferPage, Taxonomy, offer_page, taxonomy
from ...services.search import Hit, find, meant_by
from ...storage.search import limits
from ..access import rule
from ..house import house
from ..language import DEFAULT_ZONE, current_language
from ..position import write_position
from ..problems import problem
from . import blueprint
from .answers import Expert, FoundOffer, Named, Offers, Price, WholeOffer, Why
from .asking import read_asked, read_lang

# What a load writes behind an id that another folder had already used (services/demo/writing.py).
_WHOSE = re.compile(r"/[^/@]*@.*$")
# Whose days the filters mean: no cookie says another.
ZONE = ZoneInfo(DEFAULT_ZONE)


@blueprint.get("/offers")
@rule("public")
def offers() -> Any:
    """What answers `q`, as the results page has it; all offers, newest first, where nothing is asked."""
    now = house().clock()
    asked, wrong = read_asked(now.astimezone(ZONE).date())
    if wrong:
        return problem(404 if [one.parameter for one in wrong] == ["cursor"] else 422, errors=wrong)
    # Before the records are opened: an encoder may be a server elsewhere.
    meant = meant_by(house().db, house().encoders, asked.query)
    with house().db.reading() as session, limits(session):
        page = find(
            session, asked.query, meant=meant, filters=asked.filters, zone=ZONE, now=now, order=asked.order,
            after=asked.after, limit=asked.limit,
        )  # fmt: skip
    following = write_position(page.following, asked.about) if page.following else None
    meaning: Literal["matched", "resting", "not_asked"] = "not_asked"
    if significant(asked.query):
        meaning = "matched" if meant else "resting"
    items = tuple(_found(hit, asked=bool(asked.query)) for hit in page.hits)
    return jsonify(asdict(Offers(items, following, meaning, page.nothing_fits)))


@blueprint.get("/offers/<uuid:offer_id>")
@rule("public")
def offer(offer_id: uuid.UUID) -> Any:
    """One offer as anybody reads it; NotFound for what is not live. Its readers are not counted."""
    wrong = read_lang()
    if wrong:
        return problem(422, errors=wrong)
    with house().db.reading() as session:
        page, names = offer_page(session, offer_id), taxonomy(session)
    return jsonify(asdict(_whole(page, names)))


def _found(hit: Hit, *, asked: bool) -> FoundOffer:
    line: OfferLine = hit.line
    return FoundOffer(
        id=line.id,
        external_id=external_id(line.source_id),
        title=line.title,
        lang=line.lang,
        expert=Expert(line.expert_name, line.startup, line.startup_role, line.city),
        price=Price(line.price_minor, "EUR", "excluded"),
        url=_page_url(line.slug),
        score=hit.score if asked else None,
        group=hit.group,
        why=_why(hit) if asked else None,
    )


def _why(hit: Hit) -> Why | None:
    marked = next((part.text for part in hit.snippet if part.marked), None)
    return Why(hit.why.phrase if hit.why else None, marked) if marked else None


def _whole(page: OfferPage, names: Taxonomy) -> WholeOffer:
    version, lang = page.version, current_language()
    return WholeOffer(
        id=page.id,
        external_id=external_id(page.source_id),
        title=version.title,
        lang=version.language,
        expert=Expert(page.name, page.startup, page.startup_role, page.city),
        price=Price(version.price_minor, version.currency, "excluded"),
        url=_page_url(page.slug),
        problem=version.problem,
        failed=version.failed,
        unlocked=version.unlocked,
        takeaways=tuple(version.takeaways),
        for_whom=version.for_whom,
        not_for_whom=version.not_for_whom,
        topics=_named(version.topics, names.topics, lang),
        industries=_named(version.industries, names.industries, lang),
        minutes=version.minutes,
        format=cast(Any, version.format),  # the records hold no other
        languages=tuple(version.languages),
    )


def _named(slugs: list[str], names: dict[str, dict[str, str]], lang: str) -> tuple[Named, ...]:
    return tuple(Named(slug, names.get(slug, {}).get(lang, slug)) for slug in slugs)


def external_id(source_id: str | None) -> str | None:
    """The id an offer had in its file. Where two folders used one id, ours goes on with an address: not told."""
    return _WHOSE.sub("", source_id) if source_id else None


def _page_url(slug: str) -> str:
    return house().config.site_url + url_for("public.offer", slug=slug, lang=current_language())
