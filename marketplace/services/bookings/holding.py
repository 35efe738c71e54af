"""Holding a slot: pick, extend, let go. The exclusion constraint is the last guard, not the first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import availability as hours
from ...domain import deadlines
from ...domain.bookings import Move, State, may_extend
from ...domain.errors import (
    NoMoreExtensions,
    NotFound,
    TooLate,
)
from ...domain.ids import new_number, new_reference
from ...domain.policy import Actor
from ...domain.pricing import fees_at
from ...storage import locks
from ...storage.bookings import Booking, BookingMove
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.offers import OfferVersion
from ...storage.people import Person
from ..availability import slots_among, taken_of
from ..briefs import copy_brief, start_brief
from ..payments import drop_live_payment
from .clockwork import expire_overdue
from .machine import Mover, lock_for, make_move, note, repeated
from .slots import take_any_time, take_slot
from .wanted import Wanted, instant_now, keys_of, read_locked, refuse_own, wanted_offer

# A form's token and its person make the booking's id, so a double click finds the first booking.
_HOLDS = uuid.UUID("6c1d4a3e-5a57-4f0e-9b6c-6b7c0d0a9f11")


def hold(
    db: Database,
    actor: Actor,
    *,
    offer: uuid.UUID | str,
    start: datetime,
    format: str,
    token: str,
    brief_id: uuid.UUID | None = None,
    rescues_id: uuid.UUID | None = None,
) -> Booking:
    """Hold a slot for a project lead; the deadline is 35 minutes away (booking-process.md, Moves).

    `offer`: its id, or the name in its address. `token` is the form's own. `brief_id`: a brief of theirs to copy. Raises NotFound, NotBookable,
    OwnOffer, TooManyHolds, SlotNotOffered, and SlotTaken with the nearest three free slots.
    """
    with db.transaction() as tx:
        return hold_in(
            tx, actor, offer=offer, start=start, format=format, token=token, brief_id=brief_id,
            rescues_id=rescues_id,
        )  # fmt: skip


@dataclass(frozen=True)
class Agreed:
    """The expert's own yes, given ahead: to a price without VAT (minor units), with the place where one meets."""

    at: datetime
    price_minor: int
    place: str
    # Also to a time outside the hours they publish, as long as nothing is in its way.
    anywhere: bool = False


def hold_in(
    tx: Tx,
    actor: Actor,
    *,
    offer: uuid.UUID | str,
    start: datetime,
    format: str,
    token: str,
    brief_id: uuid.UUID | None = None,
    rescues_id: uuid.UUID | None = None,
    agreed: Agreed | None = None,
    queued: bool = False,
) -> Booking:
    """The same within a transaction. `agreed`: a hold by the expert's yes; `queued`: one given by the queue.

    Both are for the lead who asked, outside the two and five, with an end of their own.
    """
    keys = keys_of(tx.session, offer, actor)
    locks.take(tx, calendar=keys.expert_id, company=keys.company_id)
    booking_id = uuid.uuid5(_HOLDS, f"{actor.person_id}/{token}")
    # Read under the locks: while we waited, a publication may have been taken back, or the offer hidden.
    wanted, person, company, already, overdue, mine, ours = read_locked(tx, keys, actor, booking_id)
    refuse_own(wanted, person, company)
    if already:
        return tx.session.get_one(Booking, booking_id)
    if overdue:
        expire_overdue(tx, wanted.expert.id)
    given = agreed is not None or queued
    if not given:
        deadlines.refuse_too_many_holds(mine, ours)
    length = timedelta(minutes=wanted.version.minutes)
    instant = instant_now(tx.session, wanted, tx.now) and not wanted.excludes(company)
    notice = deadlines.effective_notice(wanted.version.notice_hours, instant)
    take = take_any_time if agreed is not None and agreed.anywhere else take_slot
    take(tx, wanted.expert.id, booking_id, start, length, wanted.rules(instant))
    brief = _brief(tx, person, company, brief_id)
    tx.session.flush()  # The brief's id is the booking's.
    rates = fees_at(tx.now, tx.fees)
    booking = Booking(
        id=booking_id,
        reference=new_reference(),
        number=new_number(),
        state=State.HELD.value,
        expert_id=wanted.expert.id,
        offer_id=wanted.offer.id,
        version_id=wanted.version.id,
        company_id=company.id,
        lead_id=person.id,
        brief_id=brief.id,
        rescues_id=rescues_id,
        starts_at=start,
        ends_at=start + length,
        price_minor=agreed.price_minor if agreed else wanted.version.price_minor,
        currency=wanted.version.currency,
        service_fee_bp=rates.service_bp,
        commission_bp=rates.commission_bp,
        policy=wanted.version.policy,
        notice_hours=notice,
        instant=instant,
        promises_plan=wanted.version.promises_plan,
        format=_format(wanted.version, format),
        meeting_place=agreed.place if agreed else "",
        agreed_at=agreed.at if agreed else None,
        queued_at=tx.now if queued else None,
        deadline=deadlines.queue_hold_until(tx.now, start, notice) if given else deadlines.hold_until(tx.now),
        held_at=tx.now,
        created_at=tx.now,
    )
    tx.session.add(booking)
    tx.session.flush()  # The history row refers to it.
    by = Mover("lead", person.id)
    if queued:
        by = Mover("queue")
    elif agreed is not None and agreed.anywhere:
        by = Mover("expert", wanted.person.id)
    note(tx, booking, Move.HOLD.value, by, token=token)
    return booking


