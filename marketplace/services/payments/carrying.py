"""Carrying an intent out: the call outside any transaction, then its outcome in one.

Whatever kills us in between, the same call with the same key and parameters is made again, by the
job, else by the sweep. From the second try on we look first: what was done without our hearing of
it is taken as the answer, also past the 23 hours after which the provider may forget the key.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ...domain.errors import ProviderBusy
from ...domain.events import CaptureFailed
from ...gateways.payments import (
    BankTransfer,
    ChargebackSeen,
    Checkout,
    PaymentError,
    Payments,
    PaymentSeen,
    RefundSeen,
    Refused,
    ReversalSeen,
    TransferSeen,
    Unavailable,
    Unknown,
)
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.payments import Payment, ProviderCall, Refund
from ...storage.payouts import Transfer
from .applying import apply_seen, refresh
from .asking import LIVE, end_payment
from .chargebacks import apply_chargeback, evidence_refused, evidence_taken
from .deciding import apply_reversal
from .intents import ask_again
from .locking import lock_payment
from .looking_again import OVER, may_go
from .outcomes import DISPUTED, apply_refund, fail_refund, redecide
from .terms import bank_transfer_opened
from .transferring import apply_transfer, hold_up_transfer

log = logging.getLogger(__name__)
# The provider keeps a failure of its own under a key for a day: after so many tries, and so long
# after the first, with nothing to be found there, a new key is taken.
TRIES_A_KEY = 3
KEY_PATIENCE = timedelta(minutes=10)
# The provider may forget a key after a day.
KEY_LASTS = timedelta(hours=23)
# Where the payment stands once a call has done what it was for.
_REACHED = {"capture": ("captured",), "release": ("released", "lost"), "close_checkout": ("closed",)}


def carry_out(db: Database, gateway: Payments, call_id: uuid.UUID) -> None:
    """Make the call of this intent, unless it is over. Raises ProviderBusy when it must be tried again."""
    call, asked_at = _begin(db, call_id)
    if call is None:
        return
    try:
        if call.tries > 1 and _found(db, gateway, call):
            return
        if not may_go(db, gateway, call, asked_at):
            return
        answer = _CALLS[call.kind](gateway)(key=str(call.id), **call.parameters)
    except (Unavailable, Unknown) as error:
        _later(db, call, error, holds=_still_held(db, gateway, call, error))
        raise ProviderBusy from error
    except PaymentError as error:
        _refused(db, gateway, call, error)
        return
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        # Before what follows from it: whoever goes on then sees this call as over.
        _end(tx, call.id, "done", provider_id=_id_of(answer))
        _outcome(tx, payment, call, answer)


_CALLS: Mapping[str, Callable[[Payments], Callable[..., Any]]] = {
    "open_checkout": lambda gateway: gateway.open_checkout,
    "close_checkout": lambda gateway: gateway.close_checkout,
    "capture": lambda gateway: gateway.capture,
    "release": lambda gateway: gateway.release,
    "refund": lambda gateway: gateway.refund,
    "transfer": lambda gateway: gateway.transfer,
    "reverse_transfer": lambda gateway: gateway.reverse_transfer,
    "open_bank_transfer": lambda gateway: gateway.open_bank_transfer,
    "submit_evidence": lambda gateway: gateway.submit_evidence,
}


def _begin(db: Database, call_id: uuid.UUID) -> tuple[ProviderCall | None, datetime | None]:
    """The call, one try more; and when it was asked for before."""
    with db.transaction() as tx:
        call = tx.session.get(ProviderCall, call_id, with_for_update=True)
        if call is None or call.state in OVER:
            return None, None
        asked_at = call.sent_at if call.tries else None
        call.state = "sent"
        call.sent_at = tx.now
        call.tries += 1
        return call, asked_at


def _outcome(tx: Tx, payment: Payment, call: ProviderCall, answer: object) -> None:
    match answer:
        case Checkout():
            payment.checkout_id, payment.checkout_url = answer.id, answer.url
            payment.checkout_until = answer.until
            if payment.state == "created":
                payment.state = "open"
            elif payment.state == "closed":  # Ended while the provider was making it.
                end_payment(tx, payment, why="ended_meanwhile")
        case BankTransfer():
            bank_transfer_opened(tx, payment, call, answer)
        case PaymentSeen():
            apply_seen(tx, payment, answer)
        case RefundSeen():
            apply_refund(tx, payment, uuid.UUID(str(call.parameters["reference"])), answer)
        case TransferSeen():
            apply_transfer(tx, payment, answer)
        case ReversalSeen():
            apply_reversal(tx, payment, call, answer.amount_minor)
        case ChargebackSeen():
            evidence_taken(tx, payment, call, answer)


def _id_of(answer: object) -> str | None:
    if isinstance(answer, PaymentSeen):
        return answer.intent_id
    return getattr(answer, "id", None)


def _end(
    tx: Tx, call_id: uuid.UUID, state: str, *, provider_id: str | None = None, error: str | None = None
) -> bool:
    """End the call, once; False when somebody else's answer ended it before."""
    call = tx.session.get_one(ProviderCall, call_id, with_for_update=True)
    if call.state in OVER:
        return False
    call.state, call.ended_at = state, tx.now
    call.provider_id, call.error = provider_id or call.provider_id, error
    return True


