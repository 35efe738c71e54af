"""What is looked at once more just before money is sent: contested, an account that takes none, a refund
decided meanwhile, our own funds. What no longer fits waits, and its intent with it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import ProviderBusy
from ...gateways.payments import PaymentError, Payments
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.payments import Payment, ProviderCall, Refund
from .. import ledger
from .locking import lock_payment
from .refunding import own_part, vat_part
from .transferring import hold_up_transfer, in_its_way

OVER = ("done", "failed")
# So long after it was last asked for, what is not to be found at the provider was never done.
STILL_UNDER_WAY = timedelta(minutes=10)


def may_go(db: Database, gateway: Payments, call: ProviderCall, asked_at: datetime | None) -> bool:
    """Whether this call is still to be made. `asked_at`: when it was asked for before, without an answer.

    ProviderBusy: what we have at the provider has to be known first, and it does not answer.
    """
    if call.kind == "transfer":
        return _transfer_may_go(db, call, asked_at, enough=_own_funds_stand_in(db, gateway, call))
    if call.kind == "refund":
        return _refund_may_go(db, call, asked_at, enough=_own_funds_cover(db, gateway, call))
    return True


def _transfer_may_go(db: Database, call: ProviderCall, asked_at: datetime | None, *, enough: bool) -> bool:
    """What stands in the way takes the intent back: the share is due again, with the reason."""
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        row = tx.session.get_one(ProviderCall, call.id, with_for_update=True)
        if row.state in OVER:
            return False
        if ledger.stopped(tx.session):  # It waits with its intent, until the books hold.
            row.tries -= 1
            return False
        way = in_its_way(tx.session, payment, tx.session.get_one(Expert, payment.payee_expert_id))
        if way is None and not enough:
            way = "own_funds"
        if way is None:
            return True
        if _just_asked(tx, asked_at):
            row.tries -= 1
            return False
        row.state, row.ended_at, row.error = "failed", tx.now, way
        hold_up_transfer(tx, payment, way)
        return False


def _refund_may_go(db: Database, call: ProviderCall, asked_at: datetime | None, *, enough: bool) -> bool:
    """Contested, or not covered: it waits with its key."""
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        row = tx.session.get_one(ProviderCall, call.id, with_for_update=True)
        if row.state in OVER:
            return False
        refund = tx.session.get_one(Refund, _refund_id(call))
        waits_for = "chargeback" if payment.frozen_by else None if enough else "top_up"
        if waits_for is None:
            refund.state = "sent" if refund.state == "intended" else refund.state
            refund.waits_for = None
            return True
        row.tries -= 1
        if _just_asked(tx, asked_at):
            return False
        row.state = "intended"
        if refund.state in ("intended", "sent"):
            refund.state, refund.waits_for = "intended", waits_for
        return False


def _just_asked(tx: Tx, asked_at: datetime | None) -> bool:
    return asked_at is not None and tx.now - asked_at < STILL_UNDER_WAY


def _refund_id(call: ProviderCall) -> uuid.UUID:
    return uuid.UUID(str(call.parameters["reference"]))


def _own_funds_cover(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """Whether what of a refund is neither held nor owed to the expert any more is ours to spend.

    What has not settled counts: the provider takes a refund from it too. What other refunds were promised
    does not.
    """
    with db.reading() as session:
        refund = session.get_one(Refund, _refund_id(call))
        if not refund.from_own_funds:
            return True
        payment = session.get_one(Payment, refund.payment_id)
    try:
        seen = gateway.balance()
    except PaymentError as error:
        raise ProviderBusy from error
    with db.reading() as session:
        there = seen.available.get(refund.currency, 0) + seen.pending.get(refund.currency, 0)
        ours = ledger.own_funds(session, there)
        # Its VAT goes to the tax office no more, as far as that is still counted as theirs.
        tax = min(vat_part(payment, refund), ours.cover.vat)
        return ours.minor + tax - promised(session, but=refund.id) >= own_part(payment, refund)


def _own_funds_stand_in(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """Whether a share for which no money came in (a debt given up) can be paid out of our own funds.

    It is part of what they are reckoned after, so that it is covered where nothing is missing.
    """
    if call.parameters["charge_id"] is not None:
        return True
    try:
        seen = gateway.balance()
    except PaymentError as error:
        raise ProviderBusy from error
    with db.reading() as session:
        return ledger.own_funds(session, seen.available.get(call.parameters["currency"], 0)).minor >= 0


def promised(session: Session, *, but: uuid.UUID | None = None) -> int:
    """Our own money in refunds that were sent and are not booked yet, minor units."""
    rows = session.execute(
        sa.select(Payment, Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.from_own_funds, Refund.state.in_(("sent", "pending")), Refund.id != but)
    )
    return sum(own_part(payment, refund) for payment, refund in rows)
