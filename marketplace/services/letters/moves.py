"""Letters about a booking's moves: who hears what, from the history row alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ...domain.bookings import Move, State
from ...storage.bookings import BookingMove
from ...storage.db import Database, Tx
from ...storage.people import Person
from . import disputing, rescheduling
from .approving import approval_asked, approved_unpaid
from .calendar_files import attachment
from .desk import put_about
from .facts import BookingFacts, booking_facts
from .shares import kept_share, steps_ahead
from .stationery import Stationery


class Post:
    """One move's letters. Each is written under the move's id, so a job run twice writes them once."""

    def __init__(self, tx: Tx, stationery: Stationery, facts: BookingFacts, move: BookingMove) -> None:
        self.tx = tx
        self.stationery = stationery
        self.facts = facts
        self.move = move

    @property
    def amount(self) -> int:
        """What the move did to money, minor units; 0 where it did nothing."""
        return int((self.move.money or {}).get("minor", 0))

    def to_lead(self, event: str, **more: Any) -> None:
        """A letter to the project lead."""
        self._to("lead", event, more)

    def to_expert(self, event: str, **more: Any) -> None:
        """A letter to the expert."""
        self._to("expert", event, more)

    def _to(self, side: str, event: str, more: dict[str, Any]) -> None:
        attached = attachment(self.tx.session, self.stationery, self.facts, side, self.move)
        put_about(
            self.tx, self.stationery, self.facts, side, event,
            subject=str(self.move.id), attached=attached, **more,
        )  # fmt: skip

    def rescue(self) -> str:
        """Where the lead finds others for the same brief."""
        return self.stationery.links.rescue(self.facts.reference, self.facts.lead.language)

    def check(self) -> str:
        """The page to pay on."""
        return self.stationery.links.check(self.facts.reference, self.facts.lead.language)

    def offer(self) -> str:
        """The offer, in the lead's language."""
        return self.stationery.links.offer(self.facts.offer_slug, self.facts.lead.language)


def booking_moved(db: Database, stationery: Stationery, *, booking_id: uuid.UUID, move_id: uuid.UUID) -> None:
    """Write the letters that a move asks for; most moves ask for none."""
    with db.transaction() as tx:
        move = tx.session.get(BookingMove, move_id)
        facts = booking_facts(tx.session, booking_id)
        if move is None or facts is None or move.booking_id != booking_id:
            return
        write = _writer(move)
        if write is not None:
            write(Post(tx, stationery, facts, move))


def _writer(move: BookingMove) -> Callable[[Post], None] | None:
    if move.move == "stray_money":
        return _stray_money
    if move.move in (Move.PAYMENT_ARRIVED, Move.COMMIT) and move.to_state != State.REQUESTED:
        return _late_payment
    if move.to_state == State.CONFIRMED and move.from_state in (State.ACCEPTED, State.REQUESTED):
        return _confirmed
    return _WRITERS.get(move.move)


def _requested(post: Post) -> None:
    """Both hear of a request, unless it was answered meanwhile: an instant offer's is, at once."""
    if post.facts.state != State.REQUESTED:
        return
    until = post.facts.deadline
    post.to_expert("request_received", until=until)
    post.to_lead("request_sent", until=until, revived=post.move.move == Move.PAYMENT_ARRIVED)


def _approval_asked(post: Post) -> None:
    approval_asked(post.tx, post.stationery, post.facts, post.move)


def _approved(post: Post) -> None:
    """The lead may pay; on company terms the request went out with the yes."""
    if post.move.to_state == State.REQUESTED:
        _requested(post)
    elif post.facts.state == State.HELD:
        post.to_lead("approval_given", until=post.facts.deadline, approver=_who(post), url=post.check())


def _approval_refused(post: Post) -> None:
    post.to_lead("approval_refused", reason=post.move.reason, approver=_who(post), url=post.offer())


def _who(post: Post) -> str:
    """Who made the move."""
    return post.tx.session.get_one(Person, post.move.actor_id).name


def _late_payment(post: Post) -> None:
    post.to_lead("late_payment_released", amount=post.amount, url=post.offer())


def _stray_money(post: Post) -> None:
    post.to_lead("late_payment_returned", amount=post.amount, url=post.offer())


