"""Paying: opening the checkout, and what the provider's word does to a booking.

The functions at the end are reactions: they run inside the transaction that applied the
provider's event, with the locks taken there, and never refuse because things moved on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from ...domain import deadlines
from ...domain.bookings import Move, State, may_revive
from ...domain.errors import (
    ApprovalNeeded,
    BillingMissing,
    BriefIncomplete,
    MoveNotOpen,
    PlatformNotReady,
    TermsNotAccepted,
)
from ...domain.events import CaptureFailed, PaymentAuthorised, PaymentCaptured
from ...domain.policy import Actor
from ...domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from ...storage.availability import Calendar
from ...storage.bookings import Booking
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.offers import OfferVersion
from ...storage.payments import Payment
from ...storage.people import Person
from ..approvals import asks_for
from ..availability import rules_of
from ..briefs import missing_parts
from ..companies import missing_billing
from ..payments import (
    CheckoutTexts,
    decide_refund,
    request_capture,
    request_release,
)
from ..payments import (
    open_payment as open_for,
)
from ..people import accept_documents
from .holding import last_clock_move, last_instant, refuse_overdue
from .machine import CLOCK, PROVIDER, Mover, lock_for, make_move, note, repeated
from .on_terms import invoice_paid
from .slots import claim

BUYER_DOCUMENTS = ("charter", "confidentiality", "terms")


def open_payment(
    db: Database,
    actor: Actor,
    *,
    booking_id: uuid.UUID,
    accepted: Sequence[str],
    texts: CheckoutTexts,
    platform: PlatformTax,
    ready: bool,
    address: str = "",
) -> uuid.UUID:
    """Freeze the quote and write the payment to be opened; its id, for `payments.checkout_url`.

    `ready`: the provider's payout schedule is manual; else no new checkout opens (PlatformNotReady).
    Raises MoveNotOpen, TooLate, BriefIncomplete, TermsNotAccepted, BillingMissing, ApprovalNeeded and
    PaymentWindowClosed (only while 35 minutes remain to the last instant). Coming back keeps the
    checkout that is open, unless the amount changed.
    """
    if not ready:
        raise PlatformNotReady
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.pay", booking_id)
        if booking.state != State.HELD.value:
            raise MoveNotOpen(booking.state, Move.OPEN_PAYMENT.value)
        refuse_overdue(tx, booking)
        refuse_unready(tx, booking, accepted)
        frozen = frozen_quote(tx, booking, platform)
        refuse_unapproved(tx.session, booking, frozen.total)
        last = last_instant(booking)
        until = deadlines.payment_window(booking.deadline or tx.now, tx.now, last)
        accept_documents(
            tx, person_id=_lead_id(booking), documents=BUYER_DOCUMENTS, booking_id=booking.id, address=address
        )
        booking.quote = frozen.as_dict()
        booking.deadline = until
        payment = open_for(
            tx, subject=booking.id, company_id=_company_id(booking), expert_id=booking.expert_id,
            quote=frozen, capture="manual", texts=texts,
        )  # fmt: skip
        if not repeated(tx, booking, f"open_payment/{payment.id}"):
            booking.payment_opened_at = booking.payment_opened_at or tx.now
            make_move(
                tx,
                booking,
                Move.OPEN_PAYMENT,
                Mover("lead", actor.person_id),
                token=f"open_payment/{payment.id}",
            )
        return payment.id


def pay_again(db: Database, actor: Actor, *, booking_id: uuid.UUID, texts: CheckoutTexts) -> uuid.UUID | None:
    """At `accepted` after a failed capture: a new payment, taken at once (automatic capture).

    The caller has refreshed the first payment from the provider; None when that turned out to be
    captured, so that there is nothing to pay. Raises MoveNotOpen, TooLate.
    """
    with db.transaction() as tx:
        booking = lock_for(tx, actor, "booking.pay", booking_id)
        if booking.state == State.CONFIRMED.value:
            return None
        if booking.state != State.ACCEPTED.value or booking.capture_failed_at is None:
            raise MoveNotOpen(booking.state, "pay_again")
        payment = open_for(
            tx, subject=booking.id, company_id=_company_id(booking), expert_id=booking.expert_id,
            quote=Quote.from_dict(booking.quote or {}), capture="automatic", texts=texts,
        )  # fmt: skip
        return payment.id


def frozen_quote(tx: Tx, booking: Booking, platform: PlatformTax) -> Quote:
    """The quote to freeze: price and rates as of the hold, the VAT lines as of now."""
    expert = tx.session.get_one(Expert, booking.expert_id)
    company = tx.session.get_one(Company, booking.company_id)
    return quote_now(booking, expert, tx.session.get_one(Person, expert.person_id), company, platform)


def quote_now(
    booking: Booking, expert: Expert, person: Person, company: Company, platform: PlatformTax
) -> Quote:
    """What the booking would cost if payment were opened now."""
    return quote(
        booking.price_minor,
        service_fee_bp=booking.service_fee_bp,
        commission_bp=booking.commission_bp,
        seller=seller_tax(expert, person),
        buyer=buyer_tax(company),
        platform=platform,
    )


def seller_tax(expert: Expert, person: Person) -> SellerTax:
    """Who sells the session, for the tax rules and for paper."""
    return SellerTax(
        country=expert.country,
        liable=expert.vat_status == "liable",
        ground=expert.vat_ground,
        vat_number=expert.vat_number,
        identity={
            "name": expert.legal_name or person.name,
            "address": expert.address or expert.city,
            "demo": expert.demo,
        },
    )


def buyer_tax(company: Company) -> BuyerTax:
    """Who buys it. The billing data is complete when payment opens."""
    lines = (company.street, f"{company.postcode or ''} {company.city or ''}".strip())
    return BuyerTax(
        country=company.country or "",
        vat_number=company.vat_number,
        identity={"name": company.legal_name or company.name, "address": "\n".join(filter(None, lines))},
    )


def refuse_unready(tx: Tx, booking: Booking, accepted: Sequence[str]) -> None:
    """What payment and approval ask for alike. BriefIncomplete, BillingMissing, TermsNotAccepted."""
    brief = tx.session.get_one(Brief, booking.brief_id)
    questions = tx.session.get_one(OfferVersion, booking.version_id).questions
    lacking = missing_parts(brief, tuple(questions))
    if lacking:
        raise BriefIncomplete(missing=lacking)
    unbilled = missing_billing(tx.session.get_one(Company, booking.company_id))
    if unbilled:
        raise BillingMissing(missing=unbilled)
    unaccepted = tuple(name for name in BUYER_DOCUMENTS if name not in accepted)
    if unaccepted:
        raise TermsNotAccepted(missing=unaccepted)


def approval_due(session: Session, booking: Booking, total: int) -> bool:
    """Whether the company's rule asks an approver for this total, and nobody has approved as much yet."""
    if booking.approved_minor is not None and total <= booking.approved_minor:
        return False
    return asks_for(session, _company_id(booking), total)


