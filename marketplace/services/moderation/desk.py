"""What operators see of people and of offers, with the money of each. Reading only; a fixed number of statements."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...storage.bookings import Booking
from ...storage.companies import Company, Membership
from ...storage.experts import Expert
from ...storage.moderation import Restriction
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.people import LogIn, Person, SecondFactor
from ...storage.reviews import Review
from ...storage.types import another
from ..offers.figures import OfferFigures, figures
from ..people import list_log_ins
from .money import After, Money, money_of, whose_bookings

A_PAGE = 20
# 40 000 is typed with a plain space and printed with a narrow one: any one sign stands for either.
_ANY_SPACE = re.compile(r"\s")
KINDS = ("operator", "expert", "applicant", "lead", "suspended")
OFFER_STATES = ("live", "draft", "hidden", "closed")
_Seller, _By, _LiftedBy = another(Person), another(Person), another(Person)


@dataclass(frozen=True)
class PersonRow:
    """A line of the list of people."""

    id: uuid.UUID
    name: str
    email: str
    operator: bool
    suspended_at: datetime | None
    created_at: datetime
    expert_status: str | None
    companies: str | None


@dataclass(frozen=True)
class OfferRow:
    """A line of the list of offers. `title` is the live version's, else the latest words there are; price without VAT."""

    id: uuid.UUID
    title: str | None
    language: str | None
    status: str
    draft_state: str | None
    price_minor: int | None
    expert_name: str
    created_at: datetime
    bookings: int


@dataclass(frozen=True)
class RestrictionRow:
    """A statement of reasons, by whom, and what lifted it."""

    kind: str
    ground: str
    reason: str
    at: datetime
    by: str
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_why: str | None
    offer_id: uuid.UUID | None
    review_id: uuid.UUID | None


@dataclass(frozen=True)
class PersonPage:
    """All an operator sees of a person."""

    person: Person
    expert: Expert | None
    memberships: Sequence[tuple[Company, Sequence[str]]]
    factor_since: datetime | None
    log_ins: Sequence[LogIn]
    offers: Sequence[OfferRow]
    restrictions: Sequence[RestrictionRow]
    money: Money


@dataclass(frozen=True)
class OfferDesk:
    """All an operator sees of an offer."""

    offer: Offer
    expert: Expert
    owner: Person
    versions: Sequence[OfferVersion]
    draft: OfferDraft | None
    figures: OfferFigures | None
    reviews: Sequence[Review]
    restrictions: Sequence[RestrictionRow]
    money: Money

    @property
    def title(self) -> str:
        """The live version's title, else the latest words there are; empty before any."""
        return next((v.title for v in self.versions if v.live), None) or (
            self.versions[0].title
            if self.versions
            else str(self.draft.content.get("title") or "")
            if self.draft
            else ""
        )


