"""Picking another slot while the first is held: the brief is kept, and what was under way to be paid ends."""

from __future__ import annotations

import uuid
from datetime import datetime

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.errors import MoveNotOpen
from ...domain.policy import Actor
from ...domain.pricing import PlatformTax
from ...storage.bookings import Booking
from ...storage.db import Database
from ..payments import supersede_live_payment
from .approving import drop_if_dearer
from .clockwork import expire_overdue
from .holding import refuse_overdue
from .machine import Mover, free_claim, lock_for, make_move, repeated
from .paying import frozen_quote
from .rescheduling import rules_for
from .slots import take_slot


def pick_another_slot(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, start: datetime, platform: PlatformTax, token: str
) -> Booking:
    """Hold another slot in the place of the one held; the brief and the deadline stay.

    The deadline is never later than the new start − ⅔ N; a total above the one approved drops the
    approval. A checkout that is open was for the other slot and ends. Raises MoveNotOpen, TooLate,
    SlotNotOffered and SlotTaken with the nearest three free slots: then all stays as it was.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.pick_slot", booking_id)
        if repeated(tx, booking, token):
            return booking
        if booking.state != State.HELD.value:
            raise MoveNotOpen(booking.state, Move.PICK_ANOTHER_SLOT.value)
        refuse_overdue(tx, booking)
        if start == booking.starts_at:
            return booking
        expire_overdue(tx, booking.expert_id)
        length = booking.ends_at - booking.starts_at
        rules = rules_for(tx.session, booking)
        claimed = take_slot(tx, booking.expert_id, booking.id, start, length, rules)
        free_claim(tx, booking.id, but=claimed)
        make_move(tx, booking, Move.PICK_ANOTHER_SLOT, Mover("lead", actor.person_id), token=token)
        booking.starts_at, booking.ends_at = start, start + length
        _let_go_of_the_yes(booking)
        dropped = booking.approved_minor is not None and drop_if_dearer(
            tx, booking, frozen_quote(tx, booking, platform).total
        )
        booking.deadline = deadlines.repicked_until(
            booking.deadline or tx.now, start, booking.notice_hours, tx.now, approval_dropped=dropped
        )
        supersede_live_payment(tx, booking.id, why="another_slot")
        return booking


def _let_go_of_the_yes(booking: Booking) -> None:
    """An expert who agreed to the one slot has not agreed to another: they are asked like any."""
    if booking.agreed_at is not None:
        booking.agreed_at, booking.meeting_place = None, ""
