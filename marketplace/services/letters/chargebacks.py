"""Letters about chargebacks: to operators each time there is something to do or to know, to the expert whose
money waits, to the lead whose company's bank contests the payment."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import chargebacks as law
from ...domain.pricing import Quote
from ...storage.chargebacks import Chargeback
from ...storage.db import Database, Tx
from ...storage.payments import Payment, Refund
from ...storage.people import Person
from ..payments.refunding import share_kept, sum_lines, taken_of_the_share
from .desk import put, put_about
from .facts import BookingFacts, booking_facts, party
from .stationery import Stationery

# What is over for the operators, and how; a lost one is told once it is in the books.
ENDED = frozenset({"won", "inquiry_closed", "prevented", "booked"})


def chargeback_moved(db: Database, stationery: Stationery, *, chargeback_id: uuid.UUID, state: str) -> None:
    """Write the letters that a step of a chargeback asks for; a state it has left since asks for none."""
    with db.transaction() as tx:
        row = tx.session.get(Chargeback, chargeback_id)
        if row is None or (state in law.UNDER_WAY and row.state != state):
            return
        payment = tx.session.get_one(Payment, row.payment_id)
        facts = booking_facts(tx.session, payment.subject)
        about = f"{row.id}/{state}"
        if state in law.ANSWERABLE:
            _to_operators(tx, stationery, row, facts, "chargeback_opened", about)
            _frozen(tx, stationery, row, facts)
        elif state in ENDED:
            _to_operators(tx, stationery, row, facts, "chargeback_ended", about)
            _over(tx, stationery, row, payment, facts)


def remind_of_chargebacks(db: Database, stationery: Stationery) -> int:
    """Tell operators, once, that nothing was sent and that the clock will within a day; how many there are."""
    now = db.clock()
    with db.reading() as session:
        due = session.scalars(
            sa.select(Chargeback.id).where(
                Chargeback.state.in_(law.ANSWERABLE), Chargeback.sent_at.is_(None),
                Chargeback.evidence_due > now + law.SEND_BEFORE,
                Chargeback.evidence_due <= now + law.REMIND_BEFORE,
            )
        ).all()  # fmt: skip
    for chargeback_id in due:
        with db.transaction() as tx:
            row = tx.session.get_one(Chargeback, chargeback_id)
            payment = tx.session.get_one(Payment, row.payment_id)
            facts = booking_facts(tx.session, payment.subject)
            _to_operators(tx, stationery, row, facts, "chargeback_due", f"{row.id}/{row.state}/due")
    return len(due)


def _to_operators(
    tx: Tx, stationery: Stationery, row: Chargeback, facts: BookingFacts | None, event: str, about: str
) -> None:
    operators = tx.session.scalars(
        sa.select(Person).where(Person.operator, Person.suspended_at.is_(None)).order_by(Person.id)
    )
    for person in operators:
        me = party(person)
        said: dict[str, Any] = {
            "me": me, "number": facts.number if facts else row.provider_id, "amount": row.amount_minor,
            "state": row.state, "booked_as": row.booked_as, "loss": row.loss_minor, "taken": row.taken_minor,
            "due": row.evidence_due, "sends": law.send_at(row.evidence_due),
            "client": facts.company if facts else "",
            "url": stationery.links.chargeback(str(row.id), me.language),
            "home": stationery.links.home(me.language),
        }  # fmt: skip
        put(tx, stationery, event=event, subject=about, to=me, facts=said)


def _frozen(tx: Tx, stationery: Stationery, row: Chargeback, facts: BookingFacts | None) -> None:
    """Both sides, once a chargeback: a question that becomes a dispute is no news to them."""
    if facts is None:
        return
    for side in ("lead", "expert"):
        put_about(
            tx, stationery, facts, side, f"chargeback_{side}", subject=str(row.id), amount=row.amount_minor,
            ahead=tx.now < facts.starts,
        )  # fmt: skip


def _over(
    tx: Tx, stationery: Stationery, row: Chargeback, payment: Payment, facts: BookingFacts | None
) -> None:
    """The expert hears what it means for their share; a booking it called off has its own letter."""
    if facts is None or facts.state == "cancelled" or (row.state == "prevented" and not row.taken_minor):
        return
    put_about(
        tx, stationery, facts, "expert", "chargeback_over_expert", subject=str(row.id),
        won=row.state in ("won", "inquiry_closed"), less=_taken_of_the_share(tx.session, row, payment),
    )  # fmt: skip


def _taken_of_the_share(session: Session, row: Chargeback, payment: Payment) -> int:
    """What of the expert's share the bank's decision takes, minor units."""
    quote, gone = Quote.from_dict(payment.quote), taken_of_the_share(session, payment.id)
    refunds = sa.select(Refund.lines).where(
        Refund.payment_id == payment.id, Refund.set_against == row.provider_id, ~Refund.borne_by_us
    )
    by_the_bank = sum_lines(session.scalars(refunds))
    before = {name: minor - by_the_bank[name] for name, minor in gone.items()}
    return share_kept(quote, payment, before) - share_kept(quote, payment, gone)
