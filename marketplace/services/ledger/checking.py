"""Whether our own books hold (payments.md, `ledger check`): a few statements, whatever the number of bookings.

What the provider's books say is compared in `reconciling.py`, what the findings lead to is in `watching.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.ledger import LedgerEntry, LedgerGroup
from ...storage.payments import Payment, Refund
from .covering import standing_now
from .expected import EXPECTED, Rows, text_of

# More of one sort than this tell nothing new; the rest is counted by the next run.
MOST = 200
# Sorting and hashing a year's entries in memory, and time for it: a check is no guest's request.
ROOM = ("set local work_mem = '128MB'", "set local statement_timeout = '120s'", "set local jit = off")


@dataclass(frozen=True)
class Finding:
    """Something the check found. `about`: the source, account or object; `group`: the kind of group it is in.

    `minor` is what stands, `other` what should (minor units). A shortfall is money to top up, a schedule
    the provider's own payouts: neither is a defect of the books (payments.md).
    """

    kind: str
    about: str
    group: str = ""
    minor: int | None = None
    other: int | None = None

    @property
    def shortfall(self) -> bool:
        """Money to top up: told apart, stops platform payouts and early payments only."""
        return self.kind == "shortfall"

    @property
    def defect(self) -> bool:
        """Two runs with one of these stop transfers and payouts."""
        return self.kind not in ("shortfall", "schedule")

    @property
    def text(self) -> str:
        """In words, for the command and the log; pages say it in the reader's language."""
        minor, other = amount(self.minor or 0), amount(self.other or 0)
        return _TEXTS[self.kind].format(about=self.about, group=self.group, minor=minor, other=other)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


_TEXTS = {
    "unbalanced": "{group} of {about} is off by {minor}",
    "empty": "{group} of {about} has no entries",
    "mixed": "{group} of {about} mixes currencies",
    "missing": "{group} of {about} is not posted",
    "orphan": "{group} of {about} is posted, but nothing of ours says so",
    "amount": "{group} of {about} is posted with {minor}, our row says {other}",
    "astray": "{group} of {about} has entries on an account of something else",
    "held": "{about} still holds {minor}, but nothing is due",
    "payable": "{about} is {minor} below zero",
    "receivable": "{about} is {minor} below zero",
    "refunds": "{about}: {minor} are refunded of {other} taken",
    "shortfall": "top up {minor}",
    "here": "{about} ({group}) moved {other} at the provider, and our books have nothing of it",
    "there": "{about} ({group}) moved {minor} in our books, and the provider has nothing of it",
    "differs": "{about} ({group}) moved {minor} in our books, and {other} at the provider",
    "schedule": "the provider pays our money out by itself ({about}): set the payout schedule to manual",
}


def check(session: Session) -> list[Finding]:
    """Everything that does not hold in our own books. The provider's are not looked at here.

    At most `MOST` of each sort are named. Use a session of its own: it takes memory and time for itself.
    """
    for setting in ROOM:
        session.execute(sa.text(setting))
    return [
        *_groups(session),
        *_held_of_the_closed(session),
        *_wrong_side(session),
        *_refunded_too_much(session),
        *_shortfall(session),
    ]


def _expected() -> sa.Subquery:
    parts: list[sa.Select[Any]] = []
    for one in EXPECTED:
        for must, rows in ((True, one.due), (False, one.may)):
            if rows is not None:
                parts.append(_named(rows, one.kind, must))
    return sa.union_all(*parts).subquery("expected")


def _named(rows: Rows, kind: str, must: bool) -> sa.Select[Any]:
    source, minor = rows.selected_columns
    return rows.with_only_columns(
        sa.literal(kind, literal_execute=True).label("kind"),
        source.label("source"),
        sa.cast(minor, sa.BigInteger).label("minor"),
        sa.literal(must, literal_execute=True).label("must"),
    )


