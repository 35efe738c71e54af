"""Payouts: what is due to experts, when and why, and its transfer (booking-process.md, `transfer_due`)."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.errors import ProviderBusy
from ..domain.pricing import Quote
from ..gateways.payments import Payments
from ..storage.db import Database, Tx
from ..storage.experts import Expert
from ..storage.payments import Payment, ProviderCall, Refund
from ..storage.payouts import SetOff, Transfer
from . import ledger
from .payments import carry_out
from .payments.applying import refresh_account
from .payments.intents import labels, write_call
from .payments.locking import lock_payment
from .payments.refunding import share_kept, sum_lines
from .payments.transferring import all_set_off, in_its_way, set_off

log = logging.getLogger(__name__)
AT_ONCE = 100
# After a refusal at the provider: what was in the way is rarely gone within the minute.
AGAIN_AFTER = timedelta(hours=1)


def schedule_transfer(tx: Tx, payment: Payment, *, amount_minor: int, due_at: datetime, why: str) -> None:
    """Put the expert's share of a payment on the calendar, once a payment."""
    if tx.session.scalar(sa.select(Transfer.id).where(Transfer.payment_id == payment.id)):
        return
    tx.session.add(
        Transfer(
            payment_id=payment.id, expert_id=payment.payee_expert_id, subject=payment.subject,
            amount_minor=amount_minor, currency=payment.currency, due_at=due_at, why=why, made_at=tx.now,
        )
    )  # fmt: skip


def run_due_transfers(db: Database, gateway: Payments) -> int:
    """Send every share whose day has come and that nothing stands in the way of; how many left.

    While the books do not hold nothing leaves: a wrong transfer is harder to bring back than a late one.
    """
    with db.reading() as session:
        if ledger.stopped(session):
            log.critical("no transfer leaves while the books do not hold")
            return 0
        due = session.execute(
            sa.select(Transfer.id, Expert.account_id, Expert.account_status)
            .join(Expert, Expert.id == Transfer.expert_id)
            .where(Transfer.state == "due", Transfer.due_at <= db.clock())
            # Those that were held up come last, by chance among themselves: none blocks the others.
            .order_by(Transfer.held_up_by.is_not(None), sa.func.random()).limit(AT_ONCE)
        ).all()  # fmt: skip
    _ask_about_accounts(db, gateway, {row.account_id for row in due if row.account_status != "active"})
    return sum(_send(db, gateway, row.id) for row in due)


def _ask_about_accounts(db: Database, gateway: Payments, account_ids: Iterable[str | None]) -> None:
    """An account that opened up meanwhile, of which no event told us."""
    for account_id in account_ids:
        if account_id is None:
            continue
        try:
            refresh_account(db, gateway, account_id)
        except ProviderBusy:
            return


def _send(db: Database, gateway: Payments, transfer_id: uuid.UUID) -> bool:
    try:
        call_id = _intend(db, transfer_id)
        if call_id is not None:
            carry_out(db, gateway, call_id)
        with db.reading() as session:
            return session.get_one(Transfer, transfer_id).state == "done"
    except ProviderBusy:
        return False
    except Exception:
        log.exception("transfer %s could not be sent", transfer_id)
        return False


def _intend(db: Database, transfer_id: uuid.UUID) -> uuid.UUID | None:
    """Look again just before the call: frozen, restricted, or a refund under way, and it waits.

    What the expert owes is kept of it; nothing left to send, and it is over without a call.
    """
    with db.transaction() as tx:
        transfer = tx.session.get_one(Transfer, transfer_id)
        payment = lock_payment(tx, transfer.payment_id)
        tx.session.refresh(transfer)
        if transfer.state != "due":
            return None
        tries, last = _tried(tx.session, transfer)
        if last is not None and tx.now - last < AGAIN_AFTER:
            return None
        expert = tx.session.get_one(Expert, transfer.expert_id)
        transfer.held_up_by = in_its_way(tx.session, payment, expert)
        if transfer.held_up_by is not None:
            return None
        set_off(tx, transfer)
        if not transfer.sent_minor:
            all_set_off(tx, payment, transfer)
            return None
        # A refusal stays under its key, so each new try is a call of its own.
        call = write_call(
            tx, payment, "transfer", f"transfer/{transfer.id}/{tries}",
            {
                "amount_minor": transfer.sent_minor, "currency": transfer.currency,
                "account_id": expert.account_id, "charge_id": payment.charge_id, "reference": payment.reference,
                "metadata": labels(payment),
            },
        )  # fmt: skip
        if call is None:
            return None
        transfer.state = "intended"
        return call.id


