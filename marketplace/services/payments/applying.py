"""What the provider says, applied by the payment's own machine: never backwards, twice the same as once.

`created → open → authorised → captured`; `created | open → closed`; `open → captured` (automatic
capture); `authorised → released | lost`. An event is a hint: the object is fetched and applied.
Money the provider has taken is booked wherever we thought the payment stood; money it has reserved
for a payment we had given up is given back.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ...domain import postings
from ...domain.errors import ProviderBusy
from ...domain.events import (
    CaptureFailed,
    PaymentAuthorised,
    PaymentCaptured,
    ProviderEventArrived,
)
from ...domain.ids import new_id
from ...domain.pricing import Quote
from ...gateways.payments import (
    PaymentError,
    Payments,
    PaymentSeen,
    PaymentState,
    ProviderEvent,
)
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.payments import InboxEvent, Payment, ProviderCall, Refund
from .. import ledger
from .asking import request_release
from .chargebacks import apply_chargeback
from .locking import lock_payment
from .outcomes import apply_refund
from .terms import apply_bank_seen

log = logging.getLogger(__name__)
# A refund that arrived may still fail, up to 30 days later (payments.md, Ledger).
REFUND_MAY_FAIL = timedelta(days=35)


def receive_event(db: Database, event: ProviderEvent, body: bytes) -> bool:
    """Keep a checked event as it came, once an id, and have it applied. False when it was here already."""
    said = {name: value for name, value in asdict(event).items() if not isinstance(value, datetime)}
    with db.transaction() as tx:
        inbox_id = tx.session.scalar(
            insert(InboxEvent)
            .values(
                id=new_id(), provider="stripe", event_id=event.id, kind=event.kind, received_at=tx.now,
                body=json.dumps({"event": said, "raw": body.decode("utf-8")}),
            )
            .on_conflict_do_nothing()
            .returning(InboxEvent.id)
        )  # fmt: skip
        if inbox_id is None:
            return False
        tx.announce(ProviderEventArrived(inbox_id))
        return True


def apply_event(db: Database, gateway: Payments, inbox_id: uuid.UUID) -> None:
    """Fetch what the event is about and apply what it says now; order and repetition never matter.

    ProviderBusy: the provider did not answer; the event stays, and is applied by the next sweep.
    """
    with db.reading() as session:
        row = session.get(InboxEvent, inbox_id)
    if row is None or row.applied_at is not None:
        return
    said = json.loads(row.body)["event"]
    try:
        if said["object_kind"] == "account":
            refresh_account(db, gateway, said["object_id"])
        else:
            payment_id = _payment_of(db, said)
            if payment_id is not None:
                refresh(db, gateway, payment_id, disputed=said["object_kind"] == "chargeback")
    except Exception as error:
        _note(db, inbox_id, error=f"{type(error).__name__}: {error.__cause__ or error}")
        raise
    _note(db, inbox_id)


def _note(db: Database, inbox_id: uuid.UUID, *, error: str | None = None) -> None:
    with db.transaction() as tx:
        applied_at = None if error else tx.now
        tx.session.execute(
            sa.update(InboxEvent).where(InboxEvent.id == inbox_id).values(applied_at=applied_at, error=error)
        )


def _payment_of(db: Database, said: dict[str, Any]) -> uuid.UUID | None:
    """The payment an event is about, by any id it carries; None: not one of ours."""
    with db.reading() as session:
        return session.scalar(
            sa.select(Payment.id).where(
                sa.or_(
                    Payment.intent_id == (said.get("intent_id") or said["object_id"]),
                    Payment.checkout_id == said["object_id"],
                    Payment.charge_id == (said.get("charge_id") or said["object_id"]),
                    Payment.reference == (said.get("reference") or ""),
                )
            )
        )


def refresh_account(db: Database, gateway: Payments, account_id: str) -> None:
    """Fetch an expert's account; keep whether it can be paid and what is asked. ProviderBusy: no answer now."""
    try:
        seen = gateway.account(account_id)
    except PaymentError as error:
        raise ProviderBusy from error
    with db.transaction() as tx:
        tx.session.execute(
            sa.update(Expert)
            .where(Expert.account_id == account_id)
            .values(account_status=seen.transfers_status, account_asks=list(seen.asked))
        )


