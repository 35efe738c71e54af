"""A second session out of a dispute: proposed and accepted as a reschedule is, under this room's own guards."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from ...domain.bookings import Move, State, may_have_second_session
from ...domain.errors import MoveNotOpen
from ...domain.policy import Actor
from ...storage.bookings import Booking, Proposal
from ...storage.db import Database
from ..bookings.machine import lock_for
from ..bookings.rescheduling import SECOND, had_second_session, propose_in
from .standing import open_dispute


def may_have_another(session: Session, booking: Booking) -> bool:
    """Whether a second session can make the dispute good: "technical failure or expert absent; once; not from
    `cancelled`"."""
    dispute = open_dispute(session, booking.id)
    if dispute is None or booking.state != State.DISPUTED.value:
        return False
    return may_have_second_session(dispute.kind, dispute.from_state, had_second_session(session, booking.id))


def propose_another(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, start: datetime, token: str, reason: str = ""
) -> Proposal:  # fmt: skip
    """Propose a second session as `side`; accepted, the dispute is closed. Raises NotFound, MoveNotOpen,
    RescheduleRefused, SlotNotOffered and SlotTaken."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.reschedule_as_{side}", booking_id)
        if not may_have_another(tx.session, booking):
            raise MoveNotOpen(booking.state, Move.SECOND_SESSION.value)
        return propose_in(tx, actor, booking, side=side, start=start, token=token, reason=reason, kind=SECOND)
