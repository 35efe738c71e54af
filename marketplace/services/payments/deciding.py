"""Refunds from their decision until they are sent (what becomes of them then: outcomes.py).

A decided refund may have to wait: for the bank's word while its charge is contested, for the provider's
word on a transfer in flight, for the expert's part to come back. `drive` moves each one on as far as it
can go; whoever changes what a refund waits for calls it, and the sweep does. What must be covered by our
own funds is looked at just before the call (carrying.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.errors import RefundTooLarge
from ...domain.pricing import Quote
from ...storage.db import Database, Tx
from ...storage.payments import Payment, ProviderCall, Refund
from ...storage.payouts import Transfer
from .. import ledger
from . import terms
from .intents import ask, ask_refund, labels
from .locking import lock_payment
from .losses import make_room, post_refunded_loss, split_by_losses
from .refunding import (
    experts_part,
    left_to_refund,
    post_refund,
    refunded_lines,
    taken_of_the_share,
    transfer_of,
)

UNDER_WAY = ("intended", "sent", "pending")
# A refund of a charge that is contested, of which we have not been told otherwise.
AGAIN_AFTER = timedelta(hours=1)
# Beyond it what is still missing is owed by the expert.
MOST_REVERSALS = 3


def decide_refund(
    tx: Tx,
    payment: Payment,
    *,
    lines: Mapping[str, int],
    token: str,
    why: str,
    borne_by_us: bool = False,
    set_against: str | None = None,
    by_share: bool = False,
) -> Refund:
    """Send these parts of the quote lines back (minor units), once a token.

    One conditional UPDATE keeps the sum of refunds within what was captured; beyond it, or beyond what is
    left of one line, RefundTooLarge. Decided after the share, it waits for the word on a transfer in
    flight, and what has left for the expert is brought back first. `borne_by_us`: that share stands as
    it is. `set_against`: the chargeback that took this much; it is booked against that and never sent.
    `by_share`: a share of the whole was decided; what a lost chargeback took of it already, and we bore, is
    booked as that refund (`losses`).
    """
    known = tx.session.scalar(sa.select(Refund).where(Refund.token == token))
    if known is not None:
        return known
    sent, taken = split_by_losses(tx, payment, lines) if by_share else (lines, {})
    if any(taken.values()):
        whole = not any(sent.values())
        refund = decide_refund(
            tx, payment, lines=taken, token=token if whole else f"{token}/taken", why=why,
            set_against=make_room(tx, payment, sum(taken.values())),
        )  # fmt: skip
        post_refunded_loss(tx, payment, refund)
        if whole:
            return refund
        lines = sent
    amount = sum(lines.values())
    owed = terms.unpaid(payment)
    if not owed:  # Else each line is the bound, and nothing has come that could go back.
        _reserve(tx, payment, amount)
    tx.session.refresh(payment)
    _within_each_line(tx.session, payment, lines)
    after_share = payment.share_posted_at is not None
    commission, vat = (0, 0)
    if after_share and not borne_by_us:
        quote, before = Quote.from_dict(payment.quote), taken_of_the_share(tx.session, payment.id)
        commission, vat = postings.commission_given_back(quote, lines, before)
    refund = Refund(
        payment_id=payment.id, kind="credit_note" if owed else "refund", token=token, amount_minor=amount,
        currency=payment.currency, lines=dict(lines), after_share=after_share, commission_minor=commission,
        vat_commission_minor=vat, borne_by_us=borne_by_us, from_own_funds=borne_by_us and not owed,
        set_against=set_against, why=why, decided_at=tx.now,
    )  # fmt: skip
    tx.session.add(refund)
    tx.session.flush()  # Its id is the reference at the provider.
    drive(tx, payment)
    return refund


def _reserve(tx: Tx, payment: Payment, minor: int) -> None:
    """From here on the payment's row is locked: what is read of it stays as it is."""
    tx.session.flush()  # The UPDATE must see what this transaction wrote of the payment.
    reserved = tx.session.execute(
        sa.update(Payment)
        .where(
            Payment.id == payment.id,
            Payment.refunded_minor + Payment.lost_minor + minor <= Payment.captured_minor,
        )
        .values(refunded_minor=Payment.refunded_minor + minor)
        .execution_options(synchronize_session=False)
    )
    if minor <= 0 or cast("sa.CursorResult[Any]", reserved).rowcount != 1:
        raise RefundTooLarge(asked=minor, left=left_to_refund(payment))


