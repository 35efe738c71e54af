"""Chargebacks as the provider tells of them: the payment frozen, the books, and what waited going on.

The provider's word is applied as it stands, whatever order it comes in and however often. What a lost one is
to the books is decided by the rooms that know whether the session was held (`ChargebackToBook`); they call
`book_loss`. Evidence is built to the right too; here it is only asked of the provider.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import chargebacks as law
from ...domain import postings
from ...domain.chargebacks import BookedAs, Loss
from ...domain.events import ChargebackMoved, ChargebackToBook, ProviderCallDue
from ...domain.pricing import Quote
from ...gateways.payments import ChargebackSeen, PaymentError, Payments
from ...storage.chargebacks import Chargeback
from ...storage.db import Database, Tx
from ...storage.payments import Payment, ProviderCall, Refund
from .. import ledger
from ..people import write_audit
from .deciding import decide_refund, drive
from .intents import ask, labels
from .losses import make_room, post_refunded_loss
from .outcomes import set_waiting_against
from .refunding import left_to_refund, refunded_lines

log = logging.getLogger(__name__)
# How far back the sweep looks for those of which no event told us, and how many open ones it asks about.
LOOK_BACK = timedelta(days=30)
AT_ONCE = 100
_TO_BOOK = (
    Chargeback.state.in_(("lost", "prevented"))
    & Chargeback.booked_at.is_(None)
    & (Chargeback.taken_minor > 0)
)


def apply_chargeback(tx: Tx, payment: Payment, seen: ChargebackSeen) -> None:
    """Keep what the provider says of a dispute, post what it took or gave back, freeze or go on."""
    if not payment.captured_minor:
        return  # Nothing of ours was taken; the payment is fetched first, and this again.
    if seen.currency != payment.currency:
        payment.problem = {"what": "chargeback", "minor": seen.amount_minor, "currency": seen.currency}
        return
    row = tx.session.scalar(sa.select(Chargeback).where(Chargeback.provider_id == seen.id))
    if row is None:
        row = _opened(tx, payment, seen)
    elif law.is_newer(row.state, seen.state):
        _moved(tx, row, seen)
    row.evidence_due = seen.evidence_due or row.evidence_due
    _submitted(tx, row, seen)
    _post(tx, payment, row, seen)
    tx.session.flush()
    freeze(tx, payment)
    if row.to_book and not _refund_in_flight(tx.session, payment.id):
        tx.announce(ChargebackToBook(row.id))


def _opened(tx: Tx, payment: Payment, seen: ChargebackSeen) -> Chargeback:
    row = Chargeback(
        payment_id=payment.id, provider_id=seen.id, state=seen.state.value, reason=seen.reason,
        amount_minor=seen.amount_minor, currency=seen.currency, opened_at=tx.now,
        ended_at=tx.now if seen.state in law.OVER else None,
    )  # fmt: skip
    tx.session.add(row)
    tx.session.flush()  # Its id goes into the announcement.
    _said(tx, row)
    return row


def _moved(tx: Tx, row: Chargeback, seen: ChargebackSeen) -> None:
    if seen.state == "open":  # A question became a dispute: it is answered anew.
        row.sent_at = row.sent_by = row.submitted_at = row.staged_at = row.refused = None
    row.state, row.reason, row.amount_minor = seen.state.value, seen.reason, seen.amount_minor
    row.ended_at = tx.now if seen.state in law.OVER else None
    _said(tx, row)


def _said(tx: Tx, row: Chargeback) -> None:
    write_audit(tx, actor_id=None, act=f"chargeback.{row.state}", subject=row.provider_id)
    tx.announce(ChargebackMoved(row.id, row.state))


def _submitted(tx: Tx, row: Chargeback, seen: ChargebackSeen) -> None:
    """The provider has the evidence: sent by us, or by somebody on the provider's own pages."""
    if not seen.submitted or row.submitted_at is not None or row.state != seen.state:
        return
    row.submitted_at, row.sent_at, row.refused = tx.now, row.sent_at or tx.now, None
    write_audit(tx, actor_id=row.sent_by, act="chargeback.submitted", subject=row.provider_id)


