"""The operators' money desk: what is stuck, owed, late or refused. Every number leads to its list.

Two statements for all numbers, one for a page of a list, whatever the data: each question is asked of a partial
index that holds only what is open (migration 0044).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.transfers import LONGEST
from ...storage.bookings import Booking
from ...storage.companies import Company
from ...storage.experts import Expert
from ...storage.payments import Payment, ProviderCall, Refund, Repayment
from ...storage.payouts import SetOff, Transfer
from ...storage.people import Person

A_PAGE = 20
KINDS = ("calls", "differs", "refunds", "waiting", "transfers", "old", "owing")
# A call is answered in seconds and found again by the sweep in five minutes: what is older is stuck.
STUCK_AFTER = timedelta(minutes=10)
# From day 60 after the charge on, what still waits is shown; on day 80 it is transferred or refunded.
SHOWN_FROM = timedelta(days=60)
After = tuple[datetime, uuid.UUID] | None


@dataclass(frozen=True)
class Number:
    """How many, and how much together, minor units."""

    count: int
    minor: int


@dataclass(frozen=True)
class Row:
    """One line of a list. `at` is since when, or when due; `what`, `why` and `provider_id` as each list says."""

    at: datetime
    id: uuid.UUID
    minor: int
    what: str
    why: str | None
    provider_id: str | None
    tries: int
    number: str | None
    reference: str | None
    who: str | None
    person_id: uuid.UUID | None = None

    @property
    def day_80(self) -> datetime:
        """Of a charge, by when it is transferred or refunded."""
        return self.at + LONGEST


@dataclass(frozen=True)
class Listed:
    """A page of a list, the oldest first; `after` leads to the next one."""

    rows: Sequence[Row]
    after: After


def numbers(session: Session, now: datetime) -> Mapping[str, Number]:
    """All of them, each counted in the one index it needs: one statement."""
    kinds = list(KINDS)
    asked = []
    for kind in kinds:
        which = _which(kind, now).subquery()
        asked.append(
            sa.select(
                sa.literal(kind), sa.func.count(), sa.func.coalesce(sa.cast(sa.func.sum(which.c.minor), sa.BigInteger), 0)
            ).select_from(which)
        )  # fmt: skip
    found = {kind: Number(count, int(minor)) for kind, count, minor in session.execute(sa.union_all(*asked))}
    return {kind: found[kind] for kind in kinds}


def listed(session: Session, kind: str, now: datetime, after: After = None, most: int = A_PAGE) -> Listed:
    """A page of what a number counts. KeyError for no kind of ours."""
    found = _which(kind, now).subquery()
    query = (
        sa.select(
            found.c.at, found.c.id, found.c.minor, found.c.what, found.c.why, found.c.provider_id, found.c.tries,
            Booking.number, Booking.reference, sa.func.coalesce(Person.name, Company.name), Expert.person_id,
        )
        .outerjoin(Booking, Booking.id == found.c.subject)
        .outerjoin(Expert, Expert.id == found.c.expert_id)
        .outerjoin(Person, Person.id == Expert.person_id)
        .outerjoin(Company, Company.id == found.c.company_id)
        .order_by(found.c.at, found.c.id)
        .limit(most + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(sa.tuple_(found.c.at, found.c.id) > after)
    rows = [Row(*row) for row in session.execute(query)]
    more, rows = len(rows) > most, rows[:most]
    return Listed(rows, (rows[-1].at, rows[-1].id) if more else None)


def _which(kind: str, now: datetime) -> sa.Select[Any]:
    return {
        "calls": _calls, "differs": _differs, "refunds": _failed_refunds, "waiting": _waiting_refunds,
        "transfers": _transfers, "old": _old, "owing": _owing,
    }[kind](now)  # fmt: skip


def _line(at: Any, row_id: Any, minor: Any, **said: Any) -> list[Any]:
    """The columns of every list, by name; what a list has nothing to say on is null."""
    nothing: dict[str, Any] = {
        "what": sa.literal(""), "why": sa.null(), "provider_id": sa.null(), "tries": sa.literal(0),
        "subject": sa.cast(sa.null(), sa.Uuid), "expert_id": sa.cast(sa.null(), sa.Uuid),
        "company_id": sa.cast(sa.null(), sa.Uuid),
    }  # fmt: skip
    columns = {"at": at, "id": row_id, "minor": sa.cast(minor, sa.BigInteger)} | nothing | said
    text = ("what", "why", "provider_id")
    return [
        (sa.cast(column, sa.Text) if name in text else column).label(name) for name, column in columns.items()
    ]


def _calls(now: datetime) -> sa.Select[Any]:
    """Calls to the provider without an outcome: `what` is their kind, `why` the last error."""
    amount = sa.func.coalesce(sa.cast(ProviderCall.parameters["amount_minor"].astext, sa.BigInteger), 0)
    return (
        sa.select(
            *_line(
                ProviderCall.made_at, ProviderCall.id, amount, what=ProviderCall.kind, why=ProviderCall.error,
                provider_id=sa.func.coalesce(ProviderCall.provider_id, Payment.intent_id, Payment.reference),
                tries=ProviderCall.tries, subject=Payment.subject, company_id=Payment.payer_company_id,
            )
        )
        .join(Payment, Payment.id == ProviderCall.payment_id)
        .where(
            ProviderCall.state.in_(("intended", "sent", "pending")), ProviderCall.made_at < now - STUCK_AFTER
        )
    )  # fmt: skip


def _differs(now: datetime) -> sa.Select[Any]:
    """Payments of which the provider says another amount than we do: `what` it is about."""
    return sa.select(
        *_line(
            Payment.created_at, Payment.id, Payment.amount_minor, what=Payment.problem["what"].astext,
            why=Payment.problem["minor"].astext, provider_id=sa.func.coalesce(Payment.intent_id, Payment.reference),
            subject=Payment.subject, company_id=Payment.payer_company_id,
        )
    ).where(Payment.problem.is_not(None), sa.func.jsonb_typeof(Payment.problem) != "null")  # fmt: skip


def _refund(*which: Any) -> sa.Select[Any]:
    return (
        sa.select(
            *_line(
                Refund.decided_at, Refund.id, Refund.amount_minor, what=Refund.waits_for, why=Refund.failure,
                provider_id=Refund.provider_id, subject=Payment.subject, company_id=Payment.payer_company_id,
            )
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .where(*which)
    )  # fmt: skip


def _failed_refunds(now: datetime) -> sa.Select[Any]:
    """Refunds that failed and were not paid another way: the client is owed them."""
    paid = sa.select(Repayment.id).where(
        Repayment.refund_id == Refund.id, Repayment.decided_at.is_not(None), Repayment.dropped_at.is_(None)
    )
    return _refund(Refund.state == "failed", ~paid.exists())


def _waiting_refunds(now: datetime) -> sa.Select[Any]:
    """Refunds that are decided and not sent: `what` they wait for."""
    return _refund(Refund.state == "intended", Refund.waits_for.is_not(None))


def _transfers(now: datetime) -> sa.Select[Any]:
    """Transfers whose day has come and that something keeps from leaving: `why`."""
    return sa.select(
        *_line(
            Transfer.due_at, Transfer.id, Transfer.amount_minor - Transfer.set_off_minor, why=Transfer.held_up_by,
            provider_id=Transfer.provider_id, subject=Transfer.subject, expert_id=Transfer.expert_id,
        )
    ).where(Transfer.state == "due", Transfer.held_up_by.is_not(None), Transfer.due_at <= now)  # fmt: skip


def _old(now: datetime) -> sa.Select[Any]:
    """Charges of 60 days and more whose money still waits: held for the booking, or due and not sent."""
    line = _line(
        Payment.captured_at, Payment.id, Payment.captured_minor - Payment.refunded_minor - Payment.lost_minor,
        provider_id=Payment.charge_id, subject=Payment.subject, company_id=Payment.payer_company_id,
    )  # fmt: skip
    since = Payment.captured_at <= now - SHOWN_FROM
    held = sa.select(*line).where(
        Payment.state == "captured", Payment.share_posted_at.is_(None),
        Payment.refunded_minor + Payment.lost_minor < Payment.captured_minor, since,
    )  # fmt: skip
    due = (
        sa.select(*line)
        .join(Transfer, Transfer.payment_id == Payment.id)
        .where(Transfer.state.in_(("due", "intended", "sent")), since)
    )
    both = sa.union(held, due).subquery()
    return sa.select(both)


def _owing(now: datetime) -> sa.Select[Any]:
    """Experts who owe us for refunds that could not be brought back, since the oldest of them."""
    made_good = (
        sa.select(SetOff.refund_id, sa.func.sum(SetOff.amount_minor).label("minor"))
        .group_by(SetOff.refund_id)
        .subquery()
    )
    left = Refund.gap_minor - sa.func.coalesce(made_good.c.minor, 0)
    return (
        sa.select(
            *_line(
                sa.func.min(Refund.decided_at), Payment.payee_expert_id, sa.func.sum(left),
                expert_id=Payment.payee_expert_id,
            )
        )
        .select_from(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .outerjoin(made_good, made_good.c.refund_id == Refund.id)
        .where(Refund.gap_minor > 0, left > 0)
        .group_by(Payment.payee_expert_id)
    )  # fmt: skip