def refuse_unapproved(session: Session, booking: Booking, total: int) -> None:
    """ApprovalNeeded where the company's rule asks an approver first."""
    if approval_due(session, booking, total):
        raise ApprovalNeeded(total=total)


def _lead_id(booking: Booking) -> uuid.UUID:
    assert booking.lead_id is not None  # Only imported bookings have none, and they never move.
    return booking.lead_id


def _company_id(booking: Booking) -> uuid.UUID:
    assert booking.company_id is not None  # As above.
    return booking.company_id


# --- Reactions: the provider's word ------------------------------------------------------------


def payment_authorised(tx: Tx, event: PaymentAuthorised) -> None:
    """Commit, revive, or give the money back: whatever the booking is waiting for."""
    payment = tx.session.get_one(Payment, event.payment_id)
    booking = tx.session.get(Booking, payment.subject, populate_existing=True)
    if booking is None or repeated(tx, booking, f"{payment.intent_id}/authorised"):
        return
    awaited = payment.superseded_at is None and _amount_stands(booking, payment)
    if awaited and booking.state == State.HELD.value:
        _commit(tx, booking, payment, Move.COMMIT)
    elif awaited and booking.state == State.LAPSED.value and _can_revive(tx, booking):
        _commit(tx, booking, payment, Move.PAYMENT_ARRIVED)
    else:
        request_release(tx, payment, why="nothing_awaits_it")
        note(
            tx, booking, Move.PAYMENT_ARRIVED.value, PROVIDER, token=f"{payment.intent_id}/authorised",
            from_state=booking.state, reason="late_payment", money=_money("released", payment.amount_minor),
        )  # fmt: skip


def _amount_stands(booking: Booking, payment: Payment) -> bool:
    return booking.quote is not None and Quote.from_dict(booking.quote).total == payment.amount_minor


