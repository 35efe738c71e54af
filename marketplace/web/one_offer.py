"""What the page of an offer is told: one builder for buyers and for their expert's preview."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from ..domain.availability import Interval
from ..domain.errors import NotBookable, NotFound
from ..domain.policy import Actor
from ..domain.pricing import PlatformTax
from ..domain.reviews import days_median
from ..services.availability import Sought, next_slots, stale_experts
from ..services.bookings.approving import shown_to
from ..services.bookings.holding import free_of
from ..services.bookings.wanted import wanted_offer
from ..services.offers import OfferPage, quote_preview
from ..services.questions import taking_of
from ..storage.reviews import hidden_reviews, public_reviews
from .house import house
from .language import current_zone_name

SLOTS_SHOWN = 3


def offer_shown(session: Session, page: OfferPage, now: datetime) -> dict[str, Any]:
    """What the template is told of an offer, published or in preview. Without a price there is no quote."""
    version = page.version
    reviews = public_reviews(session, page.id, now)
    sought = Sought(page.id, page.expert_id, version.minutes, version.notice_hours, version.instant)
    answers = [(row.days_saved, row.unlocked) for row in reviews if row.days_saved is not None]
    return {
        "offer": _offer(page, instant=not stale_experts(session, [page.expert_id], now) and page.instant),
        "expert": _expert(page),
        "quote": quote_preview(page, platform_tax(), now) if version.price_minor else None,
        "slots": next_slots(session, [sought], now, SLOTS_SHOWN)[page.id],
        "zone": current_zone_name(page.zone),
        "reviews": reviews,
        "hidden": hidden_reviews(session, page.id),
        "reportable": {"offer": page.id, "profile": page.expert_id},
        "days_median": days_median([days for days, _unlocked in answers]),
        "days_answers": answers,
        "session_parts": None,
        "policy": version.policy,
        "taking": taking_of(session, page.expert_id, now),
    }


def slots_for_member(session: Session, page: OfferPage, actor: Actor, now: datetime) -> list[Interval] | None:
    """The next slots for a member of a company whose rule asks an approver; None where all are shown."""
    try:
        wanted = wanted_offer(session, page.id)
        since = shown_to(session, actor, wanted, platform_tax(), now)
    except (NotFound, NotBookable):
        return None
    if since is None:
        return None
    free = free_of(session, wanted, window=(since, now + timedelta(days=61)), now=now)
    days: dict[object, Interval] = {}
    for slot in free.slots:
        days.setdefault(slot[0].date(), slot)
    return list(days.values())[:SLOTS_SHOWN]


def platform_tax() -> PlatformTax:
    """The platform for VAT, by its settings."""
    settings = house().config
    return PlatformTax(settings.platform_country, settings.platform_vat, fees=settings.fees)


def _offer(page: OfferPage, *, instant: bool) -> SimpleNamespace:
    version = page.version
    names = (
        "language", "title", "problem", "failed", "unlocked", "takeaways", "for_whom", "not_for_whom", "minutes",
        "price_minor", "format", "area", "languages", "notice_hours", "policy", "promises_plan",
    )  # fmt: skip
    return SimpleNamespace(
        slug=page.slug,
        instant=instant,
        bookable=page.bookable,
        **{name: getattr(version, name) for name in names},
    )


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
        photo_id=page.photo_id,
        lang=page.language,
        # What was checked about them: loaded experts were checked by nobody.
        facts=[],
    )
