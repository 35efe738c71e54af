"""Offers: what anybody reads of them, what their experts write, and how a version goes live."""

from __future__ import annotations

from .reading import HomeFacts, OfferLine, OfferPage, home_facts, offer_lines, offer_page, quote_preview

__all__ = [
    "HomeFacts",
    "OfferLine",
    "OfferPage",
    "home_facts",
    "offer_lines",
    "offer_page",
    "quote_preview",
]
