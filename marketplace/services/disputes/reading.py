"""What pages show of disputes: a fixed number of statements, whatever the data."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import deadlines
from ...domain.pricing import Quote
from ...domain.refunds import least_share
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.disputes import Dispute, DisputeDecision, DisputeFile, DisputeStatement, LaterRefund
from ...storage.experts import Expert
from ...storage.files import File
from ...storage.offers import OfferVersion
from ...storage.people import Person
from ...storage.types import another
from .standing import Split, last_decided, last_share, quote_and_before, split_of

A_PAGE = 20
TABS = ("operators", "between", "decided", "closed")
BETWEEN = timedelta(hours=48)
_Seller, _Lead = another(Person), another(Person)


@dataclass(frozen=True)
class Given:
    """A file given with a statement: where it is, what it is called, what it is and how large (bytes)."""

    file_id: uuid.UUID
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Said:
    """A statement with its author's name and its files."""

    row: DisputeStatement
    by: str
    files: Sequence[Given]


@dataclass(frozen=True)
class DisputePage:
    """A booking's last dispute: what was said, decided, and what shares mean in money."""

    booking: Booking
    dispute: Dispute
    said: Sequence[Said]
    decisions: Sequence[DisputeDecision]
    names: dict[uuid.UUID, str]
    quote: Quote
    before: dict[str, int]

    @property
    def open(self) -> bool:
        """Whether it waits for anybody."""
        return self.dispute.closed_at is None

    @property
    def between_until(self) -> datetime:
        """Until when it is between the two sides."""
        return deadlines.settle_between_until(self.dispute.reported_at)

    @property
    def target(self) -> datetime:
        """By when operators mean to decide."""
        return deadlines.operators_target(self.dispute.reported_at)

    @property
    def end(self) -> datetime:
        """When the clock ends it."""
        return deadlines.dispute_ends_at(
            self.booking.captured_at, self.booking.ends_at, self.dispute.reported_at
        )

    @cached_property
    def shares(self) -> dict[str, int | None]:
        """What each side asked last, in percent."""
        rows = [one.row for one in self.said]
        return {side: last_share(rows, side) for side in ("lead", "expert")}

    @property
    def first_share(self) -> int:
        """What the first report asks."""
        return next((one.row.share for one in self.said if one.row.share is not None), 0)

    @property
    def decided(self) -> DisputeDecision | None:
        """The last decision that stands."""
        return last_decided(self.decisions)

    def decided_by(self, person_id: uuid.UUID) -> bool:
        """Whether this operator took part in the decision that stands: an appeal is another one's."""
        return self.decided is not None and person_id in (self.decided.proposed_by, self.decided.decided_by)

    @property
    def proposed(self) -> DisputeDecision | None:
        """A decision that waits for a second operator."""
        return next((one for one in self.decisions if one.decided_at is None), None)

    @property
    def appealed(self) -> bool:
        """Whether the one appeal was made."""
        return any(one.appealed_at for one in self.decisions)

    @property
    def least(self) -> int:
        """The smallest share that can still be asked."""
        return least_share(self.quote, self.before)

    def split(self, percent: int) -> Split:
        """What a share means in money; once carried out, what it meant when it was asked for or decided."""
        before = self.before if self.open else {}
        return split_of(self.quote, self.booking.expert_id, before, percent)

    def reported(self, side: str) -> bool:
        """Whether this side has a report that stands."""
        return any(
            one.row.side == side and one.row.kind and one.row.withdrawn_at is None for one in self.said
        )


def dispute_page(session: Session, booking: Booking) -> DisputePage | None:
    """The booking's open dispute, else its last one; None where there never was one."""
    dispute = session.scalar(
        sa.select(Dispute)
        .where(Dispute.booking_id == booking.id)
        .order_by(Dispute.closed_at.is_(None).desc(), Dispute.reported_at.desc())
        .limit(1)
    )
    if dispute is None or booking.quote is None:  # Without a price nothing can be shared.
        return None
    rows = session.execute(
        sa.select(DisputeStatement, Person.name)
        .join(Person, Person.id == DisputeStatement.person_id)
        .where(DisputeStatement.dispute_id == dispute.id)
        .order_by(DisputeStatement.said_at, DisputeStatement.id)
    ).all()
    files = _files(session, [row.id for row, _name in rows])
    decisions = session.scalars(
        sa.select(DisputeDecision)
        .where(DisputeDecision.dispute_id == dispute.id, DisputeDecision.dropped_at.is_(None))
        .order_by(DisputeDecision.proposed_at, DisputeDecision.id)
    ).all()
    who = {one for made in decisions for one in (made.proposed_by, made.decided_by) if one}
    quote, before, _payment = quote_and_before(session, booking)
    return DisputePage(
        booking=booking, dispute=dispute, said=[Said(row, name, files[row.id]) for row, name in rows],
        decisions=decisions, quote=quote, before=before,
        names=dict(session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(who))).all()),
    )  # fmt: skip


