"""Letters after the session, and about money that has arrived."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from ...storage.bookings import Booking
from ...storage.db import Database, Tx
from ...storage.payments import Payment, Refund, Repayment
from ...storage.payouts import Transfer
from ...storage.reviews import Review
from .desk import put_about
from .facts import booking_facts
from .stationery import Stationery


def refund_settled(db: Database, stationery: Stationery, *, refund_id: uuid.UUID) -> None:
    """Tell the lead that a refund arrived, that it did not and the amount stays owed, or that it was then paid
    another way."""
    with db.transaction() as tx:
        refund = tx.session.get(Refund, refund_id)
        if refund is None or refund.state not in ("done", "failed"):
            return
        payment = tx.session.get_one(Payment, refund.payment_id)
        facts = booking_facts(tx.session, payment.subject)
        if facts is None:
            return
        if refund.set_against is not None:
            return  # The bank gave it to them, and told them so.
        event, reference = ("refund_made" if refund.state == "done" else "refund_failed"), None
        if refund.state == "failed":
            reference = tx.session.scalar(
                sa.select(Repayment.reference).where(
                    Repayment.refund_id == refund.id, Repayment.decided_at.is_not(None)
                )
            )
            event = "refund_repaid" if reference is not None else event
        put_about(
            tx, stationery, facts, "lead", event, subject=str(refund.id), amount=refund.amount_minor,
            reference=reference,
        )  # fmt: skip


def transfer_made(db: Database, stationery: Stationery, *, transfer_id: uuid.UUID) -> None:
    """Tell the expert that their share has left, and what was kept of it; or that all of it was."""
    with db.transaction() as tx:
        transfer = tx.session.get(Transfer, transfer_id)
        if transfer is None or transfer.state != "done":
            return
        facts = booking_facts(tx.session, transfer.subject)
        if facts is None:
            return
        put_about(
            tx,
            stationery,
            facts,
            "expert",
            "transfer_made" if transfer.sent_minor else "share_set_off",
            subject=str(transfer.id),
            amount=transfer.sent_minor or transfer.amount_minor,
            set_off=transfer.set_off_minor,
            url=stationery.links.money(facts.expert.language),
        )


def review_sent(db: Database, stationery: Stationery, *, review_id: uuid.UUID) -> None:
    """After a side's review: where both are in, tell both that they can read them."""
    with db.transaction() as tx:
        booking_id = tx.session.scalar(sa.select(Review.booking_id).where(Review.id == review_id))
        if booking_id is not None:
            _tell_when_visible(tx, stationery, booking_id)


def reviews_visible(db: Database, stationery: Stationery, *, booking_id: uuid.UUID) -> None:
    """The window has ended: tell both about a review that stood alone. Harmless before, and twice."""
    with db.transaction() as tx:
        _tell_when_visible(tx, stationery, booking_id)


def _tell_when_visible(tx: Tx, stationery: Stationery, booking_id: uuid.UUID) -> None:
    sides = set(tx.session.scalars(sa.select(Review.side).where(Review.booking_id == booking_id)))
    until = tx.session.scalar(sa.select(Booking.reviews_until).where(Booking.id == booking_id))
    if not _visible(sides, until, tx.now):
        return
    facts = booking_facts(tx.session, booking_id)
    if facts is None:
        return
    links, subject = stationery.links, str(booking_id)
    if "expert" in sides:
        put_about(tx, stationery, facts, "lead", "reviews_visible_lead", subject=subject)
    if "lead" in sides:
        put_about(
            tx, stationery, facts, "expert", "review_published_expert", subject=subject,
            url=links.offer(facts.offer_slug, facts.expert.language),
        )  # fmt: skip


def _visible(sides: set[str], until: datetime | None, now: datetime) -> bool:
    """Both are in, or the window has ended (booking-process.md, Reviews)."""
    return len(sides) == 2 or bool(sides and until is not None and now >= until)
