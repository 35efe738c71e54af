"""Whether the books hold (payments.md, `ledger check`)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...storage.ledger import LedgerEntry, LedgerGroup
from ...storage.payments import Payment, ProviderCall, Refund
from ...storage.payouts import Transfer
from .posting import (
    CAPTURED,
    NOT_REVERSED,
    PROVIDER_FEE,
    REFUND,
    REFUND_FAILED,
    REVERSAL,
    SHARE_DUE,
    TRANSFER,
)
from .reading import balances


@dataclass(frozen=True)
class Finding:
    """Something the check found. A shortfall is money to top up, not a defect, and is told apart."""

    kind: str
    text: str
    shortfall: bool = False


def check(session: Session) -> list[Finding]:
    """Everything that does not hold in our own books (payments.md, `ledger check`).

    Not looked at here: whether the provider's books say the same. A shortfall is told apart
    (`Finding.shortfall`): it stops platform payouts only, and is no defect.
    """
    return [
        *_unbalanced(session),
        *_groups_against_rows(session),
        *_held_of_the_closed(session),
        *_wrong_side(session),
        *_shortfall(session),
    ]


def _unbalanced(session: Session) -> Iterator[Finding]:
    rows = session.execute(
        select(LedgerGroup.source, LedgerGroup.kind, func.sum(LedgerEntry.amount_minor))
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id, isouter=True)
        .group_by(LedgerGroup.id, LedgerEntry.currency)
        .having(func.coalesce(func.sum(LedgerEntry.amount_minor), 1) != 0)
    )
    for source, kind, total in rows:
        said = "has no entries" if total is None else f"is off by {_amount(int(total))}"
        yield Finding("unbalanced", f"{kind} of {source} {said}")


def _groups_against_rows(session: Session) -> Iterator[Finding]:
    """Each captured payment, ended refund and transfer has its groups, and no group stands alone."""
    due = set(_groups_due(session))
    allowed = {*_groups_allowed(session), *_not_reversed(session)}
    posted = {
        (source, kind) for source, kind in session.execute(select(LedgerGroup.source, LedgerGroup.kind))
    }
    for source, kind in sorted(due - posted):
        yield Finding("missing", f"{kind} of {source} is not posted")
    for source, kind in sorted(posted - due - allowed):
        yield Finding("orphan", f"{kind} of {source} is posted, but nothing of ours says so")


def _groups_due(session: Session) -> Iterator[tuple[str, str]]:
    captured = select(Payment.id, Payment.intent_id).where(Payment.captured_minor > 0)
    for payment_id, intent_id in session.execute(captured):
        yield intent_id or str(payment_id), CAPTURED
    for payment_id in _shares_posted(session):
        yield str(payment_id), SHARE_DUE
    ended = select(Refund.id, Refund.provider_id, Refund.state).where(Refund.state.in_(("done", "failed")))
    for refund_id, provider_id, state in session.execute(ended):
        source = provider_id or str(refund_id)
        yield source, REFUND
        if state == "failed":
            yield source, REFUND_FAILED
    left = select(Transfer.id, Transfer.provider_id).where(Transfer.state == "done")
    for transfer_id, provider_id in session.execute(left):
        yield provider_id or str(transfer_id), TRANSFER
    brought = select(ProviderCall.id).where(
        ProviderCall.kind == "reverse_transfer", ProviderCall.state == "done"
    )
    for call_id in session.scalars(brought):
        yield str(call_id), REVERSAL


def _shares_posted(session: Session) -> Iterator[uuid.UUID]:
    """Payments whose share was posted and was not nothing: what went back before leaves some of the price."""
    before: dict[uuid.UUID, int] = defaultdict(int)
    for payment_id, lines in session.execute(
        select(Refund.payment_id, Refund.lines).where(~Refund.after_share)
    ):
        before[payment_id] += lines.get("price", 0) + lines.get("seller_vat", 0)
    posted = select(Payment.id, Payment.quote).where(Payment.share_posted_at.is_not(None))
    for payment_id, quote in session.execute(posted):
        if before[payment_id] < quote["price"] + quote["seller_vat"]:
            yield payment_id


def _groups_allowed(session: Session) -> Iterator[tuple[str, str]]:
    """Groups that may be there: the provider tells its fee when it knows it, and some take none."""
    for charge in session.scalars(select(Payment.charge_id).where(Payment.captured_minor > 0)):
        if charge is not None:
            yield charge, PROVIDER_FEE


def _not_reversed(session: Session) -> Iterator[tuple[str, str]]:
    """A reversal that failed may have been asked again under a new key, or is owed by the expert now."""
    failed = select(ProviderCall.id).where(
        ProviderCall.kind == "reverse_transfer", ProviderCall.state == "failed"
    )
    for call_id in session.scalars(failed):
        yield str(call_id), NOT_REVERSED


def _held_of_the_closed(session: Session) -> Iterator[Finding]:
    """`held` is 0 once nothing is due, frozen or in flight."""
    open_refunds = select(Refund.payment_id).where(Refund.state.in_(("intended", "sent", "pending")))
    still_held = select(Payment.subject).where(
        (Payment.frozen_by.is_not(None))
        | Payment.id.in_(open_refunds)
        | ((Payment.share_posted_at.is_(None)) & (Payment.refunded_minor < Payment.captured_minor))
    )
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_minor))
        .join(LedgerGroup, LedgerGroup.id == LedgerEntry.group_id)
        .where(LedgerEntry.account.startswith("held:"), LedgerGroup.subject.not_in(still_held))
        .group_by(LedgerEntry.account)
        .having(func.sum(LedgerEntry.amount_minor) != 0)
        .order_by(LedgerEntry.account)
    )
    for account, total in rows:
        yield Finding("held", f"{account} still holds {_amount(-int(total))}, but nothing is due")


def _wrong_side(session: Session) -> Iterator[Finding]:
    for account, total in balances(session).items():
        if account.startswith("expert:") and account.endswith(":payable") and total > 0:
            yield Finding("payable", f"{account} is {_amount(total)} below zero")
        if account.startswith("buyer:") and account.endswith(":receivable") and total < 0:
            yield Finding("receivable", f"{account} is {_amount(-total)} below zero")


def _shortfall(session: Session) -> Iterator[Finding]:
    books = balances(session)
    have = _sum_of(books, lambda name: name in ("provider_balance", "in_dispute"))
    owe = -_sum_of(
        books,
        lambda name: (
            name.startswith("held:")
            or (name.startswith("expert:") and name.endswith(":payable"))
            or (name.startswith("buyer:") and name.endswith(":owed"))
        ),
    )
    if have < owe:
        yield Finding("shortfall", f"top up {_amount(owe - have)}", shortfall=True)


def _sum_of(books: dict[str, int], belongs: Callable[[str], bool]) -> int:
    return sum(total for account, total in books.items() if belongs(account))


def _amount(minor: int) -> str:
    """Minor units as operators read them: 23.15, without floats."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
