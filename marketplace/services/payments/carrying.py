"""Carrying an intent out: the call outside any transaction, then its outcome in one.

Whatever kills us in between, the same call with the same key and parameters is made again, by the
job, else by the sweep; past 23 hours the provider may have forgotten the key, so we look first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from ...domain.errors import ProviderBusy
from ...domain.events import CaptureFailed
from ...gateways.payments import (
    Checkout,
    Declined,
    NeedsAction,
    PaymentError,
    Payments,
    PaymentSeen,
    RefundSeen,
    Refused,
    TransferSeen,
    Unavailable,
    Unknown,
)
from ...storage import locks
from ...storage.db import Database, Tx
from ...storage.payments import Payment, ProviderCall, Refund
from .applying import apply_refund, apply_seen, apply_transfer, fail_refund, hold_up_transfer, refresh

KEY_LASTS = timedelta(hours=23)
OVER = ("done", "failed")


def carry_out(db: Database, gateway: Payments, call_id: uuid.UUID) -> None:
    """Make the call of this intent, unless it is over. Raises ProviderBusy when it must be tried again."""
    call = _begin(db, call_id)
    if call is None:
        return
    if db.clock() - call.made_at > KEY_LASTS and call.tries > 1 and _found(db, gateway, call):
        return
    try:
        answer = _CALLS[call.kind](gateway)(key=str(call.id), **call.parameters)
    except (Unavailable, Unknown) as error:
        _later(db, call, error)
        raise ProviderBusy from error
    except (Declined, NeedsAction, Refused) as error:
        _refused(db, gateway, call, error)
        return
    with db.transaction() as tx:
        payment = _locked(tx, call)
        _outcome(tx, payment, call, answer)
        _end(tx, call.id, "done", provider_id=_id_of(answer))


_CALLS: Mapping[str, Callable[[Payments], Callable[..., Any]]] = {
    "open_checkout": lambda gateway: gateway.open_checkout,
    "close_checkout": lambda gateway: gateway.close_checkout,
    "capture": lambda gateway: gateway.capture,
    "release": lambda gateway: gateway.release,
    "refund": lambda gateway: gateway.refund,
    "transfer": lambda gateway: gateway.transfer,
}


def _begin(db: Database, call_id: uuid.UUID) -> ProviderCall | None:
    with db.transaction() as tx:
        call = tx.session.get(ProviderCall, call_id, with_for_update=True)
        if call is None or call.state in OVER:
            return None
        call.state = "sent"
        call.sent_at = tx.now
        call.tries += 1
        return call


def _locked(tx: Tx, call: ProviderCall) -> Payment:
    payment = tx.session.get_one(Payment, call.payment_id)
    locks.take(
        tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
        payment=payment.id,
    )  # fmt: skip
    tx.session.refresh(payment)
    return payment


def _outcome(tx: Tx, payment: Payment, call: ProviderCall, answer: object) -> None:
    match answer:
        case Checkout():
            payment.checkout_id, payment.checkout_url = answer.id, answer.url
            payment.checkout_until = answer.until
            if payment.state == "created":
                payment.state = "open"
        case PaymentSeen():
            apply_seen(tx, payment, answer)
        case RefundSeen():
            apply_refund(tx, payment, uuid.UUID(str(call.parameters["reference"])), answer)
        case TransferSeen():
            apply_transfer(tx, payment, answer)


def _id_of(answer: object) -> str | None:
    if isinstance(answer, PaymentSeen):
        return answer.intent_id
    return getattr(answer, "id", None)


def _end(
    tx: Tx, call_id: uuid.UUID, state: str, *, provider_id: str | None = None, error: str | None = None
) -> None:
    call = tx.session.get_one(ProviderCall, call_id)
    call.state, call.ended_at = state, tx.now
    call.provider_id, call.error = provider_id or call.provider_id, error


def _later(db: Database, call: ProviderCall, error: PaymentError) -> None:
    """Not now: the intent stays, with the same key, unless the provider keeps the refusal under it."""
    with db.transaction() as tx:
        row = tx.session.get_one(ProviderCall, call.id)
        row.error = str(error)
        if isinstance(error, Unavailable) and error.new_key and call.kind == "transfer":
            _end(tx, call.id, "failed", error=str(error))
            hold_up_transfer(tx, call.payment_id, error.reason)
        elif isinstance(error, Unavailable):
            row.state = "intended"


def _refused(db: Database, gateway: Payments, call: ProviderCall, error: PaymentError) -> None:
    """It will not happen as asked. Where the object stands elsewhere than we thought, look at it."""
    if isinstance(error, Refused) and error.look:
        refresh(db, gateway, call.payment_id)
    with db.transaction() as tx:
        payment = _locked(tx, call)
        _end(tx, call.id, "failed", error=str(error))
        if call.kind == "capture" and payment.state == "authorised":
            tx.announce(CaptureFailed(payment.id))
        if call.kind == "refund":
            _refund_refused(tx, payment, call, error)
        if call.kind == "transfer":
            hold_up_transfer(tx, payment.id, error.reason)


def _refund_refused(tx: Tx, payment: Payment, call: ProviderCall, error: PaymentError) -> None:
    refund = tx.session.get_one(Refund, uuid.UUID(str(call.parameters["reference"])))
    if refund.state not in OVER:
        fail_refund(tx, payment, refund, posted=False)


def _found(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """Past the key's life: what exists at the provider already is taken as the answer."""
    if call.kind not in ("refund", "transfer"):
        refresh(db, gateway, call.payment_id)
        with db.reading() as session:
            state = session.get_one(Payment, call.payment_id).state
        return state in ("captured", "released", "closed", "lost") and call.kind != "open_checkout"
    with db.reading() as session:
        payment = session.get_one(Payment, call.payment_id)
    found = gateway.find(reference=payment.reference, intent_id=payment.intent_id)
    seen: RefundSeen | TransferSeen | None
    if call.kind == "refund":
        seen = next((r for r in found.refunds if r.reference == call.parameters["reference"]), None)
    else:
        seen = next(iter(found.transfers), None)
    if seen is None:
        return False
    with db.transaction() as tx:
        locked = _locked(tx, call)
        _outcome(tx, locked, call, seen)
        _end(tx, call.id, "done", provider_id=seen.id)
    return True