def _files(session: Session, statement_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Given]]:
    found: dict[uuid.UUID, list[Given]] = defaultdict(list)
    for statement_id, *one in session.execute(
        sa.select(
            DisputeFile.statement_id, File.id, DisputeFile.name, File.media_type,
            sa.func.octet_length(File.content),
        )
        .join(File, File.id == DisputeFile.file_id)
        .where(DisputeFile.statement_id.in_(statement_ids))
        .order_by(DisputeFile.id)
    ):  # fmt: skip
        found[statement_id].append(Given(*one))
    return found


@dataclass(frozen=True)
class DisputeLine:
    """A line of the operators' list."""

    id: uuid.UUID
    kind: str
    reported_by: str
    reported_at: datetime
    closed_at: datetime | None
    closed_why: str | None
    share: int | None
    reference: str
    number: str
    state: str
    deadline: datetime | None
    captured_at: datetime | None
    title: str
    language: str
    expert_name: str
    company_name: str
    waiting: bool

    @property
    def between_until(self) -> datetime:
        """Until when it is between the two sides."""
        return deadlines.settle_between_until(self.reported_at)

    @property
    def target(self) -> datetime:
        """By when operators mean to decide."""
        return deadlines.operators_target(self.reported_at)

    def alarmed(self, now: datetime) -> bool:
        """From day 60 after the capture on."""
        return (
            self.closed_at is None
            and self.captured_at is not None
            and now >= deadlines.alarmed_from(self.captured_at)
        )


@dataclass(frozen=True)
class Disputes:
    """A page of the list; `after`: where the next one begins."""

    rows: Sequence[DisputeLine]
    after: tuple[datetime, uuid.UUID] | None


def list_disputes(
    session: Session, *, tab: str, now: datetime, after: tuple[datetime, uuid.UUID] | None = None
) -> Disputes:
    """Disputes of a tab, the longest waiting first (closed ones: the last closed first); keyset-paged."""
    waiting = sa.exists().where(
        DisputeDecision.dispute_id == Dispute.id,
        DisputeDecision.decided_at.is_(None),
        DisputeDecision.dropped_at.is_(None),
    )
    closed = tab == "closed"
    by = Dispute.closed_at if closed else Dispute.reported_at
    query = (
        sa.select(
            Dispute.id, Dispute.kind, Dispute.reported_by, Dispute.reported_at, Dispute.closed_at,
            Dispute.closed_why, Dispute.share, Booking.reference, Booking.number, Booking.state,
            Booking.deadline, Booking.captured_at, OfferVersion.title, OfferVersion.language, _Seller.name,
            Company.name, waiting,
        )
        .join(Booking, Booking.id == Dispute.booking_id)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(_Seller, _Seller.id == Expert.person_id)
        .join(Company, Company.id == Booking.company_id)
        .where(_tab(tab, now))
        .order_by(by.desc() if closed else by, Dispute.id.desc() if closed else Dispute.id)
        .limit(A_PAGE + 1)
    )  # fmt: skip
    if after is not None:
        place = sa.tuple_(by, Dispute.id)
        query = query.where(place < after if closed else place > after)
    rows = [DisputeLine(*tuple(row)) for row in session.execute(query)]
    last = rows[A_PAGE - 1] if len(rows) > A_PAGE else None
    key = (last.closed_at if closed else last.reported_at) if last else None
    return Disputes(rows[:A_PAGE], (key, last.id) if last and key else None)


def dispute_counts(session: Session, now: datetime) -> dict[str, int]:
    """How many wait in each tab but the closed one, in one statement."""
    tabs = TABS[:-1]
    row = session.execute(
        sa.select(*(sa.func.count().filter(_tab(tab, now)) for tab in tabs))
        .select_from(Dispute)
        .join(Booking, Booking.id == Dispute.booking_id)
        .where(Dispute.closed_at.is_(None))
    ).one()
    return dict(zip(tabs, row, strict=True))


def _tab(tab: str, now: datetime) -> sa.ColumnElement[bool]:
    if tab == "closed":
        return Dispute.closed_at.is_not(None)
    if tab == "decided":
        return sa.and_(Dispute.closed_at.is_(None), Booking.state == "resolved")
    waits = sa.and_(Dispute.closed_at.is_(None), Booking.state == "disputed")
    theirs = Dispute.reported_at <= now - BETWEEN
    return sa.and_(waits, theirs if tab == "operators" else ~theirs)


def later_refund_waiting(session: Session, booking_id: uuid.UUID) -> tuple[LaterRefund, str] | None:
    """An operator's refund that waits for a second operator, with who proposed it."""
    row = session.execute(
        sa.select(LaterRefund, Person.name)
        .join(Person, Person.id == LaterRefund.proposed_by)
        .where(
            LaterRefund.booking_id == booking_id,
            LaterRefund.decided_at.is_(None),
            LaterRefund.dropped_at.is_(None),
        )
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None