def _within_each_line(session: Session, payment: Payment, lines: Mapping[str, int]) -> None:
    whole, gone = Quote.from_dict(payment.quote).lines, refunded_lines(session, payment.id)
    for name, minor in lines.items():
        if not 0 <= minor <= whole[name] - gone[name]:
            raise RefundTooLarge(asked=minor, left=whole[name] - gone[name])


def drive(tx: Tx, payment: Payment) -> None:
    """Move each refund of the payment that waits on as far as it can go now, oldest decision first."""
    tx.session.flush()
    waiting = tx.session.scalars(
        sa.select(Refund)
        .where(Refund.payment_id == payment.id, Refund.state == "intended", ~sa.exists(_open_calls(Refund)))
        .order_by(Refund.decided_at, Refund.id)
    ).all()
    for refund in waiting:
        refund.waits_for = _in_its_way(tx, payment, refund)
        if refund.waits_for is None:
            _go(tx, payment, refund)


def refunds_that_wait(session: Session, now: datetime, most: int) -> Sequence[uuid.UUID]:
    """Payments with refunds that wait and may go on. One that was decided again because its charge was
    contested is tried anew after an hour, where no chargeback has told us so."""
    return session.scalars(
        sa.select(Payment.id)
        .where(
            Payment.frozen_by.is_(None),
            Payment.id.in_(
                sa.select(Refund.payment_id).where(
                    Refund.state == "intended",
                    sa.or_(
                        Refund.waits_for.in_(("transfer", "reversal")),
                        (Refund.waits_for == "chargeback") & (Refund.decided_at <= now - AGAIN_AFTER),
                    ),
                )
            ),
        )
        .order_by(sa.func.random())
        .limit(most)
    ).all()


def drive_waiting(db: Database, payment_id: uuid.UUID) -> None:
    """`drive` for the sweep: whoever should have called it may have been killed before."""
    with db.transaction() as tx:
        drive(tx, lock_payment(tx, payment_id))


def open_call(session: Session, refund: Refund) -> ProviderCall | None:
    """The intent to send it, written and not over."""
    return session.scalar(_open_calls(refund))


def _open_calls(refund: Refund | type[Refund]) -> sa.Select[ProviderCall]:
    return sa.select(ProviderCall).where(
        ProviderCall.payment_id == refund.payment_id,
        ProviderCall.kind == "refund",
        ProviderCall.parameters["reference"].astext == sa.cast(refund.id, sa.Text),
        ProviderCall.state.in_(("intended", "sent")),
    )


def _in_its_way(tx: Tx, payment: Payment, refund: Refund) -> str | None:
    if payment.frozen_by is not None and refund.set_against is None:
        return "chargeback"
    if not experts_part(refund):
        return None
    transfer = transfer_of(tx.session, payment.id)
    if refund.back_minor is None:
        if transfer is not None and transfer.state in ("intended", "sent"):
            return "transfer"
        refund.back_minor = _had_left(tx.session, refund, transfer)
    return _bring_back(tx, payment, refund, transfer)


def _had_left(session: Session, refund: Refund, transfer: Transfer | None) -> int:
    """The expert's part as far as it is no longer in what we owe them: transferred, or set off."""
    if transfer is None:
        return 0
    here = transfer.sent_minor if transfer.state == "due" else 0
    for other in session.scalars(
        sa.select(Refund).where(
            Refund.payment_id == refund.payment_id, Refund.id != refund.id, Refund.after_share,
            Refund.state.in_(UNDER_WAY), Refund.back_minor.is_not(None),
        )
    ):  # fmt: skip
        here -= experts_part(other) - (other.back_minor or 0)
    return max(0, experts_part(refund) - max(0, here))


