"""What becomes of refunds: by the provider's word, up to 30 days late, and by a chargeback that is lost."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from ...domain import postings
from ...domain.events import RefundSettled
from ...domain.money import part, split
from ...gateways.payments import RefundSeen
from ...storage.db import Tx
from ...storage.payments import Payment, Refund
from ...storage.payouts import SetOff
from .. import ledger
from .deciding import drive, open_call
from .refunding import post_refund, source_of, undo_refund

# The door's words for a refund whose charge the payer's bank contests: refused, or failed on its way.
DISPUTED = ("charge_disputed", "charge_for_pending_refund_disputed")


def apply_refund(tx: Tx, payment: Payment, refund_id: uuid.UUID, seen: RefundSeen) -> None:
    """Move a refund to what the provider says; its entries are posted when it is done."""
    refund = tx.session.get_one(Refund, refund_id)
    over = seen.state in ("failed", "cancelled")
    if refund.state in ("failed", "redecided") or (refund.state == "done" and not over):
        return
    refund.provider_id, refund.waits_for = refund.provider_id or seen.id, None
    if seen.amount_minor != refund.amount_minor or seen.currency != refund.currency:
        payment.problem = {"what": "refund", "minor": seen.amount_minor, "currency": seen.currency}
    if seen.state == "done":
        refund.state, refund.ended_at = "done", tx.now
        post_refund(tx, payment, refund)
        tx.announce(RefundSettled(refund.id))
    elif over and seen.failure in DISPUTED:
        redecide(tx, payment, refund)
    elif over:
        fail_refund(tx, payment, refund, seen.failure or seen.state)
    else:
        refund.state = "pending"


def fail_refund(tx: Tx, payment: Payment, refund: Refund, why: str) -> None:
    """A refund that will not arrive: its entries stand, and the money is owed to the buyer (payments.md)."""
    post_refund(tx, payment, refund)
    refund.state, refund.ended_at, refund.failure, refund.waits_for = "failed", tx.now, why, None
    ledger.post(
        tx, source=source_of(refund), kind=ledger.REFUND_FAILED, subject=payment.subject, at=tx.now,
        entries=postings.refund_failed(refund.amount_minor, payment.payer_company_id), why="refund_failed",
    )  # fmt: skip
    tx.announce(RefundSettled(refund.id))


def redecide(tx: Tx, payment: Payment, refund: Refund) -> Refund:
    """Its charge is contested, so it failed: its entries are reversed and it is decided again.

    The new one waits for the chargeback: it is sent when that is won, and set against it when lost.
    """
    undo_refund(tx, payment, refund)
    again = Refund(
        payment_id=payment.id, kind=refund.kind, token=f"{refund.token}/again", lines=dict(refund.lines),
        amount_minor=refund.amount_minor, currency=refund.currency, after_share=refund.after_share,
        commission_minor=refund.commission_minor, vat_commission_minor=refund.vat_commission_minor,
        borne_by_us=refund.borne_by_us, from_own_funds=refund.from_own_funds, back_minor=refund.back_minor,
        reversed_minor=refund.reversed_minor, gap_minor=refund.gap_minor, why=refund.why,
        waits_for="chargeback", decided_at=tx.now,
    )  # fmt: skip
    tx.session.add(again)
    tx.session.flush()  # The old one names its successor.
    # What was brought back, or is owed for it, goes on with the new one.
    refund.reversed_minor, refund.gap_minor, refund.waits_for = 0, 0, None
    tx.session.execute(sa.update(SetOff).where(SetOff.refund_id == refund.id).values(refund_id=again.id))
    refund.state, refund.ended_at, refund.failure = "redecided", tx.now, "disputed"
    refund.redecided_as = again.id
    return again


def set_waiting_against(tx: Tx, payment: Payment, chargeback_id: str, minor: int) -> int:
    """A chargeback is lost: refunds decided but not sent are what it took, as far as its amount goes.

    They are booked with in_dispute in the place of provider_balance; what one of them comes to beyond the
    amount is still sent. What is left of `minor` (minor units) is returned.
    """
    waiting = tx.session.scalars(
        sa.select(Refund)
        .where(
            Refund.payment_id == payment.id, Refund.state == "intended", Refund.kind == "refund",
            Refund.set_against.is_(None),
        )
        .order_by(Refund.decided_at, Refund.id)
    ).all()  # fmt: skip
    for refund in waiting:
        if not minor:
            break
        call = open_call(tx.session, refund)
        if call is not None:  # Written and never carried out.
            call.state, call.ended_at, call.error = "failed", tx.now, "set against a chargeback"
        if refund.amount_minor > minor:
            _split_off(tx, refund, minor)
        refund.set_against, refund.from_own_funds = chargeback_id, False
        minor -= refund.amount_minor
    drive(tx, payment)
    return minor


def _split_off(tx: Tx, refund: Refund, keep: int) -> None:
    """Leave `keep` in this refund, in proportion of its lines; the rest is a refund of its own."""
    kept = dict(zip(refund.lines, split(keep, list(refund.lines.values())), strict=True))
    price, kept_price = refund.lines.get("price", 0), kept.get("price", 0)
    commission = part(refund.commission_minor, kept_price, price) if price else 0
    vat = part(refund.vat_commission_minor, kept_price, price) if price else 0
    tx.session.add(
        Refund(
            payment_id=refund.payment_id, kind=refund.kind, token=f"{refund.token}/rest",
            amount_minor=refund.amount_minor - keep, currency=refund.currency,
            lines={name: minor - kept[name] for name, minor in refund.lines.items()},
            after_share=refund.after_share, commission_minor=refund.commission_minor - commission,
            vat_commission_minor=refund.vat_commission_minor - vat, borne_by_us=refund.borne_by_us,
            from_own_funds=refund.from_own_funds, back_minor=None if refund.back_minor is None else 0,
            why=refund.why, decided_at=refund.decided_at,
        )
    )  # fmt: skip
    refund.amount_minor, refund.lines = keep, kept
    refund.commission_minor, refund.vat_commission_minor = commission, vat
    tx.session.flush()