def refresh(db: Database, gateway: Payments, payment_id: uuid.UUID, *, disputed: bool = False) -> None:
    """Fetch a payment, its refunds under way and its chargebacks, and apply what they say.

    `disputed`: somebody says that there is one; else the payment's own word decides whether to ask.
    ProviderBusy: no answer now.
    """
    with db.reading() as session:
        payment = session.get(Payment, payment_id)
        if payment is None or (payment.intent_id is None and payment.checkout_id is None):
            return
        refunds = session.execute(
            sa.select(Refund.id, Refund.provider_id).where(
                Refund.payment_id == payment_id,
                Refund.provider_id.is_not(None),
                refund_may_move(db.clock()),
            )
        ).all()
    try:
        seen = gateway.payment(intent_id=payment.intent_id, checkout_id=payment.checkout_id)
        contested = gateway.chargebacks(intent_id=seen.intent_id) if seen.disputed or disputed else ()
        refunds_seen = [(row.id, gateway.refund_seen(row.provider_id)) for row in refunds]
    except PaymentError as error:
        raise ProviderBusy from error
    with db.transaction() as tx:
        locked = lock_payment(tx, payment_id)
        apply_seen(tx, locked, seen)
        for refund_id, refund_seen in refunds_seen:
            apply_refund(tx, locked, refund_id, refund_seen)
        for one in reversed(contested):
            apply_chargeback(tx, locked, one)


def refund_may_move(now: datetime) -> sa.ColumnElement[bool]:
    """The refunds of which the provider may still have something new to say."""
    return Refund.state.in_(("intended", "sent", "pending")) | (
        (Refund.state == "done") & (Refund.ended_at > now - REFUND_MAY_FAIL)
    )


def apply_seen(tx: Tx, payment: Payment, seen: PaymentSeen) -> None:
    """Move the payment to what the provider says, post what that means, announce it."""
    if payment.method == "bank_transfer":
        apply_bank_seen(tx, payment, seen)
        _provider_fee(tx, payment, seen)
        return
    payment.intent_id = payment.intent_id or seen.intent_id
    payment.charge_id = payment.charge_id or seen.charge_id
    payment.capture_before = seen.capture_before or payment.capture_before
    if seen.amount_minor != payment.amount_minor or seen.currency != payment.currency:
        # Nothing is made of it, and operators see it until it is as we asked again.
        log.error("payment %s: the provider says %s %s", payment.id, seen.amount_minor, seen.currency)
        payment.problem = {"what": "payment", "minor": seen.amount_minor, "currency": seen.currency}
        return
    if payment.problem is not None and payment.problem["what"] == "payment":
        payment.problem = None
    match seen.state:
        case PaymentState.OPEN if payment.state == "created":
            payment.state = "open"
        case PaymentState.AUTHORISED if payment.state in ("created", "open"):
            payment.state, payment.authorised_at = "authorised", tx.now
            tx.announce(PaymentAuthorised(payment.id))
        case PaymentState.AUTHORISED if payment.state == "closed":
            request_release(tx, payment, why="ended_before")
        case PaymentState.CAPTURED if payment.state != "captured":
            _captured(tx, payment)
        case PaymentState.RELEASED if payment.state == "authorised":
            _released(tx, payment)
        case PaymentState.RELEASED | PaymentState.CLOSED if payment.state in ("created", "open"):
            payment.state, payment.ended_at = "closed", tx.now
    _provider_fee(tx, payment, seen)


def _provider_fee(tx: Tx, payment: Payment, seen: PaymentSeen) -> None:
    if seen.provider_fee_minor and payment.state == "captured" and payment.charge_id:
        ledger.post(
            tx, source=payment.charge_id, kind=ledger.PROVIDER_FEE, subject=payment.subject, at=tx.now,
            entries=postings.provider_fee(seen.provider_fee_minor), why="provider_fee",
        )  # fmt: skip


def _captured(tx: Tx, payment: Payment) -> None:
    payment.state, payment.captured_at, payment.ended_at = "captured", tx.now, None
    payment.captured_minor = payment.amount_minor
    ledger.post(
        tx, source=payment.intent_id or str(payment.id), kind=ledger.CAPTURED, subject=payment.subject, at=tx.now,
        entries=postings.captured(Quote.from_dict(payment.quote), payment.subject), why="captured",
    )  # fmt: skip
    tx.announce(PaymentCaptured(payment.id))


def _released(tx: Tx, payment: Payment) -> None:
    """Given back because we asked; else it ended at the provider, and whoever counted on it is told."""
    asked = tx.session.scalar(sa.select(ProviderCall.id).where(ProviderCall.token == f"release/{payment.id}"))
    payment.state, payment.ended_at = "released" if asked else "lost", tx.now
    if not asked:
        tx.announce(CaptureFailed(payment.id))
