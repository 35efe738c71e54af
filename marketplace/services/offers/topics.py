"""Live offers by topic, and all of them in portions for search engines: what is there, never an empty page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...storage.offers import Offer, OfferVersion, Topic
from .reading import LINE, OfferLine, live_offers

# An offer has two addresses, one a language; sitemaps.org takes 50,000 in a file.
A_SITEMAP = 20_000


@dataclass(frozen=True)
class TopicCount:
    """A topic with its names and how many live offers it has, at least one."""

    slug: str
    fr: str
    en: str
    offers: int


def topics_with_offers(session: Session) -> list[TopicCount]:
    """Every topic that has a live offer, most offers first; one statement."""
    about = sa.func.unnest(OfferVersion.topics).label("slug")
    counted = live_offers(about).subquery()
    rows = session.execute(
        sa.select(Topic.slug, Topic.fr, Topic.en, sa.func.count().label("offers"))
        .join(counted, counted.c.slug == Topic.slug)
        .group_by(Topic.slug)
        .order_by(sa.func.count().desc(), Topic.slug)
    )
    return [TopicCount(**row._mapping) for row in rows]


@dataclass(frozen=True)
class TopicPage:
    """Some offers about a topic, newest first. `after`: the id to go on from, or None at the end."""

    topic: TopicCount
    lines: tuple[OfferLine, ...]
    after: uuid.UUID | None


def topic_page(session: Session, slug: str, *, after: uuid.UUID | None = None, limit: int = 12) -> TopicPage:
    """The live offers about a topic, by keyset; two statements. NotFound for a topic without any."""
    holds = OfferVersion.topics.contains([slug])
    topic = session.execute(
        live_offers(Topic.slug, Topic.fr, Topic.en, sa.func.count().label("offers"))
        .join(Topic, Topic.slug == slug)
        .where(holds)
        .group_by(Topic.slug)
    ).one_or_none()
    if topic is None:
        raise NotFound
    wanted = live_offers(*LINE).where(holds).order_by(Offer.id.desc()).limit(limit + 1)
    if after is not None:
        wanted = wanted.where(Offer.id < after)
    lines = [OfferLine(**row._mapping) for row in session.execute(wanted)]
    more = len(lines) > limit
    return TopicPage(
        TopicCount(**topic._mapping), tuple(lines[:limit]), lines[limit - 1].id if more else None
    )


def sitemap_starts(session: Session) -> list[uuid.UUID]:
    """The first offer of each portion of `A_SITEMAP`; one statement."""
    numbered = live_offers(
        Offer.id, (sa.func.row_number().over(order_by=Offer.id) - 1).label("place")
    ).subquery()
    return list(
        session.scalars(
            sa.select(numbered.c.id).where(numbered.c.place % A_SITEMAP == 0).order_by(numbered.c.id)
        )
    )


def sitemap_portion(session: Session, start: uuid.UUID) -> list[tuple[str, datetime]]:
    """(slug, last published) of the live offers from `start` on, one portion; one statement."""
    rows: Any = session.execute(
        live_offers(Offer.slug, OfferVersion.published_at)
        .where(Offer.id >= start)
        .order_by(Offer.id)
        .limit(A_SITEMAP)
    )
    return [(row.slug, row.published_at) for row in rows]
