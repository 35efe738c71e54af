"""What the public pages show of offers: Core rows, only the columns shown, a fixed number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...domain.offers import is_instant, whole
from ...domain.pricing import PlatformTax, Quote, SellerTax, fees_at, preview
from ...storage.availability import Calendar
from ...storage.bookings import Booking
from ...storage.experts import Expert, ProfileDraft
from ...storage.offers import Industry, Offer, OfferVersion, Topic
from ...storage.people import Person
from ...storage.reviews import Review, seen_by_all
from .drafts import draft_of

EXAMPLES = 10
# The price ruler draws a dash an offer: a large catalogue is drawn by as many of its newest.
MOST_PRICES = 400
# Long enough to say something, short enough to be set large.
QUOTED = sa.func.length(Review.text).between(60, 260)


@dataclass(frozen=True)
class OfferLine:
    """An offer in a list. Price without VAT, minor units."""

    id: uuid.UUID
    version_id: uuid.UUID
    expert_id: uuid.UUID
    slug: str
    title: str
    lang: str
    price_minor: int
    minutes: int
    format: str
    languages: list[str]
    notice_hours: int
    instant: bool
    expert_name: str
    startup: str
    startup_role: str
    city: str
    bookable: bool
    source_id: str | None


LINE = (
    Offer.id,
    OfferVersion.id.label("version_id"),
    Offer.expert_id,
    Offer.slug,
    OfferVersion.title,
    OfferVersion.language.label("lang"),
    OfferVersion.price_minor,
    OfferVersion.minutes,
    OfferVersion.format,
    OfferVersion.languages,
    OfferVersion.notice_hours,
    OfferVersion.instant,
    Person.name.label("expert_name"),
    Expert.startup,
    Expert.startup_role,
    Expert.city,
    (Expert.account_status == "active").label("bookable"),
    Offer.source_id,
)


def live_offers(*columns: Any) -> sa.Select[Any]:
    """Offers that anybody may see, with their live version, expert and person."""
    return (
        sa.select(*columns)
        .select_from(Offer)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .where(Offer.status == "live", Expert.status == "admitted", Person.suspended_at.is_(None))
    )


def offer_lines(session: Session, offer_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, OfferLine]:
    """The live ones among these offers, by id; one statement."""
    if not offer_ids:
        return {}
    found = session.execute(live_offers(*LINE).where(Offer.id.in_(offer_ids)))
    return {row.id: OfferLine(**row._mapping) for row in found}


@dataclass(frozen=True)
class HomeFacts:
    """The home page. `counts`: offers, experts, price_min, price_max, price_median (minor units, excl. VAT)."""

    counts: dict[str, int]
    prices: list[int]
    examples: list[OfferLine]
    story: Any | None
    quote_review: Any | None


def home_facts(session: Session, now: datetime, *, language: str) -> HomeFacts:
    """Five statements whatever the data: counts, prices, examples, one story, one review."""
    offers, experts, low, high = session.execute(
        live_offers(
            sa.func.count(),
            sa.func.count(sa.distinct(Offer.expert_id)),
            sa.func.min(OfferVersion.price_minor),
            sa.func.max(OfferVersion.price_minor),
        )
    ).one()
    prices = sorted(
        session.scalars(live_offers(OfferVersion.price_minor).order_by(Offer.id.desc()).limit(MOST_PRICES))
    )
    counts = {
        "offers": offers,
        "experts": experts,
        "price_min": low or 0,
        "price_max": high or 0,
        # Half of them cost less: the lower of the middle two's mean, in whole cents.
        "price_median": int(median(prices)) if prices else 0,
    }
    return HomeFacts(
        counts, prices, _examples(session), _story(session, language), _quoted(session, now, language)
    )


def _examples(session: Session) -> list[OfferLine]:
    """One offer an expert, both languages side by side, the newest of each first."""
    newest = (
        live_offers(
            *LINE,
            sa.func.row_number()
            .over(partition_by=Offer.expert_id, order_by=Offer.id.desc())
            .label("of_expert"),
        )
        .order_by(Offer.id.desc())
        .limit(MOST_PRICES)
        .subquery()
    )
    ranked = (
        sa.select(
            *(newest.c[column.key] for column in LINE),
            sa.func.row_number()
            .over(partition_by=newest.c.lang, order_by=newest.c.id.desc())
            .label("of_language"),
        )
        .where(newest.c.of_expert == 1)
        .subquery()
    )
    rows = session.execute(
        sa.select(*(ranked.c[column.key] for column in LINE))
        .order_by(ranked.c.of_language, ranked.c.lang.desc())
        .limit(EXAMPLES)
    )
    return [OfferLine(**row._mapping) for row in rows]


def _story(session: Session, language: str) -> Any | None:
    """One story in the reader's language where there is one, the shortest problem first: it is read whole."""
    return session.execute(
        live_offers(*LINE, OfferVersion.problem, OfferVersion.unlocked)
        .order_by((OfferVersion.language == language).desc(), sa.func.length(OfferVersion.problem), Offer.id)
        .limit(1)
    ).one_or_none()


