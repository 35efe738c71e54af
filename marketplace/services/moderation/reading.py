"""The queue as operators read it: tabs, lines by keyset, and one case with all a decision needs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...domain.moderation import UNDO_WINDOW, undo_open
from ...storage.bookings import Booking
from ...storage.experts import Expert
from ...storage.moderation import Case, Notice, Restriction
from ...storage.offers import Industry, Offer, OfferVersion, Topic
from ...storage.people import AuditRow, Person
from ...storage.reviews import Review
from ...storage.types import another
from ..experts import profile_diff, profile_of
from ..offers.drafts import draft_of
from ..offers.publishing import first_offer, offer_diff
from .cases import is_own
from .checks import Check, offer_checks, profile_checks, text_checks

TABS = ("open", "mine", "snoozed", "decided")
PAGE = 30
Diff = Sequence[tuple[str, Any, Any]]
_owner, _decider = another(Person), another(Person)


@dataclass(frozen=True)
class CaseLine:
    """A line of the queue. `kind` is as said: expert, profile, offer_new, offer_changed, report_offer,
    report_review, report_profile."""

    id: uuid.UUID
    number: int
    kind: str
    title: str
    state: str
    opened_at: datetime
    target_at: datetime
    owner_id: uuid.UUID | None
    owner_name: str | None
    snoozed_until: datetime | None
    decision: str | None
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True)
class Queue:
    """A page of a tab, and where the next one goes on."""

    lines: Sequence[CaseLine]
    after: tuple[datetime, uuid.UUID] | None


@dataclass(frozen=True)
class Facts:
    """What the records say around a reported review."""

    review: Review
    offer_title: str
    offer_language: str
    planned_minutes: int
    starts_at: datetime
    imported: bool
    author_reviews: int
    others: int
    others_usefulness: Sequence[int]
    of_expert: str


@dataclass(frozen=True)
class CasePage:
    """One case with everything beside it. `own`: it concerns the reader, who may not decide."""

    case: Case
    line: CaseLine
    person: Person | None
    own: bool
    may_undo: bool
    diff: Diff = ()
    offer_diff: Diff = ()
    offer_id: uuid.UUID | None = None
    slug: str | None = None
    version: OfferVersion | None = None
    expert: Expert | None = None
    facts: Facts | None = None
    notices: Sequence[Notice] = ()
    checks: Sequence[Check] = ()
    offer_checks: Sequence[Check] = ()
    earlier: Sequence[CaseLine] = ()
    restrictions: Sequence[Restriction] = ()
    acts: Sequence[tuple[datetime, str, str, str]] = field(default_factory=tuple)


def counts(session: Session, person_id: uuid.UUID | None, now: datetime) -> dict[str, int]:
    """How many cases stand in each open tab; one statement."""
    awake = sa.or_(Case.snoozed_until.is_(None), Case.snoozed_until <= now)
    row = session.execute(
        sa.select(
            sa.func.count().filter(awake),
            sa.func.count().filter(awake, Case.owner_id == person_id),
            sa.func.count().filter(sa.not_(awake)),
        ).where(Case.state == "open")
    ).one()
    return dict(zip(("open", "mine", "snoozed"), row, strict=True))


def last_decided(session: Session, person_id: uuid.UUID | None, now: datetime) -> CaseLine | None:
    """What this operator decided last, while it can still be taken back."""
    row = session.execute(
        _lines()
        .where(
            Case.state == "decided", Case.told_at.is_(None), Case.decided_by == person_id,
            Case.decided_at > now - UNDO_WINDOW,
        )
        .order_by(Case.decided_at.desc(), Case.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    return _line(row) if row else None


def names_of_subjects(session: Session, language: str) -> dict[str, str]:
    """Topics and industries by their slugs, in "fr" or "en"."""
    both = (sa.select(kind.slug, getattr(kind, language)) for kind in (Topic, Industry))
    return {slug: name for query in both for slug, name in session.execute(query)}


def queue(
    session: Session,
    *,
    tab: str,
    person_id: uuid.UUID | None,
    now: datetime,
    after: tuple[datetime, uuid.UUID] | None = None,
    limit: int = PAGE,
) -> Queue:
    """A page of a tab: what is due first comes first, what was decided last comes first. One statement."""
    awake = sa.or_(Case.snoozed_until.is_(None), Case.snoozed_until <= now)
    query = _lines()
    if tab == "decided":
        key: Any = Case.decided_at
        query = query.where(Case.state != "open").order_by(Case.decided_at.desc(), Case.id.desc())
    else:
        key = Case.target_at
        query = query.where(Case.state == "open").order_by(Case.target_at, Case.id)
        query = query.where(sa.not_(awake) if tab == "snoozed" else awake)
        if tab == "mine":
            query = query.where(Case.owner_id == person_id)
    if after is not None:
        here, there = sa.tuple_(key, Case.id), sa.tuple_(*map(sa.literal, after))
        query = query.where(here < there if tab == "decided" else here > there)
    rows = [_line(row) for row in session.execute(query.limit(limit + 1))]
    more, rows = len(rows) > limit, rows[:limit]
    if not more:
        return Queue(rows, None)
    last = rows[-1]
    at = last.decided_at if tab == "decided" else last.target_at
    return Queue(rows, (at, last.id) if at else None)


def case_page(session: Session, number: int, *, person_id: uuid.UUID | None, now: datetime) -> CasePage:
    """The case of this number with what a decision needs. NotFound for none."""
    if not 0 < number < 2**31:
        raise NotFound
    row = session.execute(_lines().where(Case.number == number)).one_or_none()
    if row is None:
        raise NotFound
    line = _line(row)
    case = session.get_one(Case, line.id)
    own = is_own(session, case, person_id)
    shown: dict[str, Any] = {
        "case": case, "line": line, "own": own,
        "person": session.get(Person, case.person_id) if case.person_id else None,
        "may_undo": _may_undo(case, person_id, now),
        "earlier": _earlier(session, case), "restrictions": _restrictions(session, case),
        "acts": _acts(session, case),
    }  # fmt: skip
    about = (
        _about_report if case.kind == "report" else _about_offer if case.kind == "offer" else _about_expert
    )
    return CasePage(**shown, **about(session, case, now))


def receivers(session: Session, number: int) -> tuple[str, str | None, str | None]:
    """(a case's kind as said, the language its author reads, the one who first reported it reads). NotFound."""
    row = session.execute(_lines().where(Case.number == number)).one_or_none() if 0 < number < 2**31 else None
    if row is None:
        raise NotFound
    author = sa.select(Person.language).join(Case, Case.person_id == Person.id).where(Case.number == number)
    reporter = sa.select(Notice.language).join(Case, Case.id == Notice.case_id).where(Case.number == number)
    return (
        row.kind,
        session.scalar(author),
        session.scalar(reporter.where(Notice.email != "").order_by(Notice.id).limit(1)),
    )


def _about_expert(session: Session, case: Case, now: datetime) -> dict[str, Any]:
    assert case.expert_id is not None
    draft = profile_of(session, case.expert_id)
    found: dict[str, Any] = {
        "expert": session.get_one(Expert, case.expert_id),
        "diff": profile_diff(session, case.expert_id) if case.state == "open" else (),
        "checks": profile_checks(session, case.expert_id, draft.content, now),
    }
    offer_id = first_offer(session, case.expert_id) if case.kind == "expert" else None
    if offer_id is not None:
        content = draft_of(session, offer_id).content
        found |= {
            "offer_id": offer_id, "offer_diff": offer_diff(session, offer_id),
            "offer_checks": offer_checks(session, case.expert_id, content, now),
        }  # fmt: skip
    return found


def _about_offer(session: Session, case: Case, now: datetime) -> dict[str, Any]:
    assert case.offer_id is not None
    offer = session.get_one(Offer, case.offer_id)
    content = draft_of(session, offer.id).content
    return {
        "expert": session.get_one(Expert, offer.expert_id),
        "offer_id": offer.id,
        "slug": offer.slug if offer.status == "live" else None,
        "offer_diff": offer_diff(session, offer.id) if case.state == "open" else (),
        "offer_checks": offer_checks(session, offer.expert_id, content, now),
    }


def _about_report(session: Session, case: Case, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {
        "notices": list(
            session.scalars(sa.select(Notice).where(Notice.case_id == case.id).order_by(Notice.id))
        )
    }
    if case.review_id is not None:
        facts = _review_facts(session, case.review_id)
        return found | {"facts": facts, "checks": text_checks(facts.review.text), "slug": None}
    if case.offer_id is not None:
        offer = session.get_one(Offer, case.offer_id)
        version = session.scalar(
            sa.select(OfferVersion).where(OfferVersion.offer_id == offer.id, OfferVersion.live)
        )
        content = draft_of(session, offer.id).content if version is None else _said(version)
        return found | {
            "version": version, "expert": session.get_one(Expert, offer.expert_id), "offer_id": offer.id,
            "slug": offer.slug if offer.status == "live" else None,
            "offer_checks": offer_checks(session, offer.expert_id, content, now),
        }  # fmt: skip
    assert case.expert_id is not None
    expert = session.get_one(Expert, case.expert_id)
    return found | {"expert": expert, "checks": text_checks(f"{expert.headline}\n{expert.bio}")}


def _said(version: OfferVersion) -> dict[str, Any]:
    return {column.key: getattr(version, column.key) for column in OfferVersion.__table__.columns}


def _review_facts(session: Session, review_id: uuid.UUID) -> Facts:
    review, booking, version, name = session.execute(
        sa.select(Review, Booking, OfferVersion, Person.name)
        .join(Booking, Booking.id == Review.booking_id)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Review.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .where(Review.id == review_id)
    ).one()
    by_author = (
        sa.and_(Review.author_id == review.author_id, Review.id != review.id)
        if review.author_id is not None
        else sa.false()
    )
    of_expert = sa.and_(Review.expert_id == review.expert_id, Review.side == "lead", Review.id != review.id)
    authored, others, usefulness = session.execute(
        sa.select(
            sa.func.count().filter(by_author),
            sa.func.count().filter(of_expert),
            sa.func.array_agg(Review.usefulness).filter(of_expert, Review.usefulness.is_not(None)),
        ).where(sa.or_(by_author, of_expert))
    ).one()
    return Facts(
        review, version.title, version.language,
        int((booking.ends_at - booking.starts_at).total_seconds()) // 60, booking.starts_at,
        booking.origin == "imported", authored, others, sorted((mark for mark in usefulness or () if mark is not None), reverse=True), name,
    )  # fmt: skip


def _earlier(session: Session, case: Case) -> list[CaseLine]:
    """What was decided before about the same person or thing, the newest first."""
    same = [Case.person_id == case.person_id] if case.person_id else []
    for column, value in (
        (Case.offer_id, case.offer_id), (Case.expert_id, case.expert_id), (Case.review_id, case.review_id)
    ):  # fmt: skip
        if value is not None:
            same.append(column == value)
    rows = session.execute(
        _lines().where(sa.or_(*same), Case.id != case.id).order_by(Case.opened_at.desc(), Case.id).limit(10)
    )
    return [_line(row) for row in rows]


def _restrictions(session: Session, case: Case) -> list[Restriction]:
    if case.person_id is None:
        return []
    query = sa.select(Restriction).where(Restriction.person_id == case.person_id)
    return list(session.scalars(query.order_by(Restriction.at.desc(), Restriction.id).limit(10)))


def _acts(session: Session, case: Case) -> list[tuple[datetime, str, str, str]]:
    """Who did what on this case: (when, act, who, words)."""
    rows = session.execute(
        sa.select(AuditRow.at, AuditRow.act, Person.name, AuditRow.reason)
        .outerjoin(Person, Person.id == AuditRow.actor_id)
        .where(AuditRow.subject == f"case:{case.number}")
        .order_by(AuditRow.at, AuditRow.id)
        .limit(50)
    )
    return [(at, act, name or "", reason) for at, act, name, reason in rows]


def _may_undo(case: Case, person_id: uuid.UUID | None, now: datetime) -> bool:
    return (
        case.state == "decided"
        and case.decided_by == person_id
        and case.told_at is None
        and case.decided_at is not None
        and undo_open(case.decided_at, now)
    )


def _lines() -> sa.Select[Any]:
    was_live = sa.exists().where(
        OfferVersion.offer_id == Case.offer_id, OfferVersion.published_at < Case.opened_at
    )
    said = sa.case(
        (sa.and_(Case.kind == "report", Case.offer_id.is_not(None)), "report_offer"),
        (sa.and_(Case.kind == "report", Case.review_id.is_not(None)), "report_review"),
        (Case.kind == "report", "report_profile"),
        (sa.and_(Case.kind == "offer", was_live), "offer_changed"),
        (Case.kind == "offer", "offer_new"),
        else_=Case.kind,
    )
    return (
        sa.select(
            Case.id, Case.number, said.label("kind"), Case.title, Case.state, Case.opened_at, Case.target_at,
            Case.owner_id, _owner.name.label("owner_name"), Case.snoozed_until, Case.decision, Case.decided_at,
            _decider.name.label("decided_by"),
        )
        .outerjoin(_owner, _owner.id == Case.owner_id)
        .outerjoin(_decider, _decider.id == Case.decided_by)
    )  # fmt: skip


def _line(row: Any) -> CaseLine:
    return CaseLine(**row._mapping)