def _bring_back(tx: Tx, payment: Payment, refund: Refund, transfer: Transfer | None) -> str | None:
    """Reverse the transfer as far as it goes; the rest the expert owes."""
    missing = (refund.back_minor or 0) - refund.reversed_minor - refund.gap_minor
    if not missing or transfer is None:
        return None
    asked = tx.session.scalars(
        sa.select(ProviderCall).where(
            ProviderCall.payment_id == payment.id, ProviderCall.kind == "reverse_transfer"
        )
    ).all()
    if any(call.state in ("intended", "sent") for call in asked):
        return "reversal"  # One at a time: what came back is then known to be its doing.
    mine = sum(call.token.startswith(f"reverse/{refund.id}") for call in asked)
    there = transfer.sent_minor - transfer.reversed_minor if transfer.state == "done" else 0
    if not there or mine >= MOST_REVERSALS:
        _owe(tx, payment, refund, missing)
        return None
    _reverse(tx, payment, refund, transfer, min(missing, there), mine)
    return "reversal"


def _reverse(tx: Tx, payment: Payment, refund: Refund, transfer: Transfer, minor: int, before: int) -> None:
    ask(
        tx, payment, "reverse_transfer", f"reverse/{refund.id}" + (f"/{before}" if before else ""),
        {
            "transfer_id": transfer.provider_id, "amount_minor": minor, "reference": str(refund.id),
            "metadata": labels(payment),
        },
    )  # fmt: skip


def _owe(tx: Tx, payment: Payment, refund: Refund, minor: int) -> None:
    """What could not be brought back is owed by the expert, and paid to the buyer out of our own funds."""
    ledger.post(
        tx, source=str(refund.id), kind=ledger.NOT_REVERSED, subject=payment.subject, at=tx.now, why="refund",
        entries=postings.not_reversed(minor, payment.payee_expert_id),
    )  # fmt: skip
    refund.gap_minor += minor
    refund.from_own_funds = True


def apply_reversal(tx: Tx, payment: Payment, call: ProviderCall, minor: int, *, holds: int = 0) -> None:
    """Part of a transfer came back (minor units): booked once, then its refund goes on.

    0: the provider refused. Their account still `holds` some of it: that much is asked for; else the
    expert owes it (payments.md, "already transferred").
    """
    refund = tx.session.get_one(Refund, uuid.UUID(call.token.split("/")[1]))
    transfer = transfer_of(tx.session, payment.id)
    assert transfer is not None, "only what was transferred is brought back"
    if minor:
        if not ledger.post(
            tx, source=str(call.id), kind=ledger.REVERSAL, subject=payment.subject, at=tx.now, why="refund",
            entries=postings.reversed_transfer(minor, transfer.expert_id),
        ):  # fmt: skip
            return
        transfer.reversed_minor += minor
        refund.reversed_minor += minor
    else:
        wanted = int(call.parameters["amount_minor"])
        missing = (refund.back_minor or 0) - refund.reversed_minor - refund.gap_minor
        mine = _reversals_of(tx.session, refund)
        if 0 < holds < wanted and mine < MOST_REVERSALS:
            _reverse(tx, payment, refund, transfer, min(holds, missing), mine)
        elif missing:
            _owe(tx, payment, refund, missing)
    drive(tx, payment)


def _reversals_of(session: Session, refund: Refund) -> int:
    return int(
        session.scalar(
            sa.select(sa.func.count()).where(
                ProviderCall.payment_id == refund.payment_id,
                ProviderCall.token.startswith(f"reverse/{refund.id}"),
            )
        )
        or 0
    )


def _go(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Nothing is in its way: sent, or booked where nothing is to be sent."""
    if refund.set_against is not None:
        refund.state, refund.ended_at = "done", tx.now
        post_refund(tx, payment, refund, against=postings.IN_DISPUTE)
    elif refund.kind == "credit_note":
        terms.credit(tx, payment, refund)
    else:
        ask_refund(tx, payment, refund)
