"""What must stand in the ledger, kind by kind: each room's rows say it in SQL, and the check compares.

A new kind of group is one more `Expected` in `EXPECTED`. Its `due` selects (source, minor): the groups
that must stand, and what the debits of each add up to (null: not compared). `may` selects the same of
groups that stand or not. Whatever stands and is named by neither is an orphan.

Where a group's source is not the provider's own object, `objects` selects (source, object), so that the
provider's books can be compared object by object. `UNDER_WAY` selects the objects whose row still
waits for the provider's word: they are left out of that comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ...storage.chargebacks import Chargeback
from ...storage.ledger import ProviderMovement
from ...storage.payments import Payment, ProviderCall, Refund, Repayment
from ...storage.payouts import SetOff, Transfer
from ...storage.platform_payouts import PlatformPayout, TaxPayment
from ...storage.types import another
from . import posting

Rows = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Expected:
    """One kind of group, and which of them must or may stand."""

    kind: str
    due: Rows | None = None
    may: Rows | None = None
    objects: Rows | None = None


def text_of(column: Any) -> sa.ColumnElement[str]:
    """A row's id as the ledger writes sources."""
    return sa.cast(column, sa.Text)


def _line(lines: Any, name: str) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.cast(lines[name].astext, sa.BigInteger), 0)


NO_AMOUNT = sa.cast(sa.null(), sa.BigInteger)

_taken = Payment.captured_minor > 0
_by_card = Payment.method == "card"
_of_payment = sa.func.coalesce(Payment.intent_id, text_of(Payment.id))
_of_refund = sa.func.coalesce(Refund.provider_id, text_of(Refund.id))
_reversal = ProviderCall.kind == "reverse_transfer"
_earlier = another(Refund)

# What of the price and its VAT was decided to go back before the share was due, a payment.
_before = (
    sa.select(
        Refund.payment_id,
        sa.func.sum(_line(Refund.lines, "price") + _line(Refund.lines, "seller_vat")).label("minor"),
    )
    .where(~Refund.after_share, ~Refund.borne_by_us, Refund.state != "redecided")
    .group_by(Refund.payment_id)
    .subquery()
)
_kept = (
    _line(Payment.quote, "price")
    + _line(Payment.quote, "seller_vat")
    - sa.cast(sa.func.coalesce(_before.c.minor, 0), sa.BigInteger)
)

_net = ProviderMovement.amount_minor - ProviderMovement.fee_minor

