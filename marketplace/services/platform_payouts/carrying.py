"""The call, and what the provider says of it; also of payouts that it made by itself."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

import sqlalchemy as sa

from ...domain import postings
from ...domain.errors import ProviderBusy
from ...gateways.payments import PaymentError, Payments, PayoutSeen, Unavailable, Unknown
from ...storage.db import Database, Tx
from ...storage.platform_payouts import PlatformPayout
from .. import ledger

log = logging.getLogger(__name__)
# Whoever decides a payout, or takes one into the books, is alone with it.
ALONE = sa.text("select pg_advisory_xact_lock(734115)")
# The provider may return a payout days after it was paid.
MAY_FAIL = timedelta(days=35)
OPEN = ("intended", "sent")


def carry_out_payout(db: Database, gateway: Payments, payout_id: uuid.UUID) -> None:
    """Make the call of an intended payout, unless it is made. From the second try on we look first.

    ProviderBusy: no answer; again later with the same key.
    """
    with db.transaction() as tx:
        row = tx.session.get(PlatformPayout, payout_id, with_for_update=True)
        if row is None or row.state not in OPEN:
            return
        row.state, row.tries = "sent", row.tries + 1
    try:
        seen = _found(gateway, row) if row.tries > 1 else None
        seen = seen or gateway.pay_out(
            key=str(row.id), amount_minor=row.amount_minor, currency=row.currency, reference=str(row.id)
        )
    except PaymentError as error:
        _not_made(db, row.id, error)
        return
    with db.transaction() as tx:
        apply_payout(tx, tx.session.get_one(PlatformPayout, payout_id, with_for_update=True), seen)


def _found(gateway: Payments, row: PlatformPayout) -> PayoutSeen | None:
    seen = gateway.payouts(since=row.made_at - timedelta(hours=1))
    return next((one for one in seen if one.reference == str(row.id)), None)


def _not_made(db: Database, payout_id: uuid.UUID, error: PaymentError) -> None:
    again = isinstance(error, Unknown) or (isinstance(error, Unavailable) and not error.new_key)
    with db.transaction() as tx:
        row = tx.session.get_one(PlatformPayout, payout_id, with_for_update=True)
        if row.state not in OPEN:
            return
        row.error = str(error)
        if not again:
            row.state, row.ended_at = "failed", tx.now
        elif isinstance(error, Unavailable):
            row.state = "intended"
    if again:
        raise ProviderBusy from error


_STATES = {
    "pending": "under_way",
    "under_way": "under_way",
    "done": "done",
    "failed": "failed",
    "cancelled": "failed",
}


def apply_payout(tx: Tx, row: PlatformPayout, seen: PayoutSeen) -> None:
    """Move a payout to what the provider says. It left the balance when it was made; failed, it came back."""
    if row.state == "failed":
        return
    row.provider_id, row.arrives_at = seen.id, seen.arrives
    row.state = _STATES[seen.state]
    ledger.post(
        tx, source=seen.id, kind=ledger.PLATFORM_PAYOUT, subject=None, at=tx.now,
        entries=postings.platform_payout(row.amount_minor), currency=row.currency,
        why="automatic" if row.automatic else "monthly" if row.month else "by_hand",
    )  # fmt: skip
    if row.state == "failed":
        row.error = seen.failure or seen.state
        ledger.post(
            tx, source=seen.id, kind=ledger.PAYOUT_FAILED, subject=None, at=tx.now,
            entries=postings.payout_failed(row.amount_minor), why="payout_failed", currency=row.currency,
        )  # fmt: skip
    if row.state in ("done", "failed"):
        row.ended_at = row.ended_at or tx.now


def follow(db: Database, gateway: Payments) -> int:
    """The sweep: calls without an answer are made again, payouts under way are looked at, and those that the
    provider made by itself are taken into our books; how many it says. ProviderBusy: no answer now."""
    now = db.clock()
    with db.reading() as session:
        open_ones = session.scalars(sa.select(PlatformPayout.id).where(PlatformPayout.state.in_(OPEN))).all()
    for payout_id in open_ones:
        carry_out_payout(db, gateway, payout_id)
    try:
        seen = gateway.payouts(since=now - MAY_FAIL)
    except PaymentError as error:
        raise ProviderBusy from error
    for one in seen:
        _take(db, one)
    return len(seen)


def _take(db: Database, seen: PayoutSeen) -> None:
    with db.transaction() as tx:
        tx.session.execute(ALONE)
        row = tx.session.scalar(
            sa.select(PlatformPayout).where(
                sa.or_(
                    PlatformPayout.provider_id == seen.id,
                    sa.cast(PlatformPayout.id, sa.Text) == (seen.reference or ""),
                )
            )
        )
        if row is None:
            # Not asked by us: the provider's own schedule, or somebody in its dashboard.
            log.critical("payout %s of %s was not asked for here", seen.id, seen.amount_minor)
            row = PlatformPayout(
                amount_minor=seen.amount_minor, currency=seen.currency, terms={}, automatic=True,
                state="under_way", made_at=tx.now,
            )  # fmt: skip
            tx.session.add(row)
            tx.session.flush()
        apply_payout(tx, row, seen)