def _confirmed(post: Post) -> None:
    facts = post.facts
    post.to_lead("confirmed_lead", steps=steps_ahead(facts, post.move.at))
    post.to_expert("confirmed_expert")


def _not_captured(post: Post) -> None:
    if post.facts.state == State.ACCEPTED:
        post.to_lead("capture_failed", until=post.facts.deadline)


def _declined(post: Post) -> None:
    code, _colon, words = post.move.reason.partition(":")
    post.to_lead("declined", code=code, reason=words.strip(), amount=post.amount, url=post.rescue())


def _withdrawn(post: Post) -> None:
    post.to_expert("request_withdrawn")
    post.to_lead("withdrawn_lead", amount=post.amount, url=post.offer())


def _let_go(post: Post) -> None:
    """Who lets a hold go knows it; only money that was reserved is worth a letter."""
    if post.amount:
        post.to_lead("withdrawn_lead", amount=post.amount, url=post.offer())


def _run_out(post: Post) -> None:
    if post.move.from_state == State.REQUESTED:
        post.to_lead("expired_lead", amount=post.amount, url=post.rescue())
        post.to_expert("expired_expert")
    elif post.move.from_state == State.ACCEPTED:
        post.to_lead("unpaid_lead", url=post.offer())
        post.to_expert("unpaid_expert")
    elif post.move.from_state == State.AWAITING_APPROVAL:
        post.to_lead("approval_lapsed", url=post.offer())
    elif post.move.from_state == State.HELD and approved_unpaid(
        post.tx, post.stationery, post.facts, post.move
    ):
        post.to_lead("approved_unpaid_lead", url=post.offer())


def _stopped(post: Post) -> None:
    reason = post.move.reason
    post.to_lead("stopped_lead", reason=reason, refunded=False, amount=post.amount)
    if post.move.from_state in (State.REQUESTED, State.ACCEPTED):
        # Before that the expert has never heard of it.
        post.to_expert("stopped_expert", reason=reason)


def _cancelled(post: Post) -> None:
    by, reason = post.move.actor_kind, post.move.reason
    if by == "expert":
        post.to_lead("cancelled_by_expert_lead", reason=reason, amount=post.amount, url=post.rescue())
        post.to_expert("cancelled_own_expert")
    elif by == "operator":
        post.to_lead("stopped_lead", reason=reason, refunded=True, amount=post.amount)
        post.to_expert("stopped_expert", reason=reason)
    else:
        kept = kept_share(post.tx.session, post.facts)
        post.to_lead("cancelled_own_lead", amount=post.amount)
        post.to_expert("cancelled_by_buyer_expert", reason=reason, kept=kept, until=post.facts.share_due_at)


def _charged_back(post: Post) -> None:
    post.to_lead("charged_back_lead")
    post.to_expert("charged_back_expert")


def _session_done(post: Post) -> None:
    facts, links = post.facts, post.stationery.links
    # The window to object; past it, or once confirmed, nothing is left to wait for.
    due = facts.deadline if facts.state == State.DELIVERED else None
    for write, side, me in (
        (post.to_lead, "lead", facts.lead),
        (post.to_expert, "expert", facts.expert),
    ):
        write(
            f"session_done_{side}",
            until=facts.reviews_until,
            due=due,
            url=links.review(facts.reference, me.language, side),
        )


_WRITERS: dict[str, Callable[[Post], None]] = {
    Move.COMMIT: _requested,
    Move.ASK_APPROVAL: _approval_asked,
    Move.APPROVE: _approved,
    Move.REFUSE: _approval_refused,
    Move.PAYMENT_ARRIVED: _requested,
    Move.NOT_CAPTURED: _not_captured,
    Move.DECLINE: _declined,
    Move.WITHDRAW: _withdrawn,
    Move.LET_GO: _let_go,
    Move.RUN_OUT: _run_out,
    Move.STOP: _stopped,
    Move.CANCEL: _cancelled,
    Move.CHARGEBACK_LOST: _charged_back,
    Move.END_PASSES: _session_done,
    **disputing.WRITERS,
    **rescheduling.WRITERS,
}
