"""What a hold reads: the offer with all that decides whether it can be booked, and the lead with their company."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import availability as hours
from ...domain.bookings import State
from ...domain.errors import NotBookable, NotFound, OwnOffer
from ...domain.offers import is_instant
from ...domain.policy import Actor
from ...storage.availability import Calendar
from ...storage.bookings import Booking
from ...storage.companies import Company, Membership
from ...storage.db import Tx
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from ...storage.types import another
from ..availability import rules_of, stale_experts
from .clockwork import overdue_of


@dataclass(frozen=True)
class Wanted:
    """What a hold needs to know of an offer: read before any lock, true since versions are not edited."""

    offer: Offer
    version: OfferVersion
    expert: Expert
    person: Person
    calendar: Calendar

    @property
    def instant(self) -> bool:
        """Whether the expert's standing acceptance answers for them."""
        return is_instant(self.version.instant, self.expert.standing_since, self.expert.meeting_link)

    def excludes(self, company: Company) -> bool:
        """Whether the expert's acceptance in advance leaves this company out: its request waits for an answer."""
        names = {(name or "").casefold() for name in (company.name, company.legal_name, company.domain)}
        return any(line.casefold() in names for line in self.expert.conflicts)

    def rules(self, instant: bool) -> hours.Availability:
        """The calendar with the offer's own notice."""
        return rules_of(self.calendar, notice_hours=self.version.notice_hours, instant=instant)


def wanted_offer(session: Session, offer_id: uuid.UUID) -> Wanted:
    """A live offer of somebody who can be booked. NotFound, NotBookable."""
    row = session.execute(_OFFER_ROWS, {"offer": offer_id}).one_or_none()
    if row is None:
        raise NotFound
    return _bookable(Wanted(*row))


def _bookable(wanted: Wanted) -> Wanted:
    if (
        wanted.offer.status != "live"
        or wanted.expert.status != "admitted"
        or wanted.person.suspended_at
        or wanted.expert.account_status != "active"
    ):
        raise NotBookable
    return wanted


def lead_of(session: Session, actor: Actor) -> tuple[Person, Company]:
    """The actor with the company they lead projects for. NotFound."""
    row = session.execute(
        sa.select(Person, Company)
        .join(Membership, Membership.person_id == Person.id)
        .join(Company, Company.id == Membership.company_id)
        .where(Person.id == actor.person_id, sa.literal("lead") == sa.any_(Membership.roles))
        .order_by(Membership.joined_at, Membership.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def refuse_own(wanted: Wanted, person: Person, company: Company) -> None:
    """Nobody books themselves; the same mail domain counts as the same company."""
    if wanted.person.id == person.id or wanted.person.email.rpartition("@")[2] == company.domain:
        raise OwnOffer


class Keys(NamedTuple):
    """Whose rows a hold locks: the offer's expert, and the company its lead books for."""

    offer_id: uuid.UUID
    expert_id: uuid.UUID
    company_id: uuid.UUID


class Locked(NamedTuple):
    """What decides a hold, true while its locks are had."""

    wanted: Wanted
    lead: Person
    company: Company
    # This very hold was made before; something else of the calendar ran out and is not yet put away.
    already: bool
    overdue: bool
    # In `held` now: of the lead, and of the company by its mail domain.
    mine: int
    ours: int


def keys_of(session: Session, offer: uuid.UUID | str, actor: Actor) -> Keys:
    """Read before any lock; `offer` is an id, or the name in its address. NotFound."""
    # By its address, drafts and hidden ones are nobody's (web/access.py).
    open_to_all = Offer.status.not_in(("draft", "hidden"))
    which = Offer.id == offer if isinstance(offer, uuid.UUID) else sa.and_(Offer.slug == offer, open_to_all)
    row = session.execute(
        sa.select(Offer.id, Offer.expert_id, Membership.company_id)
        .select_from(Offer)
        .join(Membership, sa.and_(Membership.person_id == actor.person_id, _LEADS))
        .where(which)
        .order_by(Membership.joined_at, Membership.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound
    return Keys(*row)


def read_locked(tx: Tx, keys: Keys, actor: Actor, booking_id: uuid.UUID) -> Locked:
    """All that decides a hold, by one statement. NotFound, NotBookable."""
    row = tx.session.execute(
        _LOCKED,
        {"offer": keys.offer_id, "person": actor.person_id, "company": keys.company_id,
         "booking": booking_id, "now": tx.now},
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    return Locked(_bookable(Wanted(*row[:5])), *row[5:])


_LEADS = sa.literal("lead") == sa.any_(Membership.roles)
_OFFER_ROWS = (
    sa.select(Offer, OfferVersion, Expert, Person, Calendar)
    .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
    .join(Expert, Expert.id == Offer.expert_id)
    .join(Person, Person.id == Expert.person_id)
    .join(Calendar, Calendar.expert_id == Expert.id)
    .where(Offer.id == sa.bindparam("offer"))
    .execution_options(populate_existing=True)
)
_Lead, _OfTheDomain = another(Person), another(Company)
_COUNTED = sa.and_(
    Booking.state == State.HELD.value,
    Booking.deadline > sa.bindparam("now"),
    Booking.agreed_at.is_(None),
    Booking.queued_at.is_(None),
)
_LOCKED = (
    _OFFER_ROWS.add_columns(
        _Lead,
        Company,
        sa.exists().where(Booking.id == sa.bindparam("booking")),
        sa.exists(overdue_of(Offer.expert_id, sa.bindparam("now"))),
        sa.select(sa.func.count()).where(Booking.lead_id == _Lead.id, _COUNTED).scalar_subquery(),
        sa.select(sa.func.count())
        .select_from(Booking)
        .join(_OfTheDomain, _OfTheDomain.id == Booking.company_id)
        .where(_OfTheDomain.domain == Company.domain, _COUNTED)
        .scalar_subquery(),
    )
    .join(_Lead, _Lead.id == sa.bindparam("person"))
    .join(Company, Company.id == sa.bindparam("company"))
    .join(
        Membership,
        sa.and_(Membership.person_id == _Lead.id, Membership.company_id == Company.id, _LEADS),
    )
)


def instant_now(session: Session, wanted: Wanted, now: datetime) -> bool:
    """Whether the standing acceptance answers now: not while a busy calendar is stale."""
    return wanted.instant and not stale_experts(session, [wanted.expert.id], now)
