"""When time frees: the first person whose dates fit is given a slot, then the next.

All under the lock of the calendar, one slot a transaction, so no freed slot is given twice. Who has a later
booking of the same offer is given it as another time proposed for that booking, never as a second hold.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from ...domain import deadlines
from ...domain import queues as law
from ...domain.availability import Interval
from ...domain.bookings import Move, State, claims_slot
from ...domain.errors import NotBookable, NotFound, OwnOffer, Refusal
from ...domain.events import BookingMoved, PlaceMoved
from ...domain.policy import Actor
from ...storage import locks
from ...storage.bookings import Booking, BookingMove, Proposal
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.queues import QueuePlace
from ..approvals import rule_of
from ..availability import slots_among, taken_of
from ..bookings.holding import hold_in
from ..bookings.machine import lock_booking
from ..bookings.rescheduling import other_slots, propose_in, why_not
from ..bookings.wanted import Wanted, instant_now, wanted_offer
from .places import later_booking

log = logging.getLogger(__name__)
A_PASS = 200
# Far more than wait for one expert; a bound of the work under one lock.
MOST_WAITING = 500


def serve(db: Database, expert_id: uuid.UUID) -> int:
    """Give what is free in an expert's calendar to those who wait for it, by time of joining; how many got one."""
    given = 0
    while given < A_PASS and _serve_next(db, expert_id):
        given += 1
    return given


def serve_of_booking(db: Database, booking_id: uuid.UUID) -> int:
    """A booking moved, and may have freed time."""
    with db.reading() as session:
        expert_id = session.scalar(sa.select(Booking.expert_id).where(Booking.id == booking_id))
    return serve(db, expert_id) if expert_id is not None else 0


def serve_due(db: Database) -> int:
    """Every calendar somebody waits for: the horizon moves on, a stale calendar is read again, a job was lost."""
    with db.reading() as session:
        experts = session.scalars(
            sa.select(QueuePlace.expert_id).where(QueuePlace.state == "waiting").distinct().limit(A_PASS)
        ).all()
    given = 0
    for expert_id in experts:
        try:
            given += serve(db, expert_id)
        except Exception:
            log.exception("the queue of expert %s could not be served", expert_id)
    return given


def _serve_next(db: Database, expert_id: uuid.UUID) -> bool:
    """One slot to the first who fits; False when nothing is left to give, or nobody waits."""
    with db.reading() as session:
        if session.scalar(sa.select(QueuePlace.id).where(_waiting(expert_id, db.clock())).limit(1)) is None:
            return False
    with db.transaction() as tx:
        locks.take(tx, calendar=expert_id)
        free = _Free(tx, expert_id)
        places = tx.session.scalars(
            sa.select(QueuePlace)
            .where(_waiting(expert_id, tx.now))
            .order_by(QueuePlace.joined_at, QueuePlace.id)
            .limit(MOST_WAITING)
        ).all()
        return any(_served(tx, free, place) for place in places)


