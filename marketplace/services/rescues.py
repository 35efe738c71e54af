"""Rescues: the same brief to another expert, when the first could not (booking-process.md, "When it fails")."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.errors import NotBookable, NotFound
from ..domain.events import BookingLost, RescueOpened
from ..domain.pricing import PlatformTax, Quote, fees_at, quote
from ..domain.search import MOST_CHARACTERS
from ..gateways.embeddings import Encoders
from ..storage.bookings import Booking
from ..storage.briefs import Brief
from ..storage.companies import Company
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.offers import OfferVersion
from ..storage.people import Person
from ..storage.rescues import Rescue
from .bookings.holding import free_of
from .bookings.paying import buyer_tax, seller_tax
from .bookings.wanted import wanted_offer
from .search import Hit, find, meant_by

MOST_FOUND = 3
LOOKED_AT = 12
WORKING_DAYS = 2


def open_rescue(tx: Tx, event: BookingLost) -> None:
    """A row for it, in the transaction of the failing move; a job fills it."""
    if tx.session.scalar(sa.select(Rescue.id).where(Rescue.booking_id == event.booking_id)):
        return
    rescue = Rescue(booking_id=event.booking_id, opened_at=tx.now)
    tx.session.add(rescue)
    tx.session.flush()  # Its id goes into the announcement.
    tx.announce(RescueOpened(rescue.id))


def fill_rescue(db: Database, encoders: Encoders, rescue_id: uuid.UUID, platform: PlatformTax) -> None:
    """Find up to three other offers for the brief: not dearer, with a slot within two working days of
    the lost one. Run twice, it looks again and keeps the later answer."""
    with db.reading() as session:
        brief = session.scalar(
            sa.select(Brief)
            .join(Booking, Booking.brief_id == Brief.id)
            .join(Rescue, Rescue.booking_id == Booking.id)
            .where(Rescue.id == rescue_id)
        )
    if brief is None:
        return
    # A brief may be longer than what is read as a question.
    words = "\n".join(part for part in (brief.subject, brief.context, brief.decision) if part)[
        :MOST_CHARACTERS
    ]
    meant = meant_by(db, encoders, words)
    with db.transaction() as tx:
        rescue = tx.session.get(Rescue, rescue_id, with_for_update=True)
        if rescue is None:
            return
        lost = tx.session.get_one(Booking, rescue.booking_id)
        hits = find(tx.session, words, meant=meant, now=tx.now, limit=LOOKED_AT).hits
        rescue.found = _candidates(tx.session, hits, lost, platform, tx.now)
        rescue.filled_at = tx.now


def _candidates(
    session: Session, hits: Sequence[Hit], lost: Booking, platform: PlatformTax, now: datetime
) -> list[dict[str, object]]:
    most = Quote.from_dict(lost.quote).total if lost.quote else None
    found: list[dict[str, object]] = []
    for hit in hits:
        if len(found) == MOST_FOUND:
            break
        slot = _fitting(session, hit.offer_id, lost, most, platform, now)
        if slot is not None:
            found.append(
                {"offer_id": str(hit.offer_id), "start": slot[0].isoformat(), "end": slot[1].isoformat()}
            )
    return found


def _fitting(
    session: Session,
    offer_id: uuid.UUID,
    lost: Booking,
    most: int | None,
    platform: PlatformTax,
    now: datetime,
) -> tuple[datetime, datetime] | None:
    try:
        wanted = wanted_offer(session, offer_id)
    except (NotFound, NotBookable):
        return None
    if wanted.expert.id == lost.expert_id or wanted.version.format not in (lost.format, "both"):
        return None
    if most is not None:
        total = _total(session, wanted.version, wanted.expert, wanted.person, lost, platform)
        if total > most:
            return None
    free = free_of(session, wanted, window=near(lost.starts_at, now), now=now)
    return min(free.slots, key=lambda slot: abs(slot[0] - lost.starts_at), default=None)


def _total(
    session: Session,
    version: OfferVersion,
    expert: Expert,
    person: Person,
    lost: Booking,
    platform: PlatformTax,
) -> int:
    """With VAT, for the company that lost its booking."""
    rates = fees_at(lost.created_at, platform.fees)
    return quote(
        version.price_minor,
        service_fee_bp=rates.service_bp,
        commission_bp=rates.commission_bp,
        seller=seller_tax(expert, person),
        buyer=buyer_tax(session.get_one(Company, lost.company_id)),
        platform=platform,
    ).total


def near(start: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From two working days before to the end of two working days after; not before now."""
    return max(now, _working_days(start, -WORKING_DAYS)), max(
        now, _working_days(start, WORKING_DAYS)
    ) + timedelta(days=1)


def _working_days(start: datetime, days: int) -> datetime:
    step = timedelta(days=1 if days > 0 else -1)
    left, day = abs(days), start
    while left:
        day += step
        if day.isoweekday() <= 5:
            left -= 1
    return day


def rescue_of(session: Session, booking_id: uuid.UUID) -> Rescue | None:
    """The rescue of a lost booking, where one was opened."""
    return session.scalar(sa.select(Rescue).where(Rescue.booking_id == booking_id))
