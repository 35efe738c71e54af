"""Opening a payment: the intent with its key first, then the checkout, then its address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from ...domain.errors import CurrencyMismatch, MoveNotOpen, NotFound, ProviderBusy
from ...domain.ids import new_reference
from ...domain.money import EUR
from ...domain.pricing import Quote
from ...gateways.payments import PaymentError, Payments
from ...storage.db import Database, Tx
from ...storage.payments import Payment, ProviderCall
from .applying import refresh
from .asking import LIVE, end_payment, live_payment, standing_payment, supersede_live_payment
from .carrying import carry_out
from .intents import labels, write_call
from .locking import lock_payment

# Inside the hold's 35 minutes; the provider's shortest is 30.
CHECKOUT_LASTS = timedelta(minutes=33)
# An intent older than this would ask for a checkout shorter than the provider makes them.
INTENT_FRESH = timedelta(minutes=2)
# Closing one may show that it was paid, and then it is released: two calls, and one to be sure.
MOST_ENDINGS = 3


@dataclass(frozen=True)
class CheckoutTexts:
    """What the provider's page says and where it leads back to."""

    description: str
    locale: str
    success_url: str
    cancel_url: str
    customer_email: str | None = None
    # What it is for, in the payer's words, in the metadata of all that follows; opaque here.
    labels: Mapping[str, str] = field(default_factory=dict)


def open_payment(
    tx: Tx,
    *,
    subject: uuid.UUID,
    company_id: uuid.UUID,
    expert_id: uuid.UUID,
    quote: Quote,
    capture: str,
    texts: CheckoutTexts,
) -> Payment:
    """The subject's payment, to be opened by `checkout_url`; locks are held by the caller.

    One live payment a subject: one that still fits (amount, capture, checkout alive) is used again,
    another is superseded and ended first. Any currency but ours is refused (CurrencyMismatch).
    """
    if quote.currency != EUR:
        raise CurrencyMismatch(EUR, quote.currency)
    live = live_payment(tx.session, subject)
    if live is not None and _still_fits(live, quote, capture, tx):
        return live
    supersede_live_payment(tx, subject, why="superseded")
    payment = Payment(
        reference=new_reference(), subject=subject, payer_company_id=company_id, payee_expert_id=expert_id,
        capture=capture, amount_minor=quote.total, currency=quote.currency, quote=quote.as_dict(),
        labels=dict(texts.labels), created_at=tx.now,
    )  # fmt: skip
    tx.session.add(payment)
    tx.session.flush()  # Its id goes into the intent.
    write_call(
        tx, payment, "open_checkout", f"open/{payment.id}",
        {
            "reference": payment.reference,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "description": texts.description[:500],
            "locale": texts.locale,
            "capture": capture,
            "success_url": texts.success_url,
            "cancel_url": texts.cancel_url,
            "expires_at": int((tx.now + CHECKOUT_LASTS).timestamp()),
            "customer_email": texts.customer_email,
            "metadata": labels(payment),
        },
    )  # fmt: skip
    return payment


def _still_fits(payment: Payment, quote: Quote, capture: str, tx: Tx) -> bool:
    if payment.capture != capture or payment.quote != quote.as_dict():
        return False
    if payment.state == "created":
        return tx.now <= payment.created_at + INTENT_FRESH
    return (
        payment.state == "open"
        and payment.checkout_until is not None
        and payment.checkout_until > tx.now + timedelta(minutes=1)
    )


def checkout_url(db: Database, gateway: Payments, payment_id: uuid.UUID) -> str:
    """The address of the provider's page, opened now where it is not yet.

    What was open for the same subject before ends first, by the provider's own word. ProviderBusy:
    try again. MoveNotOpen: the payment, or the one before it, was paid meanwhile.
    """
    with db.reading() as session:
        payment = session.get(Payment, payment_id)
        call_id = session.scalar(sa.select(ProviderCall.id).where(ProviderCall.token == f"open/{payment_id}"))
    if payment is None or call_id is None:
        raise NotFound
    if payment.state == "created":
        _end_the_ones_before(db, gateway, payment)
        carry_out(db, gateway, call_id)
        with db.reading() as session:
            payment = session.get_one(Payment, payment_id)
    if payment.state in ("authorised", "captured"):
        raise MoveNotOpen(payment.state, "pay")
    if (
        payment.state == "open"
        and payment.checkout_url
        and (payment.checkout_until or db.clock()) > db.clock()
    ):
        return payment.checkout_url
    raise ProviderBusy


def _end_the_ones_before(db: Database, gateway: Payments, payment: Payment) -> None:
    for _ in range(MOST_ENDINGS):
        before = _live_before(db, payment)
        if not before:
            break
        for earlier_id, call_ids in before.items():
            for call_id in call_ids:
                carry_out(db, gateway, call_id)
            refresh(db, gateway, earlier_id)
    if _live_before(db, payment):
        raise ProviderBusy
    with db.transaction() as tx:
        locked = lock_payment(tx, payment.id)
        taken = standing_payment(tx.session, payment.subject)
        if taken is None or taken.refunded_minor >= taken.captured_minor:
            return
        end_payment(tx, locked, why="paid_already")
    raise MoveNotOpen("captured", "pay")


def _live_before(db: Database, payment: Payment) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The subject's other payments that may still take money, each with the calls to end it."""
    with db.reading() as session:
        rows = session.execute(
            sa.select(Payment.id, ProviderCall.id)
            .outerjoin(
                ProviderCall,
                (ProviderCall.payment_id == Payment.id)
                & ProviderCall.state.in_(("intended", "sent"))
                & ProviderCall.kind.in_(("close_checkout", "release")),
            )
            .where(
                Payment.subject == payment.subject, Payment.id != payment.id, Payment.state.in_(LIVE),
                Payment.superseded_at.is_not(None),
            )
            .order_by(Payment.created_at)
        ).all()  # fmt: skip
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for earlier_id, call_id in rows:
        found.setdefault(earlier_id, []).extend([call_id] if call_id else [])
    return found


def platform_ready(gateway: Payments) -> bool:
    """Whether new checkouts may open: the platform's own payouts are manual (payments.md, Shape)."""
    try:
        return gateway.payout_schedule() == "manual"
    except PaymentError as error:
        raise ProviderBusy from error
