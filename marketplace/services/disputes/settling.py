"""Settling: what was agreed or decided is carried out, once (booking-process.md, "settled")."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from ...domain import deadlines
from ...domain.bookings import Move, State, may_agree
from ...domain.errors import MoveNotOpen, ReportRefused
from ...domain.events import BookingMoved, DisputeDue, ReviewsTakenBack
from ...domain.policy import Actor
from ...domain.refunds import refund_to
from ...storage.bookings import Booking, BookingMove
from ...storage.db import Database, Tx
from ...storage.disputes import Dispute, DisputeDecision
from ...storage.experts import Expert
from ...storage.people import Person
from ...storage.reviews import Review
from ..bookings.ending import share_falls_due
from ..bookings.machine import CLOCK, Mover, lock_for, make_move, repeated
from ..payments import decide_refund
from .standing import (
    OTHER,
    decisions,
    dispute_end,
    last_decided,
    last_share,
    mover,
    need_dispute,
    open_dispute,
    quote_and_before,
    statements,
)

NOT_HELD = frozenset({"buyer_absent", "expert_absent", "both_absent", "technical"})
WHY = {Move.AGREE: "agreed", Move.DAY_80: "day_80"}


def settle(
    tx: Tx, booking: Booking, dispute: Dispute, share: int, move: Move, by: Mover, *, token: str
) -> None:
    """Carry a share out: what is missing of it goes back, the rest falls due; never under what went before."""
    quote, before, payment = quote_and_before(tx.session, booking)
    refund = refund_to(quote, share, before)
    make_move(
        tx, booking, move, by, token=token,
        money={"what": "settled", "minor": refund.total if payment else 0, "share": share},
    )  # fmt: skip
    dispute.closed_at, dispute.closed_why, dispute.share = tx.now, WHY.get(move, "decided"), share
    drop_open_proposal(tx, dispute)
    booking.ended_at, booking.deadline = tx.now, None
    if payment is not None:
        if refund.total:
            decide_refund(
                tx, payment, lines=refund.lines, token=f"settle/{dispute.id}", why="settled", by_share=True
            )
            booking.refund_minor += refund.total
        share_falls_due(tx, booking, payment)
    _count_absences(tx, booking, dispute, share)
    held = dispute.from_state != State.CANCELLED.value and tx.now >= booking.ends_at
    resume_reviews(tx, booking, dispute, held=held and dispute.kind not in NOT_HELD)


def _count_absences(tx: Tx, booking: Booking, dispute: Dispute, share: int) -> None:
    """Who did not come is counted where all went back for it: the expert, or both."""
    if share < 100 or dispute.kind not in ("expert_absent", "both_absent"):
        return
    count_absence(tx, booking, both=dispute.kind == "both_absent")


def count_absence(tx: Tx, booking: Booking, *, both: bool) -> None:
    """One more session the expert did not come to; with `both`, neither did the project lead."""
    tx.session.execute(
        sa.update(Expert).where(Expert.id == booking.expert_id).values(absent_count=Expert.absent_count + 1)
    )
    if both:
        tx.session.execute(
            sa.update(Person).where(Person.id == booking.lead_id).values(absent_count=Person.absent_count + 1)
        )


def resume_reviews(tx: Tx, booking: Booking, dispute: Dispute, *, held: bool) -> None:
    """The reviews' clock runs on, at least 7 days, where the session was held; else it stays stopped."""
    if not held or booking.reviews_until is not None:
        return
    until = dispute.reviews_until or deadlines.reviews_until(booking.ends_at)
    booking.reviews_until = deadlines.reviews_resumed_until(until, dispute.reported_at, tx.now)


def drop_open_proposal(tx: Tx, dispute: Dispute) -> None:
    """A decision that waited for a second operator is no longer of use."""
    tx.session.execute(
        sa.update(DisputeDecision)
        .where(
            DisputeDecision.dispute_id == dispute.id,
            DisputeDecision.decided_at.is_(None),
            DisputeDecision.dropped_at.is_(None),
        )
        .values(dropped_at=tx.now)
    )


def agree(db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, share: int, token: str) -> Booking:
    """Agree to the other side's last share, in percent: the split is carried out at once.

    `share` is what the page showed: ReportRefused(why="changed") where it is no longer that. Raises
    MoveNotOpen (nothing to agree to, or one's own share), NotFound.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute = need_dispute(tx.session, booking, Move.AGREE, State.DISPUTED.value)
        said = statements(tx.session, dispute.id)
        theirs = last_share(said, OTHER[side])
        if theirs is None or not may_agree(last_share(said, side), theirs):
            raise MoveNotOpen(booking.state, Move.AGREE.value)
        if theirs != share:
            raise ReportRefused(why="changed", share=theirs)
        settle(tx, booking, dispute, theirs, Move.AGREE, mover(side, actor), token=token)
        return booking


def dispute_due(tx: Tx, event: DisputeDue) -> None:
    """WITHIN: the clock's look. Day 80 ends it by the last decision, else the first report's share;
    five days without an appeal end it as decided; else it is looked at again when that comes."""
    booking = tx.session.get_one(Booking, event.booking_id)
    dispute = open_dispute(tx.session, booking.id)
    if dispute is None:
        booking.deadline = None
        return
    decided = last_decided(decisions(tx.session, dispute.id))
    end = dispute_end(booking, dispute)
    if tx.now >= end:
        first = next(one.share for one in statements(tx.session, dispute.id) if one.share is not None)
        share = decided.share if decided else first
        settle(tx, booking, dispute, share, Move.DAY_80, CLOCK, token=f"day_80/{dispute.id}")
        return
    if booking.state == State.RESOLVED.value and decided is not None and decided.decided_at is not None:
        until = deadlines.appeal_until(decided.decided_at, decided.on_appeal)
        if tx.now >= until:
            settle(
                tx, booking, dispute, decided.share, Move.FIVE_DAYS_PASS, CLOCK,
                token=f"five_days_pass/{decided.id}",
            )  # fmt: skip
            return
        end = min(end, until)
    booking.deadline = end


def dispute_moved(tx: Tx, event: BookingMoved) -> None:
    """WITHIN: a second session was agreed. The dispute closes; reviews already sent are kept for operators."""
    move = tx.session.get(BookingMove, event.move_id)
    if move is None or move.move != Move.SECOND_SESSION.value:
        return
    booking = tx.session.get_one(Booking, event.booking_id)
    dispute = open_dispute(tx.session, booking.id)
    if dispute is None:
        return
    dispute.closed_at, dispute.closed_why = tx.now, "second_session"
    dispute.taken_back = [
        {column.key: _plain(getattr(review, column.key)) for column in Review.__table__.columns}
        for review in tx.session.scalars(sa.select(Review).where(Review.booking_id == booking.id))
    ]
    tx.session.execute(sa.delete(Review).where(Review.booking_id == booking.id))
    drop_open_proposal(tx, dispute)
    booking.disputed_from = None
    booking.reviews_until = None
    if dispute.kind == "expert_absent":
        count_absence(tx, booking, both=False)
    if dispute.taken_back:
        tx.session.flush()  # Gone before the offer is counted anew.
        tx.announce(ReviewsTakenBack(booking.offer_id))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | str) else str(value)
