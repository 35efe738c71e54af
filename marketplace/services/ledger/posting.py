"""Writing a balanced group down, once a (source, kind)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.ids import new_id
from ...domain.money import EUR
from ...storage.db import Tx
from ...storage.ledger import LedgerEntry, LedgerGroup

# The kinds of groups, and what their source is.
CAPTURED = "captured"  # the PaymentIntent
PROVIDER_FEE = "provider_fee"  # the Charge
SHARE_DUE = "share_due"  # our payment
REFUND = "refund"  # the provider's refund, else our refund row
REFUND_FAILED = "refund_failed"  # the same
INVOICED = "invoiced"  # our payment, on company terms
INVOICE_PAID = "invoice_paid"  # the PaymentIntent
WRITTEN_OFF = "written_off"  # our payment
TRANSFER = "transfer"  # the provider's transfer
REVERSAL = "reversal"  # our call that brought part of a transfer back
NOT_REVERSED = "not_reversed"  # our refund, of which part could not be brought back
PLATFORM_PAYOUT = "platform_payout"  # the provider's payout
PAYOUT_FAILED = "payout_failed"  # the same
TOP_UP = "top_up"  # the provider's top-up, read in its books
OWN_FEE = "own_fee"  # the provider's line of its books: a fee for no payment
VAT_PAID = "vat_paid"  # our tax payment
CHARGEBACK = "chargeback"  # the provider's dispute: what it took
CHARGEBACK_MORE = "chargeback_more"  # the same: what it took or cost later
CHARGEBACK_RETURNED = "chargeback_returned"  # the same: won
CHARGEBACK_LOST = "chargeback_lost"  # the same: what of it is our loss
LOSS_REFUNDED = "loss_refunded"  # our refund, decided after that loss and covered by it
REDECIDED = "redecided"  # the same as the refund's, whose entries it reverses
SET_OFF = "set_off"  # our set-off
PAID_ANOTHER_WAY = "paid_another_way"  # our repayment

Entries = Sequence[tuple[str, int]]


class LedgerConflict(RuntimeError):
    """The same (source, kind) was to be posted with other amounts: a defect, never a guest's mistake."""


def post(
    tx: Tx,
    *,
    source: str,
    kind: str,
    subject: uuid.UUID | None,
    at: datetime,
    entries: Entries,
    why: str,
    currency: str = EUR,
) -> bool:
    """Write one balanced group, once a (source, kind). True when it was written now.

    A second call with the same amounts changes nothing; with other amounts it raises
    `LedgerConflict`, since one of the two would be wrong. Entries of zero are left out.
    """
    lines = [(account, minor) for account, minor in entries if minor]
    if sum(minor for _, minor in lines):
        raise LedgerConflict(f"{kind} of {source} does not balance")
    if not lines:
        return False
    group_id = tx.session.scalar(
        insert(LedgerGroup)
        .values(id=new_id(), source=source, kind=kind, subject=subject, at=at, why=why)
        .on_conflict_do_nothing(index_elements=["source", "kind"])
        .returning(LedgerGroup.id)
    )
    if group_id is None:
        _same_as_before(tx.session, source, kind, lines)
        return False
    for account, minor in lines:
        tx.session.add(LedgerEntry(group_id=group_id, account=account, amount_minor=minor, currency=currency))
    tx.session.flush()
    return True


def _same_as_before(session: Session, source: str, kind: str, lines: Entries) -> None:
    posted = session.execute(
        select(LedgerEntry.account, LedgerEntry.amount_minor)
        .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
        .where(LedgerGroup.source == source, LedgerGroup.kind == kind)
    )
    if sorted((account, minor) for account, minor in posted) != sorted(lines):
        raise LedgerConflict(f"{kind} of {source} was posted before with other amounts")


def is_posted(session: Session, source: str, kind: str) -> bool:
    """Whether a group of this source and kind exists."""
    found = session.scalar(
        select(LedgerGroup.id).where(LedgerGroup.source == source, LedgerGroup.kind == kind)
    )
    return found is not None
