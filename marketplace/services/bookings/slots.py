"""Taking time in an expert's calendar: looked for by the rules, then claimed. The constraint is the last guard."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import Range, insert

from ...domain import availability as hours
from ...domain.errors import SlotNotOffered, SlotTaken
from ...storage.availability import Claim
from ...storage.db import Tx
from ..availability import busy_of, slots_among, taken_of


def take_slot(
    tx: Tx,
    expert_id: uuid.UUID,
    booking_id: uuid.UUID,
    start: datetime,
    length: timedelta,
    rules: hours.Availability,
    *,
    fits: Callable[[hours.Interval], bool] = lambda slot: True,
) -> uuid.UUID:
    """Claim a free slot of the calendar for a booking, whose own claims are not in its way; the claim's id.

    `fits`: which slots come in question besides. Raises SlotTaken and SlotNotOffered, each with the
    nearest three free slots.
    """
    taken = taken_of(tx.session, expert_id, tx.now, without=booking_id)
    minutes = int(length.total_seconds()) // 60
    slot = (start, start + length)
    # The calendar is looked through whole only for whoever does not get what they want.
    offered = slots_among(rules, taken, minutes=minutes, window=slot, now=tx.now) == [slot] and fits(slot)
    if offered:
        claimed = claim(tx, expert_id, booking_id, slot, rules)
        if claimed is not None:
            return claimed
    # A session may begin on the horizon and end after it.
    window = (tx.now, tx.now + rules.horizon + length)
    found = slots_among(rules, taken, minutes=minutes, window=window, now=tx.now)
    free = [slot for slot in found if fits(slot)]
    nearest = hours.nearest([other for other in free if other != slot], start)
    begin, end = hours.padded(*slot, rules.before, rules.after)
    in_the_way = (*taken.busy, *(during for during, _start in taken.claims))
    if offered or any(begin < theirs[1] and theirs[0] < end for theirs in in_the_way):
        raise SlotTaken(nearest=nearest, slot=slot)
    raise SlotNotOffered(nearest=nearest, slot=slot)


def take_any_time(
    tx: Tx,
    expert_id: uuid.UUID,
    booking_id: uuid.UUID,
    start: datetime,
    length: timedelta,
    rules: hours.Availability,
) -> uuid.UUID:
    """Claim a time the expert says yes to themselves, in their hours or not: N must be left, nothing in the way.

    Raises SlotNotOffered and SlotTaken.
    """
    slot = (start, start + length)
    if start < tx.now + rules.notice or start > tx.now + rules.horizon:
        raise SlotNotOffered(nearest=(), slot=slot)
    padded = hours.padded(*slot, rules.before, rules.after)
    if not busy_of(tx.session, [expert_id], padded)[expert_id]:
        claimed = claim(tx, expert_id, booking_id, slot, rules)
        if claimed is not None:
            return claimed
    raise SlotTaken(nearest=(), slot=slot)


def claim(
    tx: Tx, expert_id: uuid.UUID, booking_id: uuid.UUID, slot: hours.Interval, rules: hours.Availability
) -> uuid.UUID | None:
    """Put the padded range into the constrained table; None when somebody else's time is in the way."""
    begin, end = hours.padded(*slot, rules.before, rules.after)
    return tx.session.scalar(
        insert(Claim)
        .values(
            expert_id=expert_id,
            booking_id=booking_id,
            during=Range(begin, end, bounds="[)"),
            starts_at=slot[0],
            live=True,
            made_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(Claim.id)
    )