def _groups(session: Session) -> Iterator[Finding]:
    """Each group balances in one currency on accounts of what it is about; each of our rows has its groups
    with its amount; none stands alone. One pass over all entries."""
    minor, account = LedgerEntry.amount_minor, LedgerEntry.account
    held = account.startswith("held:")
    sums = (
        sa.select(
            LedgerEntry.group_id,
            sa.func.sum(minor).label("off"),
            sa.func.sum(minor).filter(minor > 0).label("debit"),
            (sa.func.min(LedgerEntry.currency) != sa.func.max(LedgerEntry.currency)).label("mixed"),
            # What is held is held for what the group is about, and somebody's account is never about nothing.
            sa.func.min(account).filter(held).label("least"),
            sa.func.max(account).filter(held).label("most"),
            sa.func.bool_or(account.startswith("expert:") | account.startswith("buyer:")).label("personal"),
        )
        .group_by(LedgerEntry.group_id)
        .subquery("sums")
    )
    whose = "held:" + text_of(LedgerGroup.subject)
    astray = sa.case(
        (LedgerGroup.subject.is_(None), sums.c.personal | sums.c.most.is_not(None)),
        else_=(sums.c.least != whose) | (sums.c.most != whose),
    )
    books = (
        sa.select(
            LedgerGroup.source,
            LedgerGroup.kind,
            sums.c.off,
            sums.c.debit,
            sums.c.mixed,
            astray.label("astray"),
        )
        .outerjoin(sums, sums.c.group_id == LedgerGroup.id)
        .subquery("books")
    )
    said = _expected()
    fault = sa.case(
        (books.c.kind.is_(None), "missing"),
        (said.c.kind.is_(None), "orphan"),
        (books.c.off.is_(None), "empty"),
        (books.c.mixed, "mixed"),
        (books.c.off != 0, "unbalanced"),
        (books.c.debit != said.c.minor, "amount"),
        (books.c.astray, "astray"),
    )
    rows = session.execute(
        sa.select(
            fault.label("fault"),
            sa.func.coalesce(books.c.source, said.c.source).label("source"),
            sa.func.coalesce(books.c.kind, said.c.kind).label("kind"),
            books.c.off,
            books.c.debit,
            said.c.minor,
        )
        .select_from(
            sa.join(
                books,
                said,
                sa.and_(books.c.source == said.c.source, books.c.kind == said.c.kind),
                full=True,
            )
        )
        .where(fault.is_not(None), sa.or_(books.c.kind.is_not(None), said.c.must))
        .order_by("fault", "source", "kind")
        .limit(MOST)
    )
    for row in rows:
        stands = row.off if row.fault == "unbalanced" else row.debit
        yield Finding(row.fault, row.source, row.kind, _int(stands), _int(row.minor))


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _held_of_the_closed(session: Session) -> Iterator[Finding]:
    """`held` is 0 once nothing is due, frozen or in flight."""
    held = (
        sa.select(LedgerEntry.account, sa.func.sum(LedgerEntry.amount_minor).label("total"))
        .where(LedgerEntry.account.startswith("held:"))
        .group_by(LedgerEntry.account)
        .having(sa.func.sum(LedgerEntry.amount_minor) != 0)
        .subquery("held")
    )
    # On terms it is held from the invoice on, before anything was taken.
    whole = sa.case((Payment.invoiced_at.is_not(None), Payment.amount_minor), else_=Payment.captured_minor)
    going_back = sa.select(Refund.payment_id).where(Refund.state.in_(("intended", "sent", "pending")))
    waits = (
        sa.select("held:" + text_of(Payment.subject).label("account"))
        .where(
            sa.or_(
                Payment.frozen_by.is_not(None),
                Payment.id.in_(going_back),
                sa.and_(
                    Payment.share_posted_at.is_(None),
                    Payment.refunded_minor + Payment.credited_minor < whole,
                ),
            )
        )
        .subquery("waits")
    )
    key = next(iter(waits.c))
    rows = session.execute(
        sa.select(held.c.account, held.c.total)
        .where(~sa.exists().where(key == held.c.account))
        .order_by(held.c.account)
        .limit(MOST)
    )
    for account, total in rows:
        yield Finding("held", account, minor=-int(total))


def _wrong_side(session: Session) -> Iterator[Finding]:
    """No expert is owed less than nothing, and no company on terms owes us less than nothing."""
    total = sa.func.sum(LedgerEntry.amount_minor)
    for kind, pattern, wrong in (
        ("payable", "expert:%:payable", total > 0),
        ("receivable", "buyer:%:receivable", total < 0),
    ):
        rows = session.execute(
            sa.select(LedgerEntry.account, total)
            .where(LedgerEntry.account.like(pattern))
            .group_by(LedgerEntry.account, LedgerEntry.currency)
            .having(wrong)
            .order_by(LedgerEntry.account)
            .limit(MOST)
        )
        for account, minor in rows:
            yield Finding(kind, account, minor=abs(int(minor)))


def _refunded_too_much(session: Session) -> Iterator[Finding]:
    """What goes back of a payment is within what was taken. What failed stays owed, and counts once only."""
    back = sa.func.sum(Refund.amount_minor)
    rows = session.execute(
        sa.select(Payment.id, back, Payment.captured_minor)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Refund.kind == "refund", Refund.state.not_in(("failed", "redecided")))
        .group_by(Payment.id)
        .having(back > Payment.captured_minor)
        .limit(MOST)
    )
    for payment_id, minor, taken in rows:
        yield Finding("refunds", str(payment_id), minor=int(minor), other=int(taken))


def _shortfall(session: Session) -> Iterator[Finding]:
    have, cover = standing_now(session)
    if have < cover.minor:
        yield Finding("shortfall", "provider_balance", minor=cover.minor - have)


def amount(minor: int) -> str:
    """Minor units as operators read them: 23.15, without floats."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
