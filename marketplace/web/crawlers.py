"""For search engines: what there is to read, in both languages, and what is nobody's to index.

Format: sitemaps.org 0.9 with the alternates of Google's extension (`xhtml:link`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from flask import Blueprint, Response, url_for

from ..domain.errors import NotFound
from ..services.offers.topics import sitemap_portion, sitemap_starts, topics_with_offers
from .access import rule
from .house import house
from .language import DEFAULT, LANGUAGES
from .public.texts import PAGES

blueprint = Blueprint("crawlers", __name__)

ROBOTS = "User-agent: *\nDisallow: /sandbox/\nDisallow: /dev/\nDisallow: /webhooks/\n"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# endpoint, its values, when it last changed
Page = tuple[str, dict[str, str], datetime | None]
SPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'


@blueprint.get("/robots.txt")
@rule("public")
def robots() -> Response:
    """What crawlers need not see, and where the list of all else is."""
    return Response(f"{ROBOTS}Sitemap: {_here('crawlers.sitemap')}\n", mimetype="text/plain")


@blueprint.get("/sitemap.xml")
@rule("public")
def sitemap() -> Response:
    """The index: one file of pages, and the offers in portions."""
    with house().db.reading() as session:
        starts = sitemap_starts(session)
    files = [
        _here("crawlers.sitemap_pages"),
        *(_here("crawlers.sitemap_offers", start=start) for start in starts),
    ]
    inside = "".join(f"<sitemap><loc>{escape(file)}</loc></sitemap>\n" for file in files)
    return _xml(
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{inside}</sitemapindex>\n'
    )


@blueprint.get("/sitemaps/pages.xml")
@rule("public")
def sitemap_pages() -> Response:
    """Home, texts and topics."""
    with house().db.reading() as session:
        topics = topics_with_offers(session)
    pages: list[Page] = [(f"public.{name}", {}, None) for name in ("home", "results", "topics", *PAGES)]
    return _urls(pages + [("public.topic", {"slug": topic.slug}, None) for topic in topics])


@blueprint.get("/sitemaps/offers-<uuid:start>.xml")
@rule("public")
def sitemap_offers(start: uuid.UUID) -> Response:
    """One portion of the offers, from the given one on."""
    with house().db.reading() as session:
        offers = sitemap_portion(session, start)
    if not offers:
        raise NotFound
    return _urls(("public.offer", {"slug": slug}, at) for slug, at in offers)


def _urls(pages: Iterable[Page]) -> Response:
    return _xml(f"<urlset {SPACES}>\n{''.join(_url(*page) for page in pages)}</urlset>\n")


def _url(endpoint: str, values: dict[str, str], at: datetime | None) -> str:
    """One entry a language, each naming all."""
    addresses = {lang: _here(endpoint, lang=lang, **values) for lang in LANGUAGES}
    others = "".join(_alternate(lang, address) for lang, address in addresses.items())
    others += _alternate("x-default", addresses[DEFAULT])
    changed = f"<lastmod>{at.date().isoformat()}</lastmod>" if at else ""
    return "".join(
        f"<url><loc>{escape(address)}</loc>{changed}{others}</url>\n" for address in addresses.values()
    )


def _alternate(lang: str, address: str) -> str:
    return f'<xhtml:link rel="alternate" hreflang="{lang}" href={quoteattr(address)}/>'


def _here(endpoint: str, **values: object) -> str:
    return house().config.site_url + url_for(endpoint, **values)  # type: ignore[arg-type]


def _xml(text: str) -> Response:
    return Response(HEAD + text, mimetype="application/xml")