def _post(tx: Tx, payment: Payment, row: Chargeback, seen: ChargebackSeen) -> None:
    """The entries of what the provider took for it, and of what it gave back; each once."""
    if row.returned_at is not None:
        return
    if row.state == "won" and seen.state == "won":
        _given_back(tx, payment, row, seen)
        return
    taken, fee = seen.taken_minor - row.taken_minor, seen.fee_minor - row.fee_minor
    if taken < 0 or fee < 0:  # An older word; what comes back comes with the bank's decision.
        if row.booked_at is not None and seen.taken_minor < row.taken_minor:
            payment.problem = {"what": "chargeback", "minor": seen.taken_minor, "currency": seen.currency}
        return
    if not taken and not fee:
        return
    kind = ledger.CHARGEBACK if not (row.taken_minor or row.fee_minor) else ledger.CHARGEBACK_MORE
    if kind == ledger.CHARGEBACK_MORE and ledger.is_posted(tx.session, row.provider_id, kind):
        payment.problem = {"what": "chargeback", "minor": seen.taken_minor, "currency": seen.currency}
        return
    _write(tx, payment, row, kind, postings.chargeback_taken(taken, fee))
    row.taken_minor, row.fee_minor = seen.taken_minor, seen.fee_minor


def _given_back(tx: Tx, payment: Payment, row: Chargeback, seen: ChargebackSeen) -> None:
    """Won: the amount is back, and of the fee what the provider returned. One never seen open is booked as
    if it had been: the ledger is the same whichever of its events came."""
    if not (row.taken_minor or row.fee_minor):
        row.taken_minor = seen.withdrawn_minor
        row.fee_minor = max(seen.withdrawn_fee_minor, seen.fee_minor)
        taken = postings.chargeback_taken(row.taken_minor, row.fee_minor)
        _write(tx, payment, row, ledger.CHARGEBACK, taken)
    back, fee_back = row.taken_minor, row.fee_minor - seen.fee_minor
    if back or fee_back:
        _write(tx, payment, row, ledger.CHARGEBACK_RETURNED, postings.chargeback_returned(back, fee_back))
    row.returned_at, row.fee_minor = tx.now, max(0, seen.fee_minor)


def _write(tx: Tx, payment: Payment, row: Chargeback, kind: str, entries: postings.Entries) -> None:
    ledger.post(
        tx,
        source=row.provider_id,
        kind=kind,
        subject=payment.subject,
        at=tx.now,
        entries=entries,
        why=row.state,
    )


