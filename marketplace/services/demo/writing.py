"""The checked folder as rows. What is there already, by the files' ids, is left as it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.deadlines import REVIEWS
from ...domain.errors import DataFileWrong
from ...domain.events import OfferPublished
from ...domain.ids import new_id, new_number, new_reference
from ...domain.offers import slug
from ...domain.pricing import DEFAULT_FEES
from ...domain.search import language_of
from ...storage.availability import Calendar
from ...storage.bookings import Booking, BookingMove
from ...storage.companies import Company, MailDomain, Membership
from ...storage.db import Tx
from ...storage.experts import Expert
from ...storage.offers import Industry, Offer, OfferVersion, Topic
from ...storage.people import Person
from ...storage.reviews import Review
from ..search import index_offer
from .lines import Problems
from .reading import BILLING, Folder

Progress = Callable[[str, int, int], None]

# Loaded experts have been here since before the oldest of their loaded reviews.
BEFORE_REVIEWS = timedelta(days=60)
# Ids of imported bookings come from what the file says, so that a second load finds them.
_IMPORTED = uuid.UUID("2f0f5f0e-8c2b-4d36-9b57-0b7e0a4f3c11")

# The stated default where availability.jsonl says nothing: mornings 3 h 30, afternoons 4 h 30, Monday to
# Friday in the expert's own zone, moved by a half-hour and thinned by a day from expert to expert.
MORNINGS = (("09:00", "12:30"), ("08:30", "12:30"), ("09:30", "13:00"))
AFTERNOONS = (("13:30", "18:00"), ("14:00", "18:30"), ("13:00", "17:30"))
DAYS = ([1, 2, 3, 4, 5], [1, 2, 4, 5], [1, 2, 3, 4], [2, 3, 4, 5], [1, 3, 4, 5])
BUFFERS = (0, 15, 30)


def write_all(tx: Tx, read: Folder, progress: Progress) -> dict[str, int]:
    """Write the folder within one transaction; how many rows of each kind are new."""
    since = (
        tx.now
        - timedelta(days=31 * max((row["months_ago"] for row in read.reviews), default=0))
        - BEFORE_REVIEWS
    )
    _taxonomy(tx.session, read)
    experts, offers = _experts_here(tx.session), _offers_here(tx.session)
    written = {"experts": 0, "offers": 0, "people": 0, "reviews": 0}
    instant = {row["expert"] for row in read.offers if row["instant"]}
    slugs = set(tx.session.scalars(sa.select(Expert.slug)))
    here_by_address = {known.email: key for key, known in experts.items()}
    mine: dict[str, uuid.UUID] = {}
    for number, row in enumerate(read.experts):
        key = here_by_address.get(row["email"]) or _key(row, experts)
        if key not in experts:
            given = default_hours(number, row["zone"]) | read.hours.get(row["id"], {})
            made = _expert(tx.session, row | {"key": key}, given, slugs, since, row["id"] in instant)
            experts[key] = _Known(made, row["email"], row["name"])
            written["experts"] += 1
        mine[row["id"]] = experts[key].id
        progress("experts", number + 1, len(read.experts))
    by_source = {row["id"]: row for row in read.experts}
    slugs = set(tx.session.scalars(sa.select(Offer.slug)))
    fresh: list[uuid.UUID] = []
    sold: dict[str, tuple[str, uuid.UUID]] = {}
    for number, row in enumerate(read.offers):
        expert, expert_id = by_source[row["expert"]], mine[row["expert"]]
        key = row["id"]
        if key in offers and offers[key][1] != expert_id:
            key = f"{key}/{expert['email']}"
        if key not in offers:
            made = _offer(tx.session, row | {"key": key}, expert, expert_id, slugs, since)
            offers[key] = (made, expert_id)
            fresh.append(made)
        sold[row["id"]] = (key, offers[key][0])
        progress("offers", number + 1, len(read.offers))
    written["offers"] = len(fresh)
    written["people"] = sum(_person(tx.session, row, tx.now) for row in read.people)
    said = _reviews(tx, read, sold)
    written["reviews"] = len(said)
    tx.session.flush()
    # Reviews stand already, so that the rows of the search know them.
    for number, offer_id in enumerate(fresh):
        index_offer(tx, offer_id)
        progress("search", number + 1, len(fresh))
    for offer_id in {review.offer_id for review in said} - set(fresh):
        tx.announce(OfferPublished(offer_id))
    return written


@dataclass(frozen=True)
class _Known:
    """A loaded expert."""

    id: uuid.UUID
    email: str
    name: str


def _key(row: dict[str, Any], here: Mapping[str, _Known]) -> str:
    """The file's id; with their address behind it where another folder gave that id to somebody else.

    Who changed their address since keeps their name: they are found by it.
    """
    known = here.get(row["id"])
    return row["id"] if known is None or known.name == row["name"] else f"{row['id']}/{row['email']}"


def _experts_here(session: Session) -> dict[str, _Known]:
    rows = session.execute(
        sa.select(Expert.source_id, Expert.id, Person.email, Person.name)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.source_id.is_not(None))
    )
    return {str(source): _Known(expert_id, email, name) for source, expert_id, email, name in rows}


def _offers_here(session: Session) -> dict[str, tuple[uuid.UUID, uuid.UUID]]:
    rows = session.execute(
        sa.select(Offer.source_id, Offer.id, Offer.expert_id).where(Offer.source_id.is_not(None))
    )
    return {str(source): (offer_id, expert_id) for source, offer_id, expert_id in rows}


def refuse_real_people(session: Session, read: Folder) -> None:
    """DataFileWrong where an expert's address has an account that no folder brought: nobody is made an
    expert by a file, and no invented offer is put into their mouth."""
    lines = {row["email"]: row["line"] for row in read.experts}
    real = session.execute(
        sa.select(Person.email, Expert.source_id)
        .outerjoin(Expert, Expert.person_id == Person.id)
        .where(
            Person.email.in_(lines),
            sa.or_(~Person.demo, sa.and_(Expert.id.is_not(None), Expert.source_id.is_(None))),
        )
    )
    noted = Problems()
    for email, _source in sorted(real, key=lambda row: lines[row.email]):
        noted.note("experts.jsonl", lines[email], "email", f"{email} has an account of its own here")
    if noted.found:
        raise DataFileWrong(problems=noted.found, more=noted.more)


def _taxonomy(session: Session, read: Folder) -> None:
    for kind, rows in ((Topic, read.topics), (Industry, read.industries)):
        if rows:
            values = [{name: row[name] for name in ("slug", "fr", "en")} for row in rows]
            session.execute(insert(kind).values(values).on_conflict_do_nothing())


def _expert(
    session: Session,
    row: dict[str, Any],
    hours: dict[str, Any],
    slugs: set[str],
    since: datetime,
    instant: bool,
) -> uuid.UUID:
    address = slug(row["name"], slugs)
    slugs.add(address)
    person = _somebody(session, row, since)
    expert = Expert(
        id=new_id(),
        person_id=person,
        source_id=row["key"],
        slug=address,
        status="admitted",
        admitted_at=since,
        **{
            name: row[name]
            for name in (
                "headline", "startup", "startup_role", "city", "country", "languages", "bio", "language",
            )
        },
        legal_name=row["startup"],
        address=row["city"],
        vat_status="liable",
        # What an instant offer needs: agreed to in advance, nobody excluded, a place to meet.
        standing_since=since if instant else None,
        conflicts=[],
        meeting_link=f"https://meet.example.com/{address}" if instant else None,
        demo=True,
        created_at=since,
    )  # fmt: skip
    session.add(expert)
    session.flush()  # The calendar refers to it.
    calendar = {name: hours[name] for name in hours.keys() - {"expert", "line"}}
    session.add(Calendar(expert_id=expert.id, **calendar))
    return expert.id


def default_hours(number: int, zone: str) -> dict[str, Any]:
    """The stated default hours of the `number`th expert."""
    morning, afternoon = MORNINGS[number % len(MORNINGS)], AFTERNOONS[number // 2 % len(AFTERNOONS)]
    # A later morning leaves a break: nobody works from nine to half past six without one.
    afternoon = max(afternoon, AFTERNOONS[0]) if morning[1] == "13:00" else afternoon
    buffer = BUFFERS[number % len(BUFFERS)]
    return {
        "zone": zone,
        "weekly": [
            {"days": DAYS[number % len(DAYS)], "start": start, "end": end}
            for start, end in (morning, afternoon)
        ],
        "dated": [],
        "before_minutes": buffer,
        "after_minutes": buffer,
        "notice_hours": 24,
        "grid_minutes": 30,
    }


def _somebody(session: Session, row: dict[str, Any], since: datetime) -> uuid.UUID:
    """A person marked demo: address verified, no password, so only the one click of demo mode lets them in."""
    known = session.scalar(sa.select(Person.id).where(Person.email == row["email"]))
    if known is not None:
        return known
    person = Person(
        id=new_id(),
        email=row["email"],
        name=row["name"],
        language=row["language"],
        zone=row["zone"],
        operator=bool(row.get("operator")),
        demo=True,
        email_verified_at=since,
        created_at=since,
    )
    session.add(person)
    session.flush()
    return person.id


def _offer(
    session: Session,
    row: dict[str, Any],
    expert: dict[str, Any],
    expert_id: uuid.UUID,
    slugs: set[str],
    since: datetime,
) -> uuid.UUID:
    address = slug(row["title"], slugs)
    slugs.add(address)
    offer = Offer(
        id=new_id(), source_id=row["key"], expert_id=expert_id, slug=address, status="live", created_at=since
    )
    session.add(offer)
    session.flush()  # The version refers to it.
    session.add(
        OfferVersion(
            offer_id=offer.id,
            number=1,
            live=True,
            area=expert["city"] if row["format"] != "remote" else "",
            # Sessions are held in the two languages of the house, as far as the expert speaks them.
            languages=[spoken for spoken in ("fr", "en") if spoken in expert["languages"]]
            or [row["language"]],
            published_at=since,
            **{name: row[name] for name in row.keys() - {"id", "key", "expert", "line"}},
        )
    )
    return offer.id


def _person(session: Session, row: dict[str, Any], now: datetime) -> bool:
    """Whether they were new. The first of a mail domain brings the company in."""
    if session.scalar(sa.select(Person.id).where(Person.email == row["email"])) is not None:
        return False
    person_id = _somebody(session, row, now)
    if row["company"] is None:
        return True
    domain = row["email"].rpartition("@")[2]
    company_id = session.scalar(
        sa.select(Company.id).where(Company.domain == domain).order_by(Company.id).limit(1)
    )
    if company_id is None:
        session.execute(insert(MailDomain).values(domain=domain).on_conflict_do_nothing())
        company = Company(
            id=new_id(),
            name=row["company"]["name"],
            domain=domain,
            created_at=now,
            **{name: row["company"][name] for name in BILLING},
        )
        session.add(company)
        session.flush()
        company_id = company.id
    session.add(
        Membership(person_id=person_id, company_id=company_id, roles=sorted(row["roles"]), joined_at=now)
    )
    return True


def _reviews(tx: Tx, read: Folder, offers: dict[str, tuple[str, uuid.UUID]]) -> list[Review]:
    """Each with its past booking of origin *imported*: held, rated, without money, company or brief."""
    versions = {
        row.offer_id: row
        for row in tx.session.execute(
            sa.select(OfferVersion, Offer.expert_id, Calendar.zone)
            .join(Offer, Offer.id == OfferVersion.offer_id)
            .join(Calendar, Calendar.expert_id == Offer.expert_id)
            .where(OfferVersion.live)
            .with_only_columns(
                OfferVersion.offer_id, OfferVersion.id.label("version_id"), OfferVersion.price_minor,
                OfferVersion.minutes, OfferVersion.policy, OfferVersion.notice_hours, OfferVersion.format,
                OfferVersion.instant, Offer.expert_id, Calendar.zone,
            )
        )
    }  # fmt: skip
    known = set(tx.session.scalars(sa.select(Booking.id).where(Booking.origin == "imported")))
    written = []
    for row in read.reviews:
        key, offer_id = offers[row["offer"]]
        booking_id = uuid.uuid5(_IMPORTED, "/".join((key, row["author_name"], row["author_company"])))
        version = versions.get(offer_id)
        if booking_id in known or version is None:
            continue
        known.add(booking_id)
        booking = _held_booking(tx, booking_id, version, row["months_ago"], row["line"])
        tx.session.flush()  # History and review refer to it.
        tx.session.add(
            BookingMove(
                booking_id=booking.id, token="loaded", at=booking.created_at, actor_kind="loader",
                move="imported", from_state=None, to_state="completed",
            )
        )  # fmt: skip
        written.append(_review(booking, row))
    tx.session.add_all(written)
    return written


def _held_booking(tx: Tx, booking_id: uuid.UUID, version: Any, months_ago: int, line: int) -> Booking:
    start = past_session(tx.now, months_ago, line, version.zone)
    end = start + timedelta(minutes=version.minutes)
    fees = DEFAULT_FEES[0]
    booking = Booking(
        id=booking_id,
        reference=new_reference(),
        number=new_number(),
        origin="imported",
        state="completed",
        expert_id=version.expert_id,
        offer_id=version.offer_id,
        version_id=version.version_id,
        starts_at=start,
        ends_at=end,
        ended_at=end,
        reviews_until=end + REVIEWS,
        price_minor=version.price_minor,
        service_fee_bp=fees.service_bp,
        commission_bp=fees.commission_bp,
        policy=version.policy,
        notice_hours=version.notice_hours,
        instant=version.instant,
        format="on_site" if version.format == "on_site" else "remote",
        held_at=start - timedelta(days=15),
        created_at=start - timedelta(days=15),
    )
    tx.session.add(booking)
    return booking


def past_session(now: datetime, months_ago: int, line: int, zone: str) -> datetime:
    """Nine o'clock of a working day so many months back, spread over the month by the file's line."""
    day = (now - timedelta(days=round(months_ago * 30.44) + line % 9)).date()
    day -= timedelta(days=max(0, day.isoweekday() - 5))
    return datetime.combine(day, time(9), ZoneInfo(zone)).astimezone(UTC)


def _review(booking: Booking, row: dict[str, Any]) -> Review:
    """The file's one rating counts as usefulness; the other three stay unknown (booking-process.md, Reviews)."""
    return Review(
        booking_id=booking.id,
        offer_id=booking.offer_id,
        expert_id=booking.expert_id,
        side="lead",
        author_name=row["author_name"],
        author_company=row["author_company"],
        author_role=row["author_role"],
        usefulness=row["usefulness"],
        unlocked=row["unlocked"],
        days_saved=row["days_saved"],
        text=row["text"],
        language=row["language"] or language_of(row["text"]),
        sent_at=booking.ends_at + timedelta(days=2),
    )
