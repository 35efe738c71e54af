"""What refunds take of the quote's lines, and their entries.

One that was decided again ("redecided") counts nowhere: the row that took its place does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import postings
from ...domain.postings import Entries
from ...domain.pricing import LINES, Quote
from ...storage.db import Tx
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from .. import ledger


def share_left(session: Session, payment: Payment) -> int:
    """The expert's share of what is not decided to go back to the buyer, minor units."""
    return share_kept(Quote.from_dict(payment.quote), payment, taken_of_the_share(session, payment.id))


def share_kept(quote: Quote, payment: Payment, gone: Mapping[str, int]) -> int:
    """The expert's share where `gone` of the lines goes back, minor units."""
    entries = postings.share_due(quote, payment.subject, payment.payee_expert_id, gone)
    return -dict(entries)[postings.payable(payment.payee_expert_id)]


def refunded_lines(session: Session, payment_id: uuid.UUID) -> dict[str, int]:
    """What is decided to go back of each line. A refund that failed counts: the buyer is owed it still."""
    return sum_lines(
        session.scalars(
            sa.select(Refund.lines).where(Refund.payment_id == payment_id, Refund.state != "redecided")
        )
    )


def left_to_refund(payment: Payment) -> int:
    """What the cap on refunds leaves, minor units; what lost chargebacks took counts in it."""
    return payment.captured_minor - payment.refunded_minor - payment.lost_minor


def taken_of_the_share(
    session: Session, payment_id: uuid.UUID, *, after_share: bool | None = None
) -> dict[str, int]:
    """The same without what we bore ourselves, which takes nothing of the expert's share."""
    query = sa.select(Refund.lines).where(
        Refund.payment_id == payment_id, ~Refund.borne_by_us, Refund.state != "redecided"
    )
    if after_share is not None:
        query = query.where(Refund.after_share.is_(after_share))
    return sum_lines(session.scalars(query))


def sum_lines(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Quote lines added up by name, minor units."""
    totals = dict.fromkeys(LINES, 0)
    for lines in several:
        for name, minor in lines.items():
            totals[name] += minor
    return totals


def entries_of(payment: Payment, refund: Refund) -> Entries:
    """A refund's entries, the same whenever they are posted: what they are was stored when it was decided."""
    if refund.kind == "overpaid":
        return postings.overpaid_returned(refund.amount_minor, payment.payer_company_id)
    if refund.borne_by_us:
        return postings.refund_borne_by_us(refund.amount_minor)
    if refund.after_share:
        return postings.refund_after_share(
            refund.lines, payment.payee_expert_id, refund.commission_minor, refund.vat_commission_minor
        )
    return postings.refund_before_share(refund.lines, payment.subject)


def experts_part(refund: Refund) -> int:
    """What the expert's payable gives back of it, minor units; 0 where held or we do."""
    if refund.borne_by_us or not refund.after_share:
        return 0
    return postings.experts_part(refund.lines, refund.commission_minor, refund.vat_commission_minor)


def own_part(payment: Payment, refund: Refund) -> int:
    """What of it comes neither out of held nor out of the payable, minor units: our own money."""
    theirs = (postings.held(payment.subject), postings.payable(payment.payee_expert_id))
    return refund.amount_minor - sum(
        minor for account, minor in entries_of(payment, refund) if account in theirs
    )


def vat_part(payment: Payment, refund: Refund) -> int:
    """What of it is VAT on our fee and commission, minor units."""
    ours = (postings.VAT_SERVICE_FEE, postings.VAT_COMMISSION)
    return sum(minor for account, minor in entries_of(payment, refund) if account in ours)


def source_of(refund: Refund) -> str:
    """Its groups' source in the ledger."""
    return refund.provider_id or str(refund.id)


def post_refund(
    tx: Tx, payment: Payment, refund: Refund, *, against: str = postings.PROVIDER_BALANCE
) -> None:
    """The entries of a refund that is done; `against`: the account in the place of provider_balance.

    What of the expert's part had not left for them is transferred no more.
    """
    if ledger.post(
        tx, source=source_of(refund), kind=ledger.REFUND, subject=payment.subject, at=tx.now,
        entries=postings.against(against, entries_of(payment, refund)), why=refund.why,
    ):  # fmt: skip
        _transfer_less(tx, payment, experts_part(refund) - (refund.back_minor or 0))


def undo_refund(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Its own entries are reversed, where they stand; its part of the transfer is due again."""
    if not ledger.is_posted(tx.session, source_of(refund), ledger.REFUND):
        return
    ledger.post(
        tx, source=source_of(refund), kind=ledger.REDECIDED, subject=payment.subject, at=tx.now,
        entries=postings.undone(entries_of(payment, refund)), why="disputed",
    )  # fmt: skip
    transfer, theirs = transfer_of(tx.session, payment.id), experts_part(refund) - (refund.back_minor or 0)
    if transfer is None or not theirs:
        return
    if transfer.state == "failed":  # Nothing was left of it.
        transfer.state, transfer.held_up_by, transfer.ended_at = "due", None, None
        transfer.amount_minor = theirs
    elif transfer.state == "due":
        transfer.amount_minor += theirs


def transfer_of(session: Session, payment_id: uuid.UUID) -> Transfer | None:
    """The one transfer of a payment, if its share has fallen due."""
    return session.scalar(sa.select(Transfer).where(Transfer.payment_id == payment_id))


def _transfer_less(tx: Tx, payment: Payment, minor: int) -> None:
    """What goes back to the buyer is not transferred; nothing left means no transfer."""
    transfer = transfer_of(tx.session, payment.id)
    if transfer is None or transfer.state != "due" or not minor:
        return
    if transfer.amount_minor > minor:
        transfer.amount_minor -= minor
    else:
        transfer.state, transfer.held_up_by, transfer.ended_at = "failed", "refunded", tx.now