def list_people(
    session: Session, *, text: str = "", kind: str = "", after: After = None, most: int = A_PAGE
) -> tuple[list[PersonRow], After]:
    """Newest first, keyset-paged; by any part of name or address, and by what they are (KINDS)."""
    companies = (
        sa.select(sa.func.string_agg(Company.name, ", "))
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.person_id == Person.id)
        .scalar_subquery()
    )
    query = (
        sa.select(
            Person.id, Person.name, Person.email, Person.operator, Person.suspended_at, Person.created_at,
            Expert.status, companies,
        )
        .outerjoin(Expert, Expert.person_id == Person.id)
        .order_by(Person.created_at.desc(), Person.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if text:
        query = query.where(_named(Person, text))
    if kind in KINDS:
        leads = sa.exists().where(
            Membership.person_id == Person.id, sa.literal("lead") == sa.any_(Membership.roles)
        )
        query = query.where(
            {
                "operator": Person.operator, "suspended": Person.suspended_at.is_not(None), "lead": leads,
                "expert": Expert.status == "admitted", "applicant": Expert.status != "admitted",
            }[kind]
        )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(Person.created_at, Person.id) < after)
    rows = [PersonRow(*tuple(row)) for row in session.execute(query)]
    return rows[:most], (rows[most - 1].created_at, rows[most - 1].id) if len(rows) > most else None


def list_offers(
    session: Session,
    *,
    text: str = "",
    status: str = "",
    expert_id: uuid.UUID | None = None,
    after: After = None,
    most: int = A_PAGE,
) -> tuple[list[OfferRow], After]:
    """Newest first, keyset-paged; by any part of a title or of the expert's name, and by status."""
    # The live version, else the newest: number after number there is one live at most.
    version = (
        sa.select(OfferVersion)
        .where(OfferVersion.offer_id == Offer.id)
        .order_by(OfferVersion.live.desc(), OfferVersion.number.desc())
        .limit(1)
        .lateral()
    )
    booked = (
        sa.select(sa.func.count())
        .select_from(Booking)
        .where(Booking.offer_id == Offer.id, Booking.origin == "made")
        .scalar_subquery()
    )
    query = (
        sa.select(
            Offer.id, sa.func.coalesce(version.c.title, OfferDraft.content["title"].as_string()),
            sa.func.coalesce(version.c.language, OfferDraft.content["language"].as_string()), Offer.status,
            OfferDraft.state, version.c.price_minor, _Seller.name, Offer.created_at, booked,
        )
        .join(Expert, Expert.id == Offer.expert_id)
        .join(_Seller, _Seller.id == Expert.person_id)
        .outerjoin(version, sa.true())
        .outerjoin(OfferDraft, OfferDraft.offer_id == Offer.id)
        .order_by(Offer.created_at.desc(), Offer.id.desc())
        .limit(most + 1)
    )  # fmt: skip
    if text:
        titled = sa.select(OfferVersion.offer_id).where(like(sa.func.folded(OfferVersion.title), text))
        of = sa.select(Expert.id).join(Person, Person.id == Expert.person_id).where(_named(Person, text))
        query = query.where(sa.or_(Offer.id.in_(titled), Offer.expert_id.in_(of)))
    if status in OFFER_STATES:
        query = query.where(Offer.status == status)
    if expert_id is not None:
        query = query.where(Offer.expert_id == expert_id)
    if after is not None:
        query = query.where(sa.tuple_(Offer.created_at, Offer.id) < after)
    rows = [OfferRow(*tuple(row)) for row in session.execute(query)]
    return rows[:most], (rows[most - 1].created_at, rows[most - 1].id) if len(rows) > most else None


def person_page(session: Session, person_id: uuid.UUID, *, real_now: datetime) -> PersonPage:
    """All about one person, in seven statements. NotFound."""
    row = session.execute(
        sa.select(Person, Expert, SecondFactor.made_at)
        .outerjoin(Expert, Expert.person_id == Person.id)
        .outerjoin(SecondFactor, SecondFactor.person_id == Person.id)
        .where(Person.id == person_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    person, expert, since = row
    memberships = session.execute(
        sa.select(Company, Membership.roles)
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.person_id == person_id)
        .order_by(Company.name)
    )
    return PersonPage(
        person=person, expert=expert, factor_since=since,
        memberships=[(company, roles) for company, roles in memberships],
        log_ins=list_log_ins(session, person_id, real_now),
        offers=list_offers(session, expert_id=expert.id, most=50)[0] if expert is not None else [],
        restrictions=_restrictions(session, Restriction.person_id == person_id),
        money=money_of(session, whose_bookings(person_id)),
    )  # fmt: skip


def offer_desk(session: Session, offer_id: uuid.UUID, now: datetime) -> OfferDesk:
    """All about one offer, in nine statements. NotFound."""
    row = session.execute(
        sa.select(Offer, Expert, Person, OfferDraft)
        .join(Expert, Expert.id == Offer.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .outerjoin(OfferDraft, OfferDraft.offer_id == Offer.id)
        .where(Offer.id == offer_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    offer, expert, owner, draft = row
    versions = session.scalars(
        sa.select(OfferVersion).where(OfferVersion.offer_id == offer_id).order_by(OfferVersion.number.desc())
    ).all()
    reviews = session.scalars(
        sa.select(Review)
        .where(Review.offer_id == offer_id, Review.side == "lead")
        .order_by(Review.sent_at.desc(), Review.id.desc())
        .limit(50)
    ).all()
    about = sa.or_(
        Restriction.offer_id == offer_id, Restriction.review_id.in_([review.id for review in reviews])
    )
    return OfferDesk(
        offer=offer, expert=expert, owner=owner, versions=versions, draft=draft,
        figures=next((one for one in figures(session, expert.id, now) if one.offer_id == offer_id), None),
        reviews=reviews, restrictions=_restrictions(session, about),
        money=money_of(session, Booking.offer_id == offer_id),
    )  # fmt: skip


def review_about(session: Session, review_id: uuid.UUID) -> tuple[Review, int]:
    """A client's review and how many of its offer count with it. NotFound."""
    review = session.get(Review, review_id)
    if review is None:
        raise NotFound
    shown = session.scalar(
        sa.select(sa.func.count()).where(
            Review.offer_id == review.offer_id, Review.side == "lead", Review.hidden_at.is_(None)
        )
    )
    return review, int(shown or 0)


def _restrictions(session: Session, which: sa.ColumnElement[bool]) -> list[RestrictionRow]:
    rows = session.execute(
        sa.select(
            Restriction.kind, Restriction.ground, Restriction.reason, Restriction.at, _By.name,
            Restriction.lifted_at, _LiftedBy.name, Restriction.lifted_why, Restriction.offer_id, Restriction.review_id,
        )
        .join(_By, _By.id == Restriction.by)
        .outerjoin(_LiftedBy, _LiftedBy.id == Restriction.lifted_by)
        .where(which)
        .order_by(Restriction.at.desc(), Restriction.id.desc())
        .limit(50)
    )  # fmt: skip
    return [RestrictionRow(*tuple(row)) for row in rows]


def _named(person: type[Person], text: str) -> sa.ColumnElement[bool]:
    return sa.or_(like(sa.func.folded(person.name), text), person.email.like(part(text.lower()), escape="\\"))


def like(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a folded column holds the text somewhere, whatever its case, its accents and the width of its spaces."""
    return column.like(sa.func.folded(_ANY_SPACE.sub("_", part(text))), escape="\\")


def part(text: str) -> str:
    """The pattern of any text that holds this one, its own wildcards taken as they stand."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
