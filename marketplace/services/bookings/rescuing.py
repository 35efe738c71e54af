"""The same brief to another expert, after a decline, an expiry or an expert's cancellation (Rescue)."""

from __future__ import annotations

import uuid
from datetime import datetime

from ...domain import deadlines
from ...domain.bookings import State
from ...domain.errors import NotFound
from ...domain.policy import Actor
from ...domain.pricing import PlatformTax
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from .holding import hold_in
from .paying import frozen_quote


def pick_same_brief(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, offer_id: uuid.UUID, start: datetime, token: str,
    platform: PlatformTax,
) -> Booking:  # fmt: skip
    """Hold a slot of another offer with the lost booking's brief. Raises what `hold` does.

    Its approval stays good for the same company and an equal or lower total; the deadline is then that of an
    approved hold, counted from now.
    """
    with db.transaction() as tx:
        lost = tx.session.get(Booking, booking_id)
        if lost is None or lost.lead_id != actor.person_id:
            raise NotFound
        booking = hold_in(
            tx, actor, offer=offer_id, start=start, format=lost.format, token=token, brief_id=lost.brief_id,
            rescues_id=lost.id,
        )  # fmt: skip
        # A double click finds the first one, which may have moved on since.
        if booking.held_at == tx.now and booking.state == State.HELD.value:
            _carry_approval(tx, lost, booking, platform)
        return booking


def _carry_approval(tx: Tx, lost: Booking, booking: Booking, platform: PlatformTax) -> None:
    if lost.approved_minor is None or lost.company_id != booking.company_id:
        return
    if frozen_quote(tx, booking, platform).total > lost.approved_minor:
        return
    booking.approved_at, booking.approved_minor = tx.now, lost.approved_minor
    booking.deadline = deadlines.pay_after_approval_until(tx.now, booking.starts_at, booking.notice_hours)