def _quoted(session: Session, now: datetime, language: str) -> Any | None:
    """A public review, in the reader's language where there is one, the most useful and newest first."""
    return session.execute(
        live_offers(
            Review.text,
            Review.language.label("lang"),
            Review.author_name.label("author"),
            Review.author_company.label("company"),
            Review.author_role.label("role"),
            Review.unlocked,
            Review.days_saved.label("days"),
            OfferVersion.title.label("offer_title"),
            Offer.slug,
        )
        .join(Review, Review.offer_id == Offer.id)
        .join(Booking, Booking.id == Review.booking_id)
        .where(seen_by_all(now), Review.text != "", Review.unlocked.is_not(None))
        .order_by(
            (Review.language == language).desc(),
            QUOTED.desc(),
            Review.usefulness.desc().nulls_last(),
            Review.sent_at.desc(),
            Review.id,
        )
        .limit(1)
    ).one_or_none()


@dataclass(frozen=True)
class OfferPage:
    """An offer as anybody reads it. `bookable`: whether the expert can be paid now; `instant`: whether they
    have accepted in advance, as the version says."""

    id: uuid.UUID
    slug: str
    version: OfferVersion
    expert_id: uuid.UUID
    person_id: uuid.UUID
    name: str
    headline: str
    startup: str
    startup_role: str
    city: str
    country: str
    zone: str
    languages: list[str]
    bio: str
    language: str
    email_domain: str
    bookable: bool
    instant: bool
    seller: SellerTax
    demo: bool
    photo_id: uuid.UUID | None = None
    source_id: str | None = None


def offer_page(session: Session, which: str | uuid.UUID) -> OfferPage:
    """By slug or id; one statement. NotFound for what is not live, or never was."""
    row = session.execute(
        live_offers(Offer, OfferVersion, Expert, Person, Calendar.zone)
        .join(Calendar, Calendar.expert_id == Expert.id, isouter=True)
        .where(Offer.slug == which if isinstance(which, str) else Offer.id == which)
    ).one_or_none()
    if row is None:
        raise NotFound
    offer, version, expert, person, zone = row
    session.expunge(version)  # Read after the session is closed; versions are never edited.
    return _page(offer, version, expert, person, zone)