def _waiting(expert_id: uuid.UUID, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(QueuePlace.expert_id == expert_id, QueuePlace.state == "waiting", QueuePlace.ends_at > now)


class _Free:
    """What is free in the locked calendar, worked out once for each offer and way of answering."""

    def __init__(self, tx: Tx, expert_id: uuid.UUID) -> None:
        self._tx = tx
        self._taken = taken_of(tx.session, expert_id, tx.now)
        self._wanted: dict[uuid.UUID, Wanted | None] = {}
        self._slots: dict[tuple[uuid.UUID, bool], list[Interval]] = {}

    def wanted(self, offer_id: uuid.UUID) -> Wanted | None:
        """The offer; None while it cannot be booked."""
        if offer_id not in self._wanted:
            try:
                self._wanted[offer_id] = wanted_offer(self._tx.session, offer_id)
            except (NotFound, NotBookable):
                self._wanted[offer_id] = None
        return self._wanted[offer_id]

    def slots(self, wanted: Wanted, company: Company) -> list[Interval]:
        """For a member of this company: the hold's own rules, with time for an approver where one is asked."""
        session, now = self._tx.session, self._tx.now
        instant = instant_now(session, wanted, now) and not wanted.excludes(company)
        key = (wanted.offer.id, instant)
        if key not in self._slots:
            rules = wanted.rules(instant)
            window = (now, now + rules.horizon + timedelta(minutes=wanted.version.minutes))
            self._slots[key] = slots_among(
                rules, self._taken, minutes=wanted.version.minutes, window=window, now=now
            )
        found = self._slots[key]
        if rule_of(session, company.id) is None:
            return found
        notice = deadlines.effective_notice(wanted.version.notice_hours, instant)
        return [slot for slot in found if deadlines.approval_open(now, slot[0], notice, instant)]


def _served(tx: Tx, free: _Free, waiting: QueuePlace) -> bool:
    """Whether this place was given a slot, or closed because it can be given none."""
    wanted = free.wanted(waiting.offer_id)
    if wanted is None:
        return False
    booked = later_booking(tx.session, waiting.lead_id, waiting.offer_id, max(waiting.begins_at, tx.now))
    if booked is not None:
        return _swapped(tx, waiting, booked)
    company = tx.session.get_one(Company, waiting.company_id)
    slots = law.fitting(free.slots(wanted, company), waiting.begins_at, waiting.ends_at)
    if not slots:
        return False
    place = _locked(tx, waiting, company_id=company.id)
    if place is None:
        return False
    try:
        booking = hold_in(
            tx, Actor(place.lead_id), offer=place.offer_id, start=slots[0][0], format=place.format,
            token=f"queue/{place.id}", queued=True,
        )  # fmt: skip
    except (NotFound, OwnOffer):  # They lead nowhere any more, or joined the expert's own house.
        _close(tx, place, "gone")
        return True
    place.booking_id = booking.id
    _offered(tx, place)
    return True


def _swapped(tx: Tx, waiting: QueuePlace, booked: Booking) -> bool:
    refusal = why_not(tx.session, booked, now=tx.now)
    if refusal is not None:
        if refusal.facts.get("why") == "open":  # Another time is proposed already: after it, perhaps.
            return False
        place = _locked(tx, waiting)
        if place is not None:
            _close(tx, place, "gone")
        return place is not None
    ends_at = min(waiting.ends_at, booked.starts_at)
    slots = law.fitting(
        other_slots(tx.session, booked, side="lead", now=tx.now).slots, waiting.begins_at, ends_at
    )
    if not slots:
        return False
    booking = lock_booking(tx, booked.id)
    place = _locked(tx, waiting)
    if place is None or booking.state != State.CONFIRMED.value:
        return False
    try:
        proposal = propose_in(
            tx, Actor(place.lead_id), booking, side="lead", start=slots[0][0], token=f"queue/{place.id}"
        )
    except Refusal:
        log.exception("place %s: its slot could not be proposed", place.id)
        return False
    place.proposal_id = proposal.id
    _offered(tx, place)
    return True


def _locked(tx: Tx, place: QueuePlace, company_id: uuid.UUID | None = None) -> QueuePlace | None:
    """The place behind its own row's lock; None where it was left meanwhile."""
    # The company comes before it, as everywhere.
    locks.take(tx, company=company_id)
    found = tx.session.get(QueuePlace, place.id, with_for_update=True, populate_existing=True)
    return found if found is not None and found.state == "waiting" else None


def _offered(tx: Tx, place: QueuePlace) -> None:
    place.state, place.offered_at = "offered", tx.now
    tx.session.flush()  # The reactions read it.
    tx.announce(PlaceMoved(place.id, place.state))


def _close(tx: Tx, place: QueuePlace, state: str) -> None:
    place.state, place.closed_at = state, tx.now
    tx.session.flush()
    tx.announce(PlaceMoved(place.id, place.state))


def booking_moved(tx: Tx, event: BookingMoved) -> None:
    """WITHIN: what became of a slot the queue gave. Used, or gone by: then the next one's turn comes."""
    if tx.session.get_one(BookingMove, event.move_id).move == Move.HOLD.value:
        return  # Just made: it stands in no place yet.
    place = tx.session.scalar(
        sa.select(QueuePlace)
        .outerjoin(Proposal, Proposal.id == QueuePlace.proposal_id)
        .where(
            sa.or_(QueuePlace.booking_id == event.booking_id, Proposal.booking_id == event.booking_id),
            QueuePlace.state == "offered",
        )
        .with_for_update(of=QueuePlace)
    )
    if place is None:
        return
    state = _became(tx, place)
    if state is None:
        return
    place.state, place.closed_at = state, tx.now
    if state == "passed":
        # Deferred, not announced: the move may itself be what followed from another event.
        tx.defer("letters.place_moved", place_id=str(place.id), state=state)


def _became(tx: Tx, place: QueuePlace) -> str | None:
    """taken, passed, or None while it is still on offer."""
    if place.proposal_id is not None:
        proposal = tx.session.get_one(Proposal, place.proposal_id)
        return {"open": None, "accepted": "taken"}.get(proposal.state, "passed")
    state = State(tx.session.get_one(Booking, place.booking_id).state)
    if state in (State.HELD, State.AWAITING_APPROVAL):
        return None
    return "taken" if claims_slot(state) else "passed"


def run_clock(db: Database) -> int:
    """Places whose last day is over are closed; how many."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(QueuePlace.id)
            .where(QueuePlace.state == "waiting", QueuePlace.ends_at <= db.clock())
            .order_by(QueuePlace.ends_at)
            .limit(A_PASS)
        ).all()
    return sum(map(partial(_end, db), due))


def _end(db: Database, place_id: uuid.UUID) -> bool:
    try:
        with db.transaction() as tx:
            place = tx.session.get(QueuePlace, place_id, with_for_update=True)
            if place is None or place.state != "waiting" or place.ends_at > tx.now:
                return False
            _close(tx, place, "ended")
            return True
    except Exception:
        log.exception("the clock could not end place %s", place_id)
        return False
