"""A payment under its locks."""

from __future__ import annotations

import uuid

from ...storage import locks
from ...storage.db import Tx
from ...storage.payments import Payment


def lock_payment(tx: Tx, payment_id: uuid.UUID) -> Payment:
    """The payment as it stands under its locks: calendar, company, booking, itself, in the house's order."""
    payment = tx.session.get_one(Payment, payment_id)
    locks.take(
        tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
        payment=payment.id,
    )  # fmt: skip
    tx.session.refresh(payment)
    return payment