def _still_held(db: Database, gateway: Payments, call: ProviderCall, error: PaymentError) -> int:
    """What the expert's account holds, where it did not hold all that was to come back (minor units)."""
    if call.kind != "reverse_transfer" or error.reason != "balance_insufficient":
        return 0
    with db.reading() as session:
        payment = session.get_one(Payment, call.payment_id)
        account_id = session.get_one(Expert, payment.payee_expert_id).account_id
    try:
        return gateway.balance(account_id).available.get(payment.currency, 0) if account_id else 0
    except PaymentError as unanswered:
        raise ProviderBusy from unanswered


def _later(db: Database, call: ProviderCall, error: PaymentError, *, holds: int = 0) -> None:
    """Not now: the intent stays, with the same key, unless the provider keeps the refusal under it.

    `holds`: what of a reversal the expert's account could still give, minor units.
    """
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        row = tx.session.get_one(ProviderCall, call.id, with_for_update=True)
        if row.state in OVER:
            return
        row.error = str(error)
        if not _key_is_spent(tx, row, error):
            row.state = "sent" if isinstance(error, Unknown) else "intended"
            return
        _end(tx, call.id, "failed", error=str(error))
        if call.kind == "transfer" and isinstance(error, Unavailable):
            hold_up_transfer(tx, payment, error.reason)
        elif call.kind == "reverse_transfer" and isinstance(error, Unavailable):
            apply_reversal(tx, payment, row, 0, holds=holds)
        elif call.kind != "open_checkout":
            ask_again(tx, payment, row)


def _key_is_spent(tx: Tx, row: ProviderCall, error: PaymentError) -> bool:
    if isinstance(error, Unavailable):
        return error.new_key
    return row.tries >= TRIES_A_KEY and tx.now - row.made_at >= KEY_PATIENCE


def _refused(db: Database, gateway: Payments, call: ProviderCall, error: PaymentError) -> None:
    """It will not happen as asked. Where the object stands elsewhere than we thought, look at it."""
    if isinstance(error, Refused) and error.stop:
        log.critical("the provider lets us do nothing (%s); %s %s waits", error, call.kind, call.id)
        _later(db, call, Unavailable(error.reason))
        raise ProviderBusy from error
    if isinstance(error, Refused) and error.look and _found(db, gateway, call):
        return
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        if not _end(tx, call.id, "failed", error=str(error)):
            return
        if call.kind == "open_checkout" and payment.state == "created":
            payment.state, payment.ended_at = "closed", tx.now
        if call.kind == "capture" and payment.state == "authorised":
            tx.announce(CaptureFailed(payment.id))
        if call.kind == "refund":
            _refund_refused(tx, payment, call, error)
        if call.kind == "transfer":
            hold_up_transfer(tx, payment, error.reason)
        if call.kind == "reverse_transfer":
            apply_reversal(tx, payment, call, 0)
        if call.kind == "submit_evidence":
            evidence_refused(tx, call, error)