def _brief(tx: Tx, person: Person, company: Company, brief_id: uuid.UUID | None) -> Brief:
    if brief_id is None:
        return start_brief(
            tx, lead_id=person.id, company_id=company.id, language=person.language, name=person.name
        )
    known = tx.session.get(Brief, brief_id)
    if known is None or known.lead_id != person.id:
        raise NotFound
    return copy_brief(tx, known)


def _format(version: OfferVersion, wanted: str) -> str:
    if version.format != "both":
        return version.format
    return wanted if wanted in ("remote", "on_site") else "remote"


def extend(db: Database, actor: Actor, *, booking_id: uuid.UUID, token: str) -> Booking:
    """Fifteen minutes more, twice; not once approved. MoveNotOpen, NoMoreExtensions, TooLate."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.extend", booking_id)
        if repeated(tx, booking, token):
            return booking
        refuse_overdue(tx, booking)
        if booking.given or not may_extend(booking.extensions, booking.approved_at is not None):
            raise NoMoreExtensions
        make_move(tx, booking, Move.EXTEND, Mover("lead", actor.person_id), token=token)
        booking.extensions += 1
        last = last_instant(booking)
        booking.deadline = deadlines.extended_until(booking.deadline or tx.now, last)
        return booking


def last_instant(booking: Booking) -> datetime:
    """Until when this hold can be paid for at the latest; an approved one, and one that was given, has its
    own end."""
    if booking.approved_at is not None:
        return deadlines.pay_after_approval_until(
            booking.approved_at, booking.starts_at, booking.notice_hours
        )
    if booking.given and booking.deadline is not None:
        return booking.deadline
    return deadlines.last_instant_to_pay(booking.held_at, booking.starts_at, booking.notice_hours)


def refuse_overdue(tx: Tx, booking: Booking) -> None:
    """A hold whose deadline passed is over, though the clock has not come by yet."""
    if booking.state == State.HELD.value and booking.deadline is not None and booking.deadline <= tx.now:
        raise TooLate(booking.deadline)


def let_go(db: Database, actor: Actor, *, booking_id: uuid.UUID, token: str) -> Booking:
    """Give the slot back before the expert's yes; what was authorised is released. MoveNotOpen."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.let_go", booking_id)
        if repeated(tx, booking, token):
            return booking
        make_move(tx, booking, Move.LET_GO, Mover("lead", actor.person_id), token=token)
        booking.deadline = None
        drop_live_payment(tx, booking.id, why="let_go")
        return booking


def last_clock_move(session: Session, booking_id: uuid.UUID) -> str | None:
    """The newest move of the history: whether a lapse was the clock's."""
    return session.scalar(
        sa.select(BookingMove.actor_kind)
        .where(BookingMove.booking_id == booking_id, BookingMove.to_state == State.LAPSED.value,
               BookingMove.from_state != State.LAPSED.value)
        .order_by(BookingMove.at.desc(), BookingMove.id.desc())
        .limit(1)
    )  # fmt: skip


@dataclass(frozen=True)
class Free:
    """An offer's free slots in a window, with what a page needs to show them."""

    wanted: Wanted
    rules: hours.Availability
    instant: bool
    slots: list[hours.Interval]


def free_for_offer(session: Session, offer_id: uuid.UUID, *, window: hours.Interval, now: datetime) -> Free:
    """Free slots of a live offer within a window, by the same rules as the hold itself. NotFound, NotBookable."""
    return free_of(session, wanted_offer(session, offer_id), window=window, now=now)


def free_of(session: Session, wanted: Wanted, *, window: hours.Interval, now: datetime) -> Free:
    """The same, of an offer already read."""
    instant = instant_now(session, wanted, now)
    rules = wanted.rules(instant)
    taken = taken_of(session, wanted.expert.id, now)
    slots = slots_among(rules, taken, minutes=wanted.version.minutes, window=window, now=now)
    return Free(wanted, rules, instant, slots)
