"""Offers side by side: what one compares before choosing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.offers import Offer, OfferVersion
from .reading import LINE, live_offers

MORE = (
    OfferVersion.takeaways, OfferVersion.for_whom, OfferVersion.not_for_whom, OfferVersion.policy, OfferVersion.area,
    OfferVersion.promises_plan,
)  # fmt: skip


def compared(session: Session, slugs: Sequence[str]) -> list[sa.Row[Any]]:
    """The live ones among these offers, in the order asked; one statement."""
    found = {row.slug: row for row in session.execute(live_offers(*LINE, *MORE).where(Offer.slug.in_(slugs)))}
    return [found[slug] for slug in dict.fromkeys(slugs) if slug in found]
