"""Reporting a problem, answering, and taking a report back (booking-process.md, from `report` on)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import deadlines
from ...domain.bookings import Move, State, may_report
from ...domain.errors import MoveNotOpen, ReportRefused
from ...domain.policy import Actor
from ...domain.refunds import KINDS
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.disputes import Dispute, DisputeStatement
from ...storage.reviews import Review
from ..bookings.machine import lock_for, make_move, note, repeated
from ..files import Evidence
from ..people import write_audit
from .evidence import give
from .settling import drop_open_proposal, resume_reviews
from .standing import decisions, dispute_end, last_decided, least_of, mover, need_dispute, statements

NO_SHOW = frozenset({"buyer_absent", "expert_absent", "both_absent"})
REPORTABLE = (State.CONFIRMED.value, State.DELIVERED.value, State.CANCELLED.value)
WORDS = 4000
LEAST_WORDS = 20


@dataclass(frozen=True)
class Words:
    """What somebody says: a kind makes it a report; the share asked is in percent, `held` in minutes."""

    words: str
    share: int | None
    kind: str | None = None
    buyers_fault: bool = False
    held: int | None = None
    files: Sequence[Evidence] = ()


def report_closes(session: Session, booking: Booking) -> datetime | None:
    """Until when a problem can be reported; None where it cannot, or not any more."""
    if booking.origin != "made" or booking.state not in REPORTABLE:
        return None
    if booking.state == State.CANCELLED.value:
        until = None if booking.share_posted_at else booking.share_due_at
    elif booking.state == State.DELIVERED.value:
        until = booking.deadline
    else:
        until = deadlines.objection_until(booking.ends_at, promises_plan=booking.promises_plan)
    if until is None:
        return None
    withdrawn = session.scalar(
        sa.select(sa.literal(True))
        .where(Dispute.booking_id == booking.id, Dispute.closed_why == "withdrawn")
        .limit(1)
    )
    return deadlines.report_closes_at(until, booking.captured_at, withdrawn=bool(withdrawn))


def kinds_open(session: Session, booking: Booking, side: str, now: datetime) -> list[str]:
    """What this side can report now; before a cancelled session's start only what is no matter of its course."""
    closes = report_closes(session, booking)
    if closes is None:
        return []
    gone = _withdrawn_kinds(session, booking.id, side)
    return [
        kind
        for kind in KINDS
        if kind not in gone and may_report(now, opens_at=_opens(booking, kind), closes_at=closes)
    ]


def _opens(booking: Booking, kind: str) -> datetime:
    if booking.state == State.CANCELLED.value and kind == "quality":
        return booking.ended_at or booking.starts_at
    return deadlines.report_opens_at(booking.starts_at, no_show=kind in NO_SHOW)


def _withdrawn_kinds(session: Session, booking_id: uuid.UUID, side: str) -> frozenset[str]:
    """The same side does not report a kind again that it took back."""
    return frozenset(
        kind
        for kind in session.scalars(
            sa.select(DisputeStatement.kind)
            .join(Dispute, Dispute.id == DisputeStatement.dispute_id)
            .where(
                Dispute.booking_id == booking_id,
                DisputeStatement.side == side,
                DisputeStatement.withdrawn_at.is_not(None),
            )
        )
        if kind
    )


def report(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, said: Words, token: str
) -> Booking:
    """Report a problem as `side` ("lead", "expert", "operator"): money freezes, the reviews' clock stops.

    Raises MoveNotOpen, ReportRefused (why), EvidenceRefused, NotFound.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        if booking.state not in REPORTABLE:
            raise MoveNotOpen(booking.state, Move.REPORT.value)
        closes = report_closes(tx.session, booking)
        _refuse_kind(tx.session, booking, side, said.kind, tx.now, closes)
        assert closes is not None
        assert said.kind is not None
        words = _sound(tx.session, booking, said)
        if said.share is None:
            raise ReportRefused(why="share", least=least_of(tx.session, booking))
        before = booking.state
        make_move(tx, booking, Move.REPORT, mover(side, actor), token=token)
        booking.disputed_from = before
        dispute = Dispute(
            booking_id=booking.id, kind=said.kind, from_state=before, reported_by=side, reported_at=tx.now,
            window_until=closes, reviews_until=_stop_reviews(tx, booking),
        )  # fmt: skip
        tx.session.add(dispute)
        tx.session.flush()  # The statement refers to it.
        _say(tx, actor, dispute, side, said, words)
        booking.deadline = dispute_end(booking, dispute)
        if side == "operator":
            write_audit(
                tx, actor_id=actor.person_id, act="booking.report", subject=booking.number, reason=words
            )
        return booking


def _refuse_kind(
    session: Session, booking: Booking, side: str, kind: str | None, now: datetime, closes: datetime | None
) -> None:
    if closes is None or now >= closes:
        raise ReportRefused(why="late", when=closes)
    if kind not in KINDS:
        raise ReportRefused(why="kind")
    if kind in _withdrawn_kinds(session, booking.id, side):
        raise ReportRefused(why="again")
    if now < _opens(booking, kind):
        raise ReportRefused(why="early", when=_opens(booking, kind))


def _sound(session: Session, booking: Booking, said: Words) -> str:
    """The words as they are kept; refuses too few, a share out of bounds, minutes past the session's length."""
    words = clean_text(said.words, WORDS)
    # An answer may be a share or evidence alone; what is said in words is said in a sentence.
    if (said.kind is not None or words) and len(words) < LEAST_WORDS:
        raise ReportRefused(why="words", least=LEAST_WORDS)
    minutes = int((booking.ends_at - booking.starts_at).total_seconds()) // 60
    if said.held is not None and not 0 <= said.held <= minutes:
        raise ReportRefused(why="minutes", most=minutes)
    if said.share is not None and not least_of(session, booking) <= said.share <= 100:
        raise ReportRefused(why="share", least=least_of(session, booking))
    return words