def _refund_in_flight(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether the provider has yet to say what becomes of a refund: it may be what the bank took."""
    query = sa.select(Refund.id).where(
        Refund.payment_id == payment_id, Refund.state.in_(("sent", "pending")), Refund.set_against.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def freeze(tx: Tx, payment: Payment) -> None:
    """Freeze the payment by the chargeback that stands; where none does any more, what waited goes on."""
    rows = chargebacks_of(tx.session, payment.id)
    standing = next((row for row in rows if law.freezes(row.state, to_book=row.to_book)), None)
    before, payment.frozen_by = payment.frozen_by, standing.provider_id if standing else None
    if payment.frozen_by is not None:
        return
    tx.session.flush()
    if before is not None:
        _go_on(tx, payment)
    # A refund may wait for the bank though nobody saw the payment frozen: told of both at once.
    drive(tx, payment)


def _go_on(tx: Tx, payment: Payment) -> None:
    """What was asked before the payment was frozen is carried out now."""
    waiting = tx.session.scalars(
        sa.select(ProviderCall.id).where(
            ProviderCall.payment_id == payment.id, ProviderCall.state == "intended",
            ProviderCall.kind.in_(("refund", "transfer", "reverse_transfer")),
        )
    ).all()  # fmt: skip
    for call_id in waiting:
        tx.announce(ProviderCallDue(call_id))


def chargebacks_of(session: Session, payment_id: uuid.UUID) -> Sequence[Chargeback]:
    """The payment's chargebacks, oldest first."""
    return session.scalars(
        sa.select(Chargeback)
        .where(Chargeback.payment_id == payment_id)
        .order_by(Chargeback.opened_at, Chargeback.id)
    ).all()


def book_loss(tx: Tx, payment: Payment, row: Chargeback, *, held: bool) -> Loss | None:
    """Put a lost chargeback into the books, once (payments.md, "dispute lost"); None where it is there.

    First what refunds waited for; the rest as a refund where the session was not `held`, else as our loss,
    unless an operator said otherwise.
    """
    if not row.to_book:
        return None
    minor = set_waiting_against(tx, payment, row.provider_id, row.taken_minor)
    tx.session.refresh(payment)
    booked_as = BookedAs(row.if_lost or (BookedAs.LOSS if held else BookedAs.REFUND))
    room = left_to_refund(payment)
    gone = refunded_lines(tx.session, payment.id)
    loss = law.loss_of(Quote.from_dict(payment.quote), minor, gone=gone, room=room, booked_as=booked_as)
    row.booked_at, row.booked_as = tx.now, booked_as.value
    if loss.loss_minor:
        _write(tx, payment, row, ledger.CHARGEBACK_LOST, postings.chargeback_lost(loss.loss_minor))
        row.loss_minor = loss.loss_minor
    if loss.refunded_minor:
        decide_refund(
            tx, payment, lines=loss.lines, token=f"chargeback/{row.id}", why="chargeback",
            set_against=row.provider_id,
        )  # fmt: skip
        tx.session.refresh(payment)
    # What we bear counts in the cap on refunds all the same.
    payment.lost_minor += min(loss.loss_minor, left_to_refund(payment))
    write_audit(
        tx, actor_id=row.if_lost_by, act=f"chargeback.booked_{booked_as.value}", subject=row.provider_id
    )
    tx.announce(ChargebackMoved(row.id, "booked"))
    tx.session.flush()
    freeze(tx, payment)
    return loss


def refund_loss(tx: Tx, payment: Payment, row: Chargeback) -> bool:
    """An operator says that what was booked as our loss is the buyer's refund; False where nothing is left of it."""
    minor = row.loss_minor - row.covered_minor
    gone = refunded_lines(tx.session, payment.id)
    back = law.loss_of(
        Quote.from_dict(payment.quote), minor, gone=gone, room=payment.lost_minor, booked_as=BookedAs.REFUND
    )
    if not back.refunded_minor:
        return False
    make_room(tx, payment, back.refunded_minor)
    refund = decide_refund(
        tx, payment, lines=back.lines, token=f"chargeback/{row.id}/said", why="chargeback",
        set_against=row.provider_id,
    )  # fmt: skip
    post_refunded_loss(tx, payment, refund)
    return True


def contested(db: Database, gateway: Payments) -> Sequence[uuid.UUID]:
    """Payments with a chargeback that is under way or not booked, or of which the provider knows more than
    we do: all of them, with every event lost. What the provider does not answer is asked by the next sweep."""
    with db.reading() as session:
        open_ones = session.scalars(
            sa.select(Chargeback.payment_id)
            .where(Chargeback.ended_at.is_(None) | _TO_BOOK)
            .order_by(sa.func.random()).limit(AT_ONCE)
        ).all()  # fmt: skip
    try:
        theirs = {one.id: one for one in gateway.chargebacks(since=db.clock() - LOOK_BACK)}
    except PaymentError:
        return open_ones
    with db.reading() as session:
        ours = {
            row.provider_id: (row.state, row.taken_minor if row.returned_at is None else 0)
            for row in session.execute(
                sa.select(
                    Chargeback.provider_id, Chargeback.state, Chargeback.taken_minor, Chargeback.returned_at
                ).where(Chargeback.provider_id.in_(theirs))
            )
        }
        news = [one for one in theirs.values() if ours.get(one.id) != (one.state, one.taken_minor)]
        known = session.scalars(
            sa.select(Payment.id).where(
                Payment.intent_id.in_([one.intent_id for one in news])
                | Payment.charge_id.in_([one.charge_id for one in news])
            )
        ).all()
    return list(dict.fromkeys([*open_ones, *known]))


def ask_evidence(
    tx: Tx, payment: Payment, row: Chargeback, evidence: Mapping[str, str], *, submit: bool
) -> None:
    """Have the evidence staged, or sent, after the commit. The payment's locks are held."""
    kind = "send" if submit else "stage"
    before = tx.session.scalar(
        sa.select(sa.func.count()).where(
            ProviderCall.payment_id == payment.id, ProviderCall.token.startswith(f"evidence/{row.id}/{kind}/")
        )
    )
    ask(
        tx, payment, "submit_evidence", f"evidence/{row.id}/{kind}/{before}",
        {
            "chargeback_id": row.provider_id, "evidence": dict(evidence), "submit": submit,
            "reference": payment.reference, "metadata": labels(payment),
        },
    )  # fmt: skip


def evidence_taken(tx: Tx, payment: Payment, call: ProviderCall, seen: ChargebackSeen) -> None:
    """The provider holds the evidence of this call, staged or sent."""
    apply_chargeback(tx, payment, seen)
    row = tx.session.scalars(sa.select(Chargeback).where(Chargeback.provider_id == seen.id)).one()
    row.refused = None
    if not call.parameters["submit"]:
        row.staged_at = tx.now


def evidence_refused(tx: Tx, call: ProviderCall, error: PaymentError) -> None:
    """It was not taken: operators see why, and may send again."""
    row = tx.session.scalars(
        sa.select(Chargeback).where(Chargeback.provider_id == call.parameters["chargeback_id"])
    ).one()
    if row.submitted_at is not None:
        return
    row.refused = str(error)[:500]
    log.error("the evidence for %s was refused: %s", row.provider_id, error)
    if call.parameters["submit"]:
        row.sent_at = row.sent_by = None
        write_audit(tx, actor_id=None, act="chargeback.refused", subject=row.provider_id, reason=row.refused)
