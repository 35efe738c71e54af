"""The expert's answer, the buyer's second thoughts before it, the operator's stop."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from ...domain.bookings import Move, State
from ...domain.errors import MeetingPlaceMissing, MoveNotOpen, ReasonMissing, TermsNotAccepted, TooLate
from ...domain.events import BookingLost
from ...domain.policy import Actor
from ...domain.words import clean_line, clean_text
from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ..payments import drop_live_payment, live_payment
from ..people import accept_documents, write_audit
from .machine import Mover, lock_for, make_move, repeated
from .on_terms import accepted_on_terms
from .paying import accepted as take_the_money

EXPERT_DOCUMENTS = ("charter", "confidentiality", "conflict")
DECLINE_REASONS = ("no_time", "not_my_problem", "conflict", "brief_unclear", "other")


def accept(
    db: Database,
    actor: Actor,
    *,
    booking_id: uuid.UUID,
    accepted: Sequence[str],
    place: str,
    token: str,
    address: str = "",
) -> Booking:
    """Say yes: with charter, confidentiality and conflict declaration, and where one meets.

    `place`: an https link for a video session, an address on site. The capture is asked for in the
    same transaction. Raises MoveNotOpen, TooLate, TermsNotAccepted, MeetingPlaceMissing.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.accept", booking_id)
        if repeated(tx, booking, token):
            return booking
        if booking.state == State.REQUESTED.value and booking.deadline and booking.deadline <= tx.now:
            raise TooLate(booking.deadline)
        if booking.state != State.REQUESTED.value:
            raise MoveNotOpen(booking.state, Move.ACCEPT.value)
        unaccepted = tuple(name for name in EXPERT_DOCUMENTS if name not in accepted)
        if unaccepted:
            raise TermsNotAccepted(missing=unaccepted)
        booking.meeting_place = checked_place(booking.format, place)
        payment = live_payment(tx.session, booking.id)
        if payment is None and not booking.on_terms:
            raise MoveNotOpen(booking.state, Move.ACCEPT.value)
        person_id = _person(actor)
        accept_documents(
            tx, person_id=person_id, documents=EXPERT_DOCUMENTS, booking_id=booking.id, address=address
        )
        make_move(tx, booking, Move.ACCEPT, Mover("expert", person_id), token=token, terms=booking.on_terms)
        if payment is not None:
            take_the_money(tx, booking, payment)
        else:
            accepted_on_terms(tx, booking)
        return booking


def checked_place(format: str, place: str) -> str:
    """Where one meets: an https link for a video session, an address on site. Raises MeetingPlaceMissing."""
    cleaned = clean_line(place, 500)
    if format == "remote" and not cleaned.startswith("https://"):
        raise MeetingPlaceMissing(kind="link")
    if len(cleaned) < 8:
        raise MeetingPlaceMissing(kind="link" if format == "remote" else "address")
    return cleaned


def decline(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, reason: str, words: str = "", token: str
) -> Booking:
    """Say no, with one of DECLINE_REASONS and, if they like, words the buyer reads. Released in full."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.decline", booking_id)
        if repeated(tx, booking, token):
            return booking
        if reason not in DECLINE_REASONS:
            raise ReasonMissing
        _give_up(
            tx, booking, Move.DECLINE, Mover("expert", actor.person_id), token=token,
            reason=f"{reason}: {clean_text(words, 1000)}".removesuffix(": "),
        )  # fmt: skip
        tx.announce(BookingLost(booking.id))
        return booking


def withdraw(db: Database, actor: Actor, *, booking_id: uuid.UUID, token: str) -> Booking:
    """The buyer's side takes the request back before it is confirmed; nothing is taken."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.withdraw", booking_id)
        if repeated(tx, booking, token):
            return booking
        _give_up(tx, booking, Move.WITHDRAW, Mover("lead", actor.person_id), token=token)
        return booking


def stop(db: Database, actor: Actor, *, booking_id: uuid.UUID, reason: str, token: str) -> Booking:
    """An operator calls a booking off before it is confirmed, with a reason both read. Released; nothing due."""
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.stop", booking_id)
        if repeated(tx, booking, token):
            return booking
        why = clean_text(reason, 1000)
        if not why:
            raise ReasonMissing
        _give_up(tx, booking, Move.STOP, Mover("operator", actor.person_id), token=token, reason=why)
        booking.cancelled_by = "operator"
        write_audit(tx, actor_id=actor.person_id, act="booking.stop", subject=booking.number, reason=why)
        return booking


def _give_up(tx: Tx, booking: Booking, move: Move, by: Mover, *, token: str, reason: str = "") -> None:
    """A booking ends before the money was taken: the slot is free, what was authorised is released."""
    payment = live_payment(tx.session, booking.id)
    money = None
    if payment is not None and payment.state == "authorised":
        money = {"what": "released", "minor": payment.amount_minor}
    make_move(tx, booking, move, by, token=token, reason=reason, money=money)
    booking.deadline = None
    booking.ended_at = tx.now
    drop_live_payment(tx, booking.id, why=move.value)


def _person(actor: Actor) -> uuid.UUID:
    assert actor.person_id is not None  # The policy table lets nobody anonymous through.
    return actor.person_id