def draft_page(session: Session, offer_id: uuid.UUID) -> OfferPage:
    """An offer's draft as it would be read once published; three statements at most. Raises NotFound.

    What an applicant says about themselves stands in their profile's draft too. The caller's door has
    decided that it may be seen.
    """
    row = session.execute(
        sa.select(Offer, Expert, Person, Calendar.zone, ProfileDraft)
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .outerjoin(Calendar, Calendar.expert_id == Expert.id)
        .outerjoin(ProfileDraft, ProfileDraft.expert_id == Expert.id)
        .where(Offer.id == offer_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    offer, expert, person, zone, profile = row
    version = OfferVersion(
        offer_id=offer.id, number=0, live=False, **whole(draft_of(session, offer_id).content)
    )
    return _page(offer, version, as_written(expert, profile), person, zone)


def seller_of(session: Session, expert_id: uuid.UUID) -> SellerTax:
    """The expert for VAT, an applicant as their draft says it; for working a price out. Raises NotFound."""
    row = session.execute(
        sa.select(Expert, ProfileDraft)
        .outerjoin(ProfileDraft, ProfileDraft.expert_id == Expert.id)
        .where(Expert.id == expert_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return _tax(as_written(*row))


def as_written(expert: Expert, profile: ProfileDraft | None) -> Expert:
    """The expert; of one not admitted yet, a copy with what their draft says (never stored)."""
    if expert.status == "admitted" or profile is None:
        return expert
    said = {name: profile.content.get(name) or None for name in _PROFILE}
    return Expert(
        id=expert.id,
        status=expert.status,
        account_status=expert.account_status,
        demo=expert.demo,
        photo_id=uuid.UUID(profile.content["photo_id"]) if profile.content.get("photo_id") else None,
        language=said.pop("language") or expert.language,
        languages=said.pop("languages") or [],
        vat_status=said.pop("vat_status") or "liable",
        vat_ground=said.pop("vat_ground"),
        vat_number=said.pop("vat_number"),
        meeting_link=said.pop("meeting_link"),
        standing_since=profile.saved_at if said.pop("standing") else None,
        **{name: value or "" for name, value in said.items()},
    )


_PROFILE = (
    "headline", "startup", "startup_role", "city", "country", "languages", "bio", "language", "vat_status",
    "vat_number", "vat_ground", "meeting_link", "standing",
)  # fmt: skip


def _page(offer: Offer, version: OfferVersion, expert: Expert, person: Person, zone: str | None) -> OfferPage:
    return OfferPage(
        id=offer.id,
        slug=offer.slug,
        version=version,
        expert_id=expert.id,
        person_id=person.id,
        name=person.name,
        headline=expert.headline,
        startup=expert.startup,
        startup_role=expert.startup_role,
        city=expert.city,
        country=expert.country,
        zone=zone or person.zone,
        languages=expert.languages,
        bio=expert.bio,
        language=expert.language,
        email_domain=person.email.rpartition("@")[2],
        bookable=expert.account_status == "active",
        instant=is_instant(version.instant, expert.standing_since, expert.meeting_link),
        seller=_tax(expert),
        demo=expert.demo,
        photo_id=expert.photo_id,
        source_id=offer.source_id,
    )


def _tax(expert: Expert) -> SellerTax:
    """For VAT. Who has said no country yet is taken to be at home where the platform is."""
    return SellerTax(
        country=expert.country or PlatformTax().country,
        liable=expert.vat_status == "liable",
        ground=expert.vat_ground,
        vat_number=expert.vat_number,
    )


def quote_preview(page: OfferPage, platform: PlatformTax, now: datetime) -> Quote:
    """What a company in the expert's country would pay; `quote.assumed` says that it is an assumption."""
    return quote_for(page.version.price_minor, page.seller, platform, now)


def quote_for(price_minor: int, seller: SellerTax, platform: PlatformTax, now: datetime) -> Quote:
    """The same for any price of this seller: what the buyer would pay, and the seller receive."""
    rates = fees_at(now, platform.fees)
    return preview(
        price_minor,
        service_fee_bp=rates.service_bp,
        commission_bp=rates.commission_bp,
        seller=seller,
        platform=platform,
    )


def taxonomy(session: Session) -> Taxonomy:
    """Topics and industries: slug → name by language code; two statements."""
    topics, industries = (
        {
            row.slug: {"fr": row.fr, "en": row.en}
            for row in session.execute(sa.select(kind.slug, kind.fr, kind.en))
        }
        for kind in (Topic, Industry)
    )
    return Taxonomy(topics, industries)


@dataclass(frozen=True)
class Taxonomy:
    """What an offer may be filed under."""

    topics: dict[str, dict[str, str]]
    industries: dict[str, dict[str, str]]
