"""Opening a payment: the intent with its key first, then the checkout, then its address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ...domain.errors import NotFound, ProviderBusy
from ...domain.ids import new_reference
from ...domain.pricing import Quote
from ...gateways.payments import PaymentError, Payments
from ...storage.db import Database, Tx
from ...storage.payments import Payment, ProviderCall
from .asking import end_payment, live_payment, write_call
from .carrying import carry_out

# Inside the hold's 35 minutes; the provider's shortest is 30.
CHECKOUT_LASTS = timedelta(minutes=33)


@dataclass(frozen=True)
class CheckoutTexts:
    """What the provider's page says and where it leads back to."""

    description: str
    locale: str
    success_url: str
    cancel_url: str
    customer_email: str | None = None


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
    another is superseded and ended first.
    """
    live = live_payment(tx.session, subject)
    if live is not None and _still_fits(live, quote, capture, tx):
        return live
    if live is not None:
        live.superseded_at = tx.now
        end_payment(tx, live, why="superseded")
        tx.session.flush()  # The index of live payments must let go of it first.
    payment = Payment(
        reference=new_reference(), subject=subject, payer_company_id=company_id, payee_expert_id=expert_id,
        capture=capture, amount_minor=quote.total, currency=quote.currency, quote=quote.as_dict(),
        created_at=tx.now,
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
            "metadata": {"payment": str(payment.id)},
        },
    )  # fmt: skip
    return payment


def _still_fits(payment: Payment, quote: Quote, capture: str, tx: Tx) -> bool:
    if payment.state not in ("created", "open") or payment.capture != capture:
        return False
    if payment.amount_minor != quote.total:
        return False
    return payment.checkout_until is None or payment.checkout_until > tx.now + timedelta(minutes=1)


def checkout_url(db: Database, gateway: Payments, payment_id: uuid.UUID) -> str:
    """The address of the provider's page, opened now where it is not yet. ProviderBusy: try again."""
    with db.reading() as session:
        payment = session.get(Payment, payment_id)
        call_id = session.scalar(sa.select(ProviderCall.id).where(ProviderCall.token == f"open/{payment_id}"))
    if payment is None or call_id is None:
        raise NotFound
    if payment.checkout_url is None:
        carry_out(db, gateway, call_id)
        with db.reading() as session:
            payment = session.get_one(Payment, payment_id)
    if payment.checkout_url is None:
        raise ProviderBusy
    return payment.checkout_url


def platform_ready(gateway: Payments) -> bool:
    """Whether new checkouts may open: the platform's own payouts are manual (payments.md, Shape)."""
    try:
        return gateway.payout_schedule() == "manual"
    except PaymentError as error:
        raise ProviderBusy from error