def _commit(tx: Tx, booking: Booking, payment: Payment, move: Move) -> None:
    make_move(
        tx, booking, move, PROVIDER, token=f"{payment.intent_id}/authorised",
        money=_money("authorised", payment.amount_minor),
    )  # fmt: skip
    booking.committed_at = tx.now
    booking.deadline = deadlines.answer_until(tx.now, booking.starts_at, payment.capture_before)
    if booking.answered_ahead:
        _accept_at_once(tx, booking, payment)


def _accept_at_once(tx: Tx, booking: Booking, payment: Payment) -> None:
    """The standing acceptance says yes (what was instant at the hold stays instant), or the expert did at the hold."""
    expert = tx.session.get_one(Expert, booking.expert_id)
    booking.meeting_place = booking.meeting_place or meeting_place(expert, booking.format)
    make_move(
        tx, booking, Move.ACCEPT_AT_ONCE, Mover("expert", expert.person_id),
        token=f"{payment.intent_id}/accepted", reason="agreed_before" if booking.agreed_at else "standing_acceptance",
    )  # fmt: skip
    accepted(tx, booking, payment)


def meeting_place(expert: Expert, format: str) -> str:
    """Where a session takes place by the expert's standing word: their link, or the area they come to."""
    return expert.meeting_link or "" if format == "remote" else expert.city


def accepted(tx: Tx, booking: Booking, payment: Payment) -> None:
    """What every yes brings: the money is asked for, and until when it may be paid again."""
    booking.accepted_at = tx.now
    booking.deadline = deadlines.pay_again_until(tx.now, booking.starts_at, booking.notice_hours)
    request_capture(tx, payment)


def _can_revive(tx: Tx, booking: Booking) -> bool:
    """A lapse by the clock is undone when the time is still free and enough of it is left to answer."""
    revivable = may_revive(
        by_clock=last_clock_move(tx.session, booking.id) == CLOCK.kind,
        now=tx.now,
        answer_by=deadlines.answer_until(tx.now, booking.starts_at, None),
        pay_again_by=deadlines.pay_again_until(tx.now, booking.starts_at, booking.notice_hours),
        instant=booking.answered_ahead,
    )
    if not revivable:
        return False
    version = tx.session.get_one(OfferVersion, booking.version_id)
    calendar = tx.session.get_one(Calendar, booking.expert_id)
    rules = rules_of(calendar, notice_hours=version.notice_hours, instant=booking.instant)
    slot = (booking.starts_at, booking.ends_at)
    return claim(tx, booking.expert_id, booking.id, slot, rules) is not None


def payment_captured(tx: Tx, event: PaymentCaptured) -> None:
    """Confirmed; or, where no row awaits the money any more, all of it goes back."""
    payment = tx.session.get_one(Payment, event.payment_id)
    booking = tx.session.get(Booking, payment.subject, populate_existing=True)
    if booking is None or repeated(tx, booking, f"{payment.intent_id}/captured"):
        return
    if payment.method == "bank_transfer":
        invoice_paid(tx, booking, payment)
        return
    if booking.state == State.ACCEPTED.value and _amount_stands(booking, payment):
        make_move(
            tx, booking, Move.CAPTURED, PROVIDER, token=f"{payment.intent_id}/captured",
            money=_money("captured", payment.amount_minor),
        )  # fmt: skip
        booking.captured_at = tx.now
        booking.capture_failed_at = None
        booking.deadline = booking.ends_at
        return
    decide_refund(
        tx, payment, lines=Quote.from_dict(payment.quote).lines,
        token=f"stray/{payment.id}", why="nothing_awaits_it",
    )  # fmt: skip
    note(
        tx, booking, "stray_money", PROVIDER, token=f"{payment.intent_id}/captured",
        from_state=booking.state, reason="late_payment", money=_money("refunded", payment.amount_minor),
    )  # fmt: skip


def capture_failed(tx: Tx, event: CaptureFailed) -> None:
    """The buyer is asked to pay again; the expert's yes stands until then."""
    payment = tx.session.get_one(Payment, event.payment_id)
    booking = tx.session.get(Booking, payment.subject, populate_existing=True)
    if booking is None or booking.state != State.ACCEPTED.value or booking.capture_failed_at is not None:
        return
    make_move(tx, booking, Move.NOT_CAPTURED, PROVIDER, token=f"{payment.id}/not_captured")
    booking.capture_failed_at = tx.now


def _money(what: str, minor: int) -> dict[str, Any]:
    return {"what": what, "minor": minor}