def _tried(session: Session, transfer: Transfer) -> tuple[int, datetime | None]:
    """How often it was tried, and when the last try was refused."""
    tries, last = session.execute(
        sa.select(sa.func.count(), sa.func.max(ProviderCall.ended_at)).where(
            ProviderCall.payment_id == transfer.payment_id, ProviderCall.kind == "transfer"
        )
    ).one()
    return tries, last


@dataclass(frozen=True)
class MoneyRow:
    """One session's money, from the expert's side. Amounts in minor units.

    `set_off` of the share was kept, for refunds of the sessions in `set_off_for` (subject, minor units)
    that could not be brought back from the expert's account.
    """

    subject: uuid.UUID
    quote: Quote
    share: int
    state: str  # authorised, held, due, transferred, returned
    paid_at: datetime | None
    due_at: datetime | None
    why: str | None
    held_up_by: str | None
    done_at: datetime | None
    provider_id: str | None
    set_off: int = 0
    set_off_for: tuple[tuple[uuid.UUID, int], ...] = ()
    # The client's bank contests the payment: nothing moves.
    frozen: bool = False


@dataclass(frozen=True)
class ExpertMoney:
    """A page of it, newest first; `after` leads to the next one (created_at and id of the last payment)."""

    rows: Sequence[MoneyRow]
    after: tuple[datetime, uuid.UUID] | None = None

    def sum_of(self, state: str) -> int:
        """Minor units in that state, of this page."""
        return sum(row.share for row in self.rows if row.state == state)


