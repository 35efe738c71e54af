"""A booking on company terms: invoiced with the yes, its share paid on when the company has paid, or never pays.

No screen leads here before terms are granted (the companies issue); tests walk it (payments.md,
"Companies on terms").
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from ...domain.bookings import State, is_terminal
from ...domain.errors import MoveNotOpen, ReasonMissing
from ...domain.policy import Actor
from ...domain.pricing import Quote
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.payments import Payment
from ...storage.people import Person
from ..payments import Payer, invoice, open_minor, standing_payment, unpaid, write_off
from ..payments.refunding import share_left
from ..people import write_audit
from .ending import schedule_share
from .machine import PROVIDER, Mover, lock_for, note, repeated

# "An operator writes off, in a final state, from 40 days after the session."
WRITTEN_OFF_FROM = timedelta(days=40)


def accepted_on_terms(tx: Tx, booking: Booking) -> None:
    """What a yes on terms brings: confirmed by the yes alone, and the company is invoiced."""
    booking.accepted_at, booking.deadline = tx.now, booking.ends_at
    company = tx.session.get_one(Company, booking.company_id)
    lead = tx.session.get_one(Person, booking.lead_id)
    payer = Payer(
        name=company.legal_name or company.name, email=lead.email, country=company.country or "",
        description=booking.number, labels={"booking": booking.number},
    )  # fmt: skip
    invoice(
        tx, subject=booking.id, company_id=company.id, expert_id=booking.expert_id,
        quote=Quote.from_dict(booking.quote or {}), payer=payer,
    )  # fmt: skip


def invoice_paid(tx: Tx, booking: Booking, payment: Payment) -> None:
    """The company's money came: from now on it counts as a capture."""
    booking.captured_at = payment.captured_at
    note(
        tx, booking, "invoice_paid", PROVIDER, token=f"{payment.id}/invoice_paid", from_state=booking.state,
        money={"what": "captured", "minor": payment.captured_minor},
    )  # fmt: skip
    _pay_the_expert(tx, booking, payment)


def _pay_the_expert(tx: Tx, booking: Booking, payment: Payment) -> None:
    """A share that fell due before the money came is put on the calendar now."""
    kept = share_left(tx.session, payment)
    if booking.share_posted_at is not None and kept:
        schedule_share(tx, booking, payment, kept)


def write_off_invoice(
    db: Database, actor: Actor, *, booking_id: uuid.UUID, reason: str, token: str
) -> Booking:
    """Give up what a company does not pay: its booking is over, and 40 days have passed since the session.

    The expert's share then counts as arrived, and is paid out of our own funds. Raises MoveNotOpen, ReasonMissing.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.write_off", booking_id)
        if repeated(tx, booking, token):
            return booking
        payment = standing_payment(tx.session, booking.id)
        over = is_terminal(State(booking.state)) and tx.now >= booking.ends_at + WRITTEN_OFF_FROM
        if payment is None or not over or not unpaid(payment) or not open_minor(payment):
            raise MoveNotOpen(booking.state, "write_off")
        why = clean_text(reason, 1000)
        if not why:
            raise ReasonMissing
        minor = write_off(tx, payment, why=why)
        note(
            tx, booking, "written_off", Mover("operator", actor.person_id), token=token, from_state=booking.state,
            reason=why, money={"what": "written_off", "minor": minor},
        )  # fmt: skip
        _pay_the_expert(tx, booking, payment)
        write_audit(tx, actor_id=actor.person_id, act="booking.write_off", subject=booking.number, reason=why)
        return booking
