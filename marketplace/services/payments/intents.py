"""Writing down what we mean to ask of the provider, before it is asked (rule 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...domain.events import ProviderCallDue
from ...storage.db import Tx
from ...storage.payments import Payment, ProviderCall, Refund


def write_call(
    tx: Tx, payment: Payment, kind: str, token: str, parameters: Mapping[str, Any]
) -> ProviderCall | None:
    """The intent, once a token; None when it stood already. Whole parameters, never recomputed."""
    if tx.session.scalar(sa.select(ProviderCall.id).where(ProviderCall.token == token)):
        return None
    call = ProviderCall(
        payment_id=payment.id, kind=kind, token=token, parameters=dict(parameters), made_at=tx.now
    )
    tx.session.add(call)
    tx.session.flush()  # Its id is the idempotency key and goes into the announcement.
    return call


def ask(tx: Tx, payment: Payment, kind: str, token: str, parameters: Mapping[str, Any]) -> None:
    """The intent, once a token, carried out after the commit."""
    call = write_call(tx, payment, kind, token, parameters)
    if call is not None:
        tx.announce(ProviderCallDue(call.id))


def ask_again(tx: Tx, payment: Payment, call: ProviderCall) -> None:
    """The same once more under a new key, where the provider keeps a refusal or nothing under the old one.

    It counts as tried already: what the old key may have done is looked for first.
    """
    again = write_call(tx, payment, call.kind, f"{call.token}/again", call.parameters)
    if again is not None:
        again.tries = 1


def ask_refund(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Ask the provider for it. An intent before this one was withdrawn without being carried out."""
    before = tx.session.scalar(
        sa.select(sa.func.count()).where(
            ProviderCall.payment_id == payment.id, ProviderCall.token.startswith(f"refund/{refund.id}")
        )
    )
    ask(
        tx, payment, "refund", f"refund/{refund.id}" + (f"/{before}" if before else ""),
        {
            "intent_id": payment.intent_id, "amount_minor": refund.amount_minor, "reference": str(refund.id),
            "metadata": labels(payment),
        },
    )  # fmt: skip


def labels(payment: Payment) -> dict[str, str]:
    """What its objects at the provider carry besides their own reference."""
    return {**payment.labels, "payment": payment.reference}
