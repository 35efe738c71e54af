"""The ledger room: posting groups of entries, reading them, and checking that the books hold.

Double entry, append-only, per currency (design: payments.md, Ledger). An entry's amount is signed,
in minor units: positive is debit, negative is credit; a group's sum is zero. What is posted when
is decided in `domain/postings.py`; this room only writes it down once and finds what does not fit.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ..domain.ids import new_id
from ..domain.money import EUR
from ..storage.db import Tx
from ..storage.ledger import LedgerEntry, LedgerGroup
from ..storage.payments import Payment, ProviderCall, Refund
from ..storage.payouts import Transfer

# The kinds of groups, and what their source is.
CAPTURED = "captured"  # the PaymentIntent
PROVIDER_FEE = "provider_fee"  # the Charge
SHARE_DUE = "share_due"  # our payment
REFUND = "refund"  # the provider's refund, else our refund row
REFUND_FAILED = "refund_failed"  # the same
TRANSFER = "transfer"  # the provider's transfer
REVERSAL = "reversal"  # our call that brought part of a transfer back
NOT_REVERSED = "not_reversed"  # our call that could not

Entries = Sequence[tuple[str, int]]


class LedgerConflict(RuntimeError):
    """The same (source, kind) was to be posted with other amounts: a defect, never a guest's mistake."""


@dataclass(frozen=True)
class Finding:
    """Something the check found. A shortfall is money to top up, not a defect, and is told apart."""

    kind: str
    text: str
    shortfall: bool = False


@dataclass(frozen=True)
class Group:
    """A posted group for showing: what happened, when, why, and its entries (debit positive)."""

    source: str
    kind: str
    at: datetime
    why: str
    currency: str
    entries: tuple[tuple[str, int], ...]


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


def balance(session: Session, account: str, currency: str = EUR) -> int:
    """The account's balance in minor units, debit positive (a payable we owe is negative)."""
    total = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
            LedgerEntry.account == account, LedgerEntry.currency == currency
        )
    )
    return int(total or 0)


def balances(session: Session, currency: str = EUR) -> dict[str, int]:
    """Every account with entries and its balance in minor units, debit positive, by name."""
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_minor))
        .where(LedgerEntry.currency == currency)
        .group_by(LedgerEntry.account)
        .order_by(LedgerEntry.account)
    )
    return {account: int(total) for account, total in rows}


def entries_of(session: Session, subject: uuid.UUID) -> list[Group]:
    """The groups about one subject (a booking), oldest first, for the operator's page."""
    rows = session.execute(
        select(LedgerGroup, LedgerEntry)
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .where(LedgerGroup.subject == subject)
        .order_by(LedgerGroup.at, LedgerGroup.id, LedgerEntry.id)
    )
    groups: dict[uuid.UUID, tuple[LedgerGroup, list[LedgerEntry]]] = {}
    for group, entry in rows:
        groups.setdefault(group.id, (group, []))[1].append(entry)
    return [
        Group(
            source=group.source,
            kind=group.kind,
            at=group.at,
            why=group.why,
            currency=entries[0].currency,
            entries=tuple((entry.account, entry.amount_minor) for entry in entries),
        )
        for group, entries in groups.values()
    ]


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