def expert_money(
    session: Session,
    expert_id: uuid.UUID,
    most: int = 200,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> ExpertMoney:
    """Where an expert's money is, newest first, keyset-paged: three statements, whatever the data."""
    query = _payments_of(expert_id).order_by(Payment.created_at.desc(), Payment.id.desc()).limit(most + 1)
    if after is not None:
        query = query.where(sa.tuple_(Payment.created_at, Payment.id) < after)
    found = session.execute(query).all()
    more, found = len(found) > most, found[:most]
    last = found[-1][0] if found else None
    return ExpertMoney(_rows(session, found), (last.created_at, last.id) if more and last else None)


def money_row(session: Session, expert_id: uuid.UUID, subject: uuid.UUID) -> MoneyRow | None:
    """The same of one session, three statements; None while nothing was authorised."""
    found = session.execute(
        _payments_of(expert_id)
        .where(Payment.subject == subject)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    ).all()
    rows = _rows(session, found)
    return rows[0] if rows else None


@dataclass(frozen=True)
class Sum:
    """Minor units, of how many sessions, and one day: the next it leaves, or the last it left."""

    minor: int = 0
    count: int = 0
    day: datetime | None = None


@dataclass(frozen=True)
class MoneySums:
    """All of an expert's money by where it is; `transferred` since a day, `held_up` of what is due."""

    authorised: Sum
    held: Sum
    due: Sum
    held_up: int
    transferred: Sum


def money_sums(session: Session, expert_id: uuid.UUID, since: datetime) -> MoneySums:
    """Three statements: what is open is a handful and added up here, what is due or gone in the database."""
    opened = session.execute(
        _payments_of(expert_id)
        .where(Transfer.id.is_(None))
        .where(sa.or_(Payment.state == "authorised", Payment.refunded_minor < Payment.captured_minor))
    ).all()
    rows = [row for row in _rows(session, opened) if row.state != "returned"]
    waits = Transfer.state.in_(("due", "intended", "sent"))
    gone = sa.and_(Transfer.state == "done", Transfer.ended_at >= since)
    sent = Transfer.amount_minor - Transfer.set_off_minor
    total, count = sa.func.sum(sent), sa.func.count()
    total_kept = sa.func.sum(sent - Transfer.reversed_minor)
    sums = session.execute(
        sa.select(
            total.filter(waits), count.filter(waits), sa.func.min(Transfer.due_at).filter(waits),
            count.filter(waits, Transfer.held_up_by.is_not(None)),
            total_kept.filter(gone), count.filter(gone), sa.func.max(Transfer.ended_at).filter(gone),
        ).where(Transfer.expert_id == expert_id)
    ).one()  # fmt: skip
    return MoneySums(
        authorised=_sum(rows, "authorised"), held=_sum(rows, "held"),
        due=Sum(int(sums[0] or 0), *sums[1:3]), held_up=sums[3],
        transferred=Sum(int(sums[4] or 0), *sums[5:]),
    )  # fmt: skip


def _sum(rows: Sequence[MoneyRow], state: str) -> Sum:
    shares = [row.share for row in rows if row.state == state]
    return Sum(sum(shares), len(shares))


def _payments_of(expert_id: uuid.UUID) -> sa.Select[Payment, Transfer]:
    return (
        sa.select(Payment, Transfer)
        .outerjoin(Transfer, Transfer.payment_id == Payment.id)
        .where(Payment.payee_expert_id == expert_id, Payment.state.in_(("authorised", "captured")))
    )


def _rows(session: Session, found: Sequence[sa.Row[Payment, Transfer]]) -> list[MoneyRow]:
    refunded: dict[uuid.UUID, list[dict[str, int]]] = defaultdict(list)
    for payment_id, lines in session.execute(
        sa.select(Refund.payment_id, Refund.lines).where(
            Refund.payment_id.in_([payment.id for payment, _transfer in found]), ~Refund.borne_by_us,
            Refund.state != "redecided",
        )
    ):  # fmt: skip
        refunded[payment_id].append(lines)
    kept = _set_offs(session, [transfer.id for _payment, transfer in found if transfer is not None])
    return [
        _row(payment, transfer, refunded[payment.id], kept.get(transfer.id, ()) if transfer else ())
        for payment, transfer in found
    ]


def _set_offs(
    session: Session, transfer_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[tuple[uuid.UUID, int], ...]]:
    """What was kept of transfers, and for which session's refund each time."""
    found: dict[uuid.UUID, tuple[tuple[uuid.UUID, int], ...]] = {}
    for transfer_id, subject, minor in session.execute(
        sa.select(SetOff.transfer_id, Payment.subject, SetOff.amount_minor)
        .join(Refund, Refund.id == SetOff.refund_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(SetOff.transfer_id.in_(transfer_ids))
        .order_by(SetOff.id)
    ):
        found[transfer_id] = (*found.get(transfer_id, ()), (subject, minor))
    return found


def _row(
    payment: Payment,
    transfer: Transfer | None,
    refunded: Sequence[Mapping[str, int]],
    set_offs: tuple[tuple[uuid.UUID, int], ...],
) -> MoneyRow:
    quote = Quote.from_dict(payment.quote)
    state, share = _where_it_is(payment, transfer), _kept(quote, payment, refunded)
    if transfer is not None and transfer.state != "failed":
        share = transfer.amount_minor - transfer.reversed_minor
    return MoneyRow(
        subject=payment.subject, quote=quote, share=share,
        state="returned" if share == 0 else state, paid_at=payment.captured_at,
        due_at=transfer.due_at if transfer else None, why=transfer.why if transfer else None,
        held_up_by=transfer.held_up_by if transfer else None, done_at=transfer.ended_at if transfer else None,
        provider_id=transfer.provider_id if transfer else None,
        set_off=transfer.set_off_minor if transfer else 0, set_off_for=set_offs, frozen=payment.frozen_by is not None,
    )  # fmt: skip


def _where_it_is(payment: Payment, transfer: Transfer | None) -> str:
    if transfer is not None:
        return {"done": "transferred", "failed": "returned"}.get(transfer.state, "due")
    return "authorised" if payment.state == "authorised" else "held"


def _kept(quote: Quote, payment: Payment, refunded: Sequence[Mapping[str, int]]) -> int:
    """The expert's share of what is not decided to go back to the buyer."""
    return share_kept(quote, payment, sum_lines(refunded))
