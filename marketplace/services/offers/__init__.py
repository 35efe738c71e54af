"""Offers: what anybody reads of them, what their experts write, and how a version goes live."""

from __future__ import annotations

from .drafts import (
    OwnOffer,
    close_offer,
    draft_of,
    new_offer,
    own_offers,
    reopen_offer,
    save_offer,
    submit_offer,
    withdraw_offer,
)
from .figures import OfferFigures, count_view, figures
from .publishing import (
    ask_offer_changes,
    first_offer,
    offer_diff,
    publish,
    submit_first_offer,
    unask_offer_changes,
    unpublish,
)
from .reading import HomeFacts, OfferLine, OfferPage, home_facts, offer_lines, offer_page, quote_preview

__all__ = [
    "HomeFacts",
    "OfferFigures",
    "OfferLine",
    "OfferPage",
    "OwnOffer",
    "ask_offer_changes",
    "close_offer",
    "count_view",
    "draft_of",
    "figures",
    "first_offer",
    "home_facts",
    "new_offer",
    "offer_diff",
    "offer_lines",
    "offer_page",
    "own_offers",
    "publish",
    "quote_preview",
    "reopen_offer",
    "save_offer",
    "submit_first_offer",
    "submit_offer",
    "unask_offer_changes",
    "unpublish",
    "withdraw_offer",
]