def _refund_refused(tx: Tx, payment: Payment, call: ProviderCall, error: PaymentError) -> None:
    refund = tx.session.get_one(Refund, uuid.UUID(str(call.parameters["reference"])))
    if refund.state not in ("intended", "sent", "pending"):
        return
    if error.reason in DISPUTED:
        redecide(tx, payment, refund)
    else:
        fail_refund(tx, payment, refund, error.reason)


def _found(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """Whether what the call was for stands at the provider, or can no longer be; then it is ended."""
    if call.kind in ("open_checkout", "open_bank_transfer"):
        return False  # The same key gives the same one, and nobody has the address of another.
    with db.reading() as session:
        payment = session.get_one(Payment, call.payment_id)
    if call.kind in _REACHED:
        refresh(db, gateway, payment.id)
        return _end_where_it_stands(db, call)
    if call.kind == "reverse_transfer":
        # Under the same key the provider tells what it did with the reversal's own id, while it knows the key.
        key_is_known = db.clock() - call.made_at < KEY_LASTS and not call.token.endswith("/again")
        return not key_is_known and _found_reversal(db, gateway, call)
    if call.kind == "submit_evidence":
        return _found_evidence(db, gateway, call)
    try:
        found = gateway.find(reference=payment.reference, intent_id=payment.intent_id)
    except PaymentError as error:
        raise ProviderBusy from error
    seen: RefundSeen | TransferSeen | None
    if call.kind == "refund":
        seen = next((r for r in found.refunds if r.reference == call.parameters["reference"]), None)
    else:
        seen = next(iter(found.transfers), None)
    if seen is None:
        return False
    with db.transaction() as tx:
        locked = lock_payment(tx, call.payment_id)
        _end(tx, call.id, "done", provider_id=seen.id)
        _outcome(tx, locked, call, seen)
    return True


def _found_reversal(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """More has come back from the expert's account than we have booked: it was this call's doing."""
    wanted = int(call.parameters["amount_minor"])
    try:
        seen = gateway.transfer_seen(call.parameters["transfer_id"])
    except PaymentError as error:
        raise ProviderBusy from error
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        known = tx.session.scalars(
            sa.select(Transfer.reversed_minor).where(Transfer.payment_id == payment.id)
        ).one()
        if seen.reversed_minor < known + wanted:
            return False
        _end(tx, call.id, "done", provider_id=seen.id)
        apply_reversal(tx, payment, call, wanted)
    return True


def _found_evidence(db: Database, gateway: Payments, call: ProviderCall) -> bool:
    """Sent already: this call's doing, or somebody's on the provider's pages; once is all. Staging is
    done again where nothing was sent: it changes nothing."""
    try:
        seen = gateway.chargeback(call.parameters["chargeback_id"])
    except PaymentError as error:
        raise ProviderBusy from error
    if not seen.submitted and seen.state in ("inquiry", "open"):
        return False
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        sent = call.parameters["submit"] and seen.submitted
        _end(
            tx, call.id, "done" if sent else "failed", provider_id=seen.id, error=None if sent else seen.state
        )
        apply_chargeback(tx, payment, seen)
    return True


def _end_where_it_stands(db: Database, call: ProviderCall) -> bool:
    with db.transaction() as tx:
        payment = lock_payment(tx, call.payment_id)
        gone = call.parameters.get("intent_id") not in (None, payment.intent_id)  # Taken back, on terms.
        if gone or payment.state in _REACHED[call.kind]:
            _end(tx, call.id, "done", provider_id=payment.intent_id)
        elif payment.state not in LIVE:
            _end(tx, call.id, "failed", error=f"the payment is {payment.state}")
        else:
            return False
        return True