EXPECTED: tuple[Expected, ...] = (
    Expected(
        posting.CAPTURED,
        due=sa.select(_of_payment, Payment.captured_minor).where(_taken, _by_card),
        objects=sa.select(_of_payment, Payment.charge_id).where(_taken, _by_card),
    ),
    # On company terms.
    Expected(
        posting.INVOICED,
        due=sa.select(text_of(Payment.id), Payment.amount_minor).where(Payment.invoiced_at.is_not(None)),
    ),
    Expected(
        posting.INVOICE_PAID,
        due=sa.select(_of_payment, Payment.captured_minor).where(_taken, ~_by_card),
        objects=sa.select(_of_payment, Payment.charge_id).where(_taken, ~_by_card),
    ),
    Expected(
        posting.WRITTEN_OFF,
        due=sa.select(text_of(Payment.id), NO_AMOUNT).where(Payment.written_off_at.is_not(None)),
    ),
    # The provider tells its fee when it knows it, and some payments cost none.
    Expected(
        posting.PROVIDER_FEE,
        may=sa.select(Payment.charge_id, NO_AMOUNT).where(_taken, Payment.charge_id.is_not(None)),
    ),
    Expected(
        posting.SHARE_DUE,
        due=sa.select(text_of(Payment.id), _kept)
        .outerjoin(_before, _before.c.payment_id == Payment.id)
        .where(Payment.share_posted_at.is_not(None), _kept > 0),
    ),
    Expected(
        posting.REFUND,
        due=sa.select(_of_refund, Refund.amount_minor).where(Refund.state.in_(("done", "failed"))),
        may=sa.select(_of_refund, NO_AMOUNT).where(Refund.state == "redecided"),
    ),
    # It had arrived before its charge was contested, or it had not and nothing was posted.
    Expected(
        posting.REDECIDED,
        may=sa.select(_of_refund, NO_AMOUNT).where(Refund.state == "redecided"),
    ),
    Expected(
        posting.REFUND_FAILED,
        due=sa.select(_of_refund, Refund.amount_minor).where(Refund.state == "failed"),
    ),
    Expected(
        posting.TRANSFER,
        due=sa.select(
            sa.func.coalesce(Transfer.provider_id, text_of(Transfer.id)),
            Transfer.amount_minor - Transfer.set_off_minor,
        ).where(Transfer.state == "done", Transfer.amount_minor > Transfer.set_off_minor),
    ),
    Expected(posting.SET_OFF, due=sa.select(text_of(SetOff.id), SetOff.amount_minor)),
    Expected(
        posting.PAID_ANOTHER_WAY,
        due=sa.select(text_of(Repayment.id), Repayment.amount_minor).where(Repayment.decided_at.is_not(None)),
    ),
    Expected(
        posting.REVERSAL,
        due=sa.select(text_of(ProviderCall.id), NO_AMOUNT).where(_reversal, ProviderCall.state == "done"),
        objects=sa.select(text_of(ProviderCall.id), ProviderCall.provider_id).where(
            _reversal, ProviderCall.state == "done"
        ),
    ),
    # What is owed goes on with the refund that takes this one's place, should its charge be contested.
    Expected(
        posting.NOT_REVERSED,
        due=sa.select(text_of(Refund.id), Refund.gap_minor).where(
            Refund.gap_minor > 0, ~sa.exists().where(_earlier.redecided_as == Refund.id)
        ),
        may=sa.select(text_of(Refund.id), NO_AMOUNT).where(Refund.after_share),
    ),
    Expected(
        posting.PLATFORM_PAYOUT,
        due=sa.select(PlatformPayout.provider_id, PlatformPayout.amount_minor).where(
            PlatformPayout.provider_id.is_not(None)
        ),
    ),
    Expected(
        posting.PAYOUT_FAILED,
        due=sa.select(PlatformPayout.provider_id, PlatformPayout.amount_minor).where(
            PlatformPayout.provider_id.is_not(None), PlatformPayout.state == "failed"
        ),
    ),
    Expected(
        posting.CHARGEBACK,
        due=sa.select(Chargeback.provider_id, NO_AMOUNT).where(
            (Chargeback.taken_minor > 0) | (Chargeback.fee_minor > 0)
        ),
        # Won with its fee returned, and never seen before.
        may=sa.select(Chargeback.provider_id, NO_AMOUNT),
    ),
    Expected(
        posting.LOSS_REFUNDED,
        may=sa.select(text_of(Refund.id), Refund.amount_minor).where(Refund.set_against.is_not(None)),
    ),
    Expected(posting.CHARGEBACK_MORE, may=sa.select(Chargeback.provider_id, NO_AMOUNT)),
    Expected(
        posting.CHARGEBACK_RETURNED,
        due=sa.select(Chargeback.provider_id, NO_AMOUNT).where(
            Chargeback.returned_at.is_not(None), Chargeback.taken_minor > 0
        ),
    ),
    Expected(
        posting.CHARGEBACK_LOST,
        due=sa.select(Chargeback.provider_id, Chargeback.loss_minor).where(Chargeback.loss_minor > 0),
    ),
    Expected(posting.VAT_PAID, due=sa.select(text_of(TaxPayment.id), NO_AMOUNT)),
    # Booked as soon as they are read in the provider's books.
    *(
        Expected(
            kind,
            due=sa.select(ProviderMovement.source, sa.func.abs(sa.func.sum(_net)))
            .where(ProviderMovement.kind == theirs)
            .group_by(ProviderMovement.source)
            .having(sa.func.sum(_net) != 0),
        )
        for theirs, kind in ((posting.TOP_UP, posting.TOP_UP), ("fee", posting.OWN_FEE))
    ),
)

# The provider books a refund when it is made, we when it has arrived.
UNDER_WAY: tuple[Rows, ...] = (
    sa.select(Refund.provider_id).where(
        Refund.provider_id.is_not(None), Refund.state.in_(("intended", "sent", "pending"))
    ),
)
