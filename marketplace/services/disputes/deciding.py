"""Operators decide, a second one above the limit; the sides accept, or appeal once."""

from __future__ import annotations

import uuid

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...domain.errors import (
    BetweenTheSides,
    MoveNotOpen,
    NotFound,
    ReasonMissing,
    ReportRefused,
    SameOperator,
)
from ...domain.policy import Actor
from ...domain.refunds import refund_to
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.disputes import Dispute, DisputeDecision
from ..bookings.machine import CLOCK, lock_for, make_move, note, repeated
from ..people import write_audit
from .settling import settle
from .standing import (
    decisions,
    dispute_end,
    last_decided,
    least_of,
    mover,
    need_dispute,
    quote_and_before,
    refuse_own,
)

REASON = 2000


def decide(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, share: int, reason_lead: str, reason_expert: str,
    second_above: int, token: str,
) -> DisputeDecision | None:  # fmt: skip
    """Decide on a refund share in percent, with a reason to each side; five days for one appeal begin.

    Where more than `second_above` (minor units) would go back it only waits for a second operator. None for a
    repeated call. Raises MoveNotOpen, BetweenTheSides, SameOperator (an appeal is another operator's; a proposal waits), OwnCase,
    ReasonMissing, ReportRefused (share).
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.decide", booking_id)
        if repeated(tx, booking, token):
            return None
        dispute = need_dispute(tx.session, booking, Move.DECIDE, State.DISPUTED.value)
        made = decisions(tx.session, dispute.id)
        _refuse_deciding(tx, booking, dispute, made, actor)
        if any(one.decided_at is None for one in made):
            raise SameOperator(waiting=True)
        to_lead, to_expert = clean_text(reason_lead, REASON), clean_text(reason_expert, REASON)
        if not to_lead or not to_expert:
            raise ReasonMissing
        least = least_of(tx.session, booking)
        if not least <= share <= 100:
            raise ReportRefused(why="share", least=least)
        assert actor.person_id is not None
        decision = DisputeDecision(
            dispute_id=dispute.id, share=share, reason_lead=to_lead, reason_expert=to_expert,
            on_appeal=bool(made), proposed_by=actor.person_id, proposed_at=tx.now,
        )  # fmt: skip
        tx.session.add(decision)
        tx.session.flush()  # Its id goes into tokens.
        quote, before, _payment = quote_and_before(tx.session, booking)
        if refund_to(quote, share, before).total > second_above:
            note(tx, booking, "decision_proposed", mover("operator", actor), token=token)
            write_audit(tx, actor_id=actor.person_id, act="dispute.proposed", subject=booking.number)
        else:
            _decided(tx, booking, dispute, decision, actor, token)
        return decision


def _refuse_deciding(tx: Tx, booking: Booking, dispute: Dispute, made: object, actor: Actor) -> None:
    refuse_own(tx.session, booking, actor)
    first = last_decided(decisions(tx.session, dispute.id))
    if first is None:
        until = deadlines.settle_between_until(dispute.reported_at)
        if tx.now < until:
            raise BetweenTheSides(until=until)
    elif actor.person_id in (first.proposed_by, first.decided_by):
        raise SameOperator


def second(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, decision_id: uuid.UUID, yes: bool, token: str
) -> Booking:
    """A second operator's yes or no to a proposed decision. Raises SameOperator, OwnCase, MoveNotOpen, NotFound."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.decide", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute = need_dispute(tx.session, booking, Move.DECIDE, State.DISPUTED.value)
        decision = tx.session.get(DisputeDecision, decision_id)
        if decision is None or decision.dispute_id != dispute.id:
            raise NotFound
        if decision.decided_at is not None or decision.dropped_at is not None:
            raise MoveNotOpen(booking.state, Move.DECIDE.value)
        if not yes:
            decision.dropped_at = tx.now
            note(tx, booking, "decision_dropped", mover("operator", actor), token=token)
            write_audit(tx, actor_id=actor.person_id, act="dispute.dropped", subject=booking.number)
            return booking
        _refuse_deciding(tx, booking, dispute, None, actor)
        if actor.person_id == decision.proposed_by:
            raise SameOperator
        _decided(tx, booking, dispute, decision, actor, token)
        return booking


def _decided(
    tx: Tx, booking: Booking, dispute: Dispute, decision: DisputeDecision, actor: Actor, token: str
) -> None:
    decision.decided_by, decision.decided_at = actor.person_id, tx.now
    tx.session.flush()  # Settling reads it back.
    make_move(tx, booking, Move.DECIDE, mover("operator", actor), token=token)
    write_audit(tx, actor_id=actor.person_id, act="dispute.decided", subject=booking.number)
    if decision.on_appeal:  # After an appeal's decision: at once.
        settle(
            tx, booking, dispute, decision.share, Move.FIVE_DAYS_PASS, CLOCK,
            token=f"five_days_pass/{decision.id}",
        )  # fmt: skip
        return
    booking.deadline = min(deadlines.appeal_until(tx.now, appealed=False), dispute_end(booking, dispute))


def appeal(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, words: str, token: str
) -> Booking:
    """Ask another operator to decide anew, once in a dispute. Raises MoveNotOpen, ReasonMissing, NotFound."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute, decision = _resolved(tx, booking, Move.APPEAL)
        if decision.decided_at is None or tx.now >= deadlines.appeal_until(decision.decided_at, False):
            raise MoveNotOpen(booking.state, Move.APPEAL.value)
        why = clean_text(words, REASON)
        if not why:
            raise ReasonMissing
        make_move(tx, booking, Move.APPEAL, mover(side, actor), token=token)
        decision.appealed_by, decision.appealed_at, decision.appeal_words = side, tx.now, why
        booking.deadline = dispute_end(booking, dispute)
        return booking


def accept_decision(db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, token: str) -> Booking:
    """Accept what was decided; once both have, it is carried out. Raises MoveNotOpen, NotFound."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute, decision = _resolved(tx, booking, Move.BOTH_ACCEPT)
        if side == "lead":
            decision.lead_accepted_at = decision.lead_accepted_at or tx.now
        else:
            decision.expert_accepted_at = decision.expert_accepted_at or tx.now
        if decision.lead_accepted_at and decision.expert_accepted_at:
            settle(tx, booking, dispute, decision.share, Move.BOTH_ACCEPT, mover(side, actor), token=token)
        else:
            note(tx, booking, "decision_accepted", mover(side, actor), token=token, from_state=booking.state)
        return booking


def _resolved(tx: Tx, booking: Booking, move: Move) -> tuple[Dispute, DisputeDecision]:
    dispute = need_dispute(tx.session, booking, move, State.RESOLVED.value)
    decision = last_decided(decisions(tx.session, dispute.id))
    if decision is None:
        raise MoveNotOpen(booking.state, move.value)
    return dispute, decision