def _stop_reviews(tx: Tx, booking: Booking) -> datetime | None:
    """Stop the reviews' clock, unless both sides' are in and shown already; where it stood."""
    sent = tx.session.scalar(
        sa.select(sa.func.count()).select_from(Review).where(Review.booking_id == booking.id)
    )
    until = booking.reviews_until
    if sent != 2 and (until is None or until > tx.now):
        booking.reviews_until = None
    return until


def _say(tx: Tx, actor: Actor, dispute: Dispute, side: str, said: Words, words: str) -> None:
    assert actor.person_id is not None
    statement = DisputeStatement(
        dispute_id=dispute.id, side=side, person_id=actor.person_id, kind=said.kind, words=words,
        share=said.share, buyers_fault=said.buyers_fault, minutes_held=said.held, said_at=tx.now,
    )  # fmt: skip
    tx.session.add(statement)
    tx.session.flush()  # Its files refer to it.
    give(tx, dispute, statement, actor.person_id, said.files)


def answer(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, said: Words, token: str
) -> Booking:
    """Answer as a side: an own report, words, evidence or another share; each side's last share stands.

    Raises MoveNotOpen, ReportRefused, EvidenceRefused, NotFound.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute = need_dispute(tx.session, booking, Move.ANSWER, State.DISPUTED.value)
        if said.kind is not None and (
            said.kind not in KINDS or said.kind in _withdrawn_kinds(tx.session, booking.id, side)
        ):
            raise ReportRefused(why="kind" if said.kind not in KINDS else "again")
        words = _sound(tx.session, booking, said)
        if not words and said.share is None and not said.files:
            raise ReportRefused(why="words", least=LEAST_WORDS)
        make_move(tx, booking, Move.ANSWER, mover(side, actor), token=token)
        _say(tx, actor, dispute, side, said, words)
        return booking


def withdraw_report(db: Database, actor: Actor, *, booking_id: uuid.UUID, side: str, token: str) -> Booking:
    """Take one's report back; once all who reported have, the booking is where it came from.

    The window as it stood, at least 24 h. Raises MoveNotOpen (not one's own, or after a decision), NotFound.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, f"booking.dispute_as_{side}", booking_id)
        if repeated(tx, booking, token):
            return booking
        dispute = need_dispute(tx.session, booking, Move.WITHDRAW_REPORT, State.DISPUTED.value)
        said = statements(tx.session, dispute.id)
        reports = [one for one in said if one.kind and one.withdrawn_at is None]
        own = [one for one in reports if one.side == side]
        if not own or last_decided(decisions(tx.session, dispute.id)) is not None:
            raise MoveNotOpen(booking.state, Move.WITHDRAW_REPORT.value)
        for one in own:
            one.withdrawn_at = tx.now
        if len(own) < len(reports):
            note(tx, booking, "report_taken_back", mover(side, actor), token=token, from_state=booking.state)
            return booking
        _go_back(tx, booking, dispute, actor, side, token)
        return booking


def _go_back(tx: Tx, booking: Booking, dispute: Dispute, actor: Actor, side: str, token: str) -> None:
    ended = tx.now >= booking.ends_at
    until = deadlines.window_after_withdrawal(dispute.window_until, tx.now)
    make_move(
        tx, booking, Move.WITHDRAW_REPORT, mover(side, actor), token=token, from_state=dispute.from_state,
        ended=ended,
    )  # fmt: skip
    dispute.closed_at, dispute.closed_why = tx.now, "withdrawn"
    booking.disputed_from = None
    drop_open_proposal(tx, dispute)
    if booking.state == State.CONFIRMED.value:
        booking.deadline = booking.ends_at
        return
    booking.deadline = until
    if booking.state == State.CANCELLED.value:
        booking.share_due_at = until
    resume_reviews(tx, booking, dispute, held=booking.state == State.DELIVERED.value)
