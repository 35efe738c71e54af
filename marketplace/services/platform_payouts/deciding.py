"""Whether and how much: under a lock, on a sum that holds."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound, PlatformPayoutRefused, ProviderBusy, SameOperator
from ...domain.money import EUR
from ...domain.own_funds import OwnFunds
from ...domain.policy import Actor
from ...gateways.payments import PaymentError, Payments
from ...storage.db import Database, Tx
from ...storage.payments import ProviderCall
from ...storage.platform_payouts import PlatformPayout
from .. import ledger
from ..people import write_audit
from .carrying import ALONE, OPEN, carry_out_payout

log = logging.getLogger(__name__)
Decided = TypeVar("Decided")
# A reading of the balance is good when no money left while it was made.
MOST_READINGS = 3
LEAVING = ("refund", "transfer", "reverse_transfer")
# The monthly payout is tried in the first days of the month; then an operator decides.
MONTHLY_DAYS = timedelta(days=10)


@dataclass(frozen=True)
class Offered:
    """What could be paid out now, with every term; `why_not` names what stands in the way."""

    funds: OwnFunds
    why_not: str | None


def offered(db: Database, gateway: Payments) -> Offered:
    """The sum as it stands, for the page. ProviderBusy: the provider does not say now."""

    def look(tx: Tx, funds: OwnFunds, schedule: str) -> Offered:
        return Offered(funds, _in_the_way(tx.session, schedule) or (None if funds.minor > 0 else "nothing"))

    return _alone(db, gateway, look)


def propose(
    db: Database, gateway: Payments, actor: Actor, *, amount_minor: int, seen_minor: int, second_above: int,
    token: str,
) -> PlatformPayout:  # fmt: skip
    """An operator pays an amount (minor units) to our bank, once a token; above the limit a second one
    confirms it first.

    `seen_minor` is what the page showed as ours. PlatformPayoutRefused (why): `stopped`, `short`,
    `schedule`, `waiting` (another one), `nothing`, `too_much` (most), `changed` (less is ours than was shown).
    """

    def decide(tx: Tx, funds: OwnFunds, schedule: str) -> PlatformPayout:
        known = tx.session.scalar(sa.select(PlatformPayout).where(PlatformPayout.token == token))
        if known is not None:
            return known
        _refuse(tx.session, schedule)
        if amount_minor > funds.minor:
            why = "too_much" if amount_minor > seen_minor else "changed"
            raise PlatformPayoutRefused(why=why, most=max(0, funds.minor), asked=amount_minor)
        row = _write(tx, amount_minor, funds, "proposed" if amount_minor > second_above else "intended")
        row.made_by, row.token = actor.person_id, token
        act = "payout.proposed" if row.state == "proposed" else "payout.made"
        write_audit(tx, actor_id=actor.person_id, act=act, subject=str(row.id))
        return row

    if amount_minor <= 0:
        raise PlatformPayoutRefused(why="nothing")
    row = _alone(db, gateway, decide)
    return _go(db, gateway, row) if row.state == "intended" else row


def second(
    db: Database, gateway: Payments, actor: Actor, *, payout_id: uuid.UUID, yes: bool
) -> PlatformPayout:
    """Another operator's yes, or anybody's no, to a payout that waits for it. SameOperator, PlatformPayoutRefused
    (`gone`: somebody answered; and all of `propose`)."""

    def decide(tx: Tx, funds: OwnFunds, schedule: str) -> PlatformPayout:
        row = _waiting(tx, payout_id)
        if actor.person_id == row.made_by:
            raise SameOperator
        _refuse(tx.session, schedule, but=row.id)
        if row.amount_minor > funds.minor:
            raise PlatformPayoutRefused(why="changed", most=max(0, funds.minor), asked=row.amount_minor)
        row.state, row.decided_by, row.terms = "intended", actor.person_id, terms_of(funds)
        write_audit(tx, actor_id=actor.person_id, act="payout.made", subject=str(row.id))
        return row

    if yes:
        return _go(db, gateway, _alone(db, gateway, decide))
    with db.transaction() as tx:
        tx.session.execute(ALONE)
        row = _waiting(tx, payout_id)
        row.state, row.ended_at = "dropped", tx.now
        write_audit(tx, actor_id=actor.person_id, act="payout.dropped", subject=str(row.id))
        return row


def run_monthly(db: Database, gateway: Payments) -> bool:
    """Pay out what is ours once after each closed month; whether it was done now. Nothing while something stops it."""
    with db.reading() as session:
        month = ledger.closed_month(session)
        if month is None or db.clock() > month.ends_at + MONTHLY_DAYS or _paid_for(session, month.month):
            return False
        if _in_the_way(session, "manual"):
            return False

    def decide(tx: Tx, funds: OwnFunds, schedule: str) -> PlatformPayout | None:
        if _in_the_way(tx.session, schedule) or _paid_for(tx.session, month.month) or funds.minor <= 0:
            return None
        row = _write(tx, funds.minor, funds, "intended")
        row.month = month.month
        return row

    row = _alone(db, gateway, decide)
    if row is None:
        return False
    _go(db, gateway, row)
    return True


def _alone(db: Database, gateway: Payments, decide: Callable[[Tx, OwnFunds, str], Decided]) -> Decided:
    """Decide under the lock on a sum that holds: no money left between the reading of the balance and now."""
    for _ in range(MOST_READINGS):
        with db.reading() as session:
            before = _what_left(session)
        try:
            schedule, available = gateway.payout_schedule(), gateway.balance().available.get(EUR, 0)
        except PaymentError as error:
            raise ProviderBusy from error
        with db.transaction() as tx:
            tx.session.execute(ALONE)
            left, leaving = _what_left(tx.session)
            if (left, leaving) == before and not leaving:
                return decide(tx, ledger.own_funds(tx.session, available), schedule)
    raise ProviderBusy


def _what_left(session: Session) -> tuple[int, int]:
    """How many calls have taken or brought back money, and how many are being made just now."""
    made = (ProviderCall.kind.in_(LEAVING), ProviderCall.state)
    left, leaving = session.execute(
        sa.select(
            sa.func.count().filter(made[1].in_(("done", "failed"))), sa.func.count().filter(made[1] == "sent")
        ).where(made[0])
    ).one()
    payouts = session.scalar(
        sa.select(sa.func.count()).select_from(PlatformPayout).where(PlatformPayout.provider_id.is_not(None))
    )
    return left + (payouts or 0), leaving


def _in_the_way(session: Session, schedule: str, but: uuid.UUID | None = None) -> str | None:
    if schedule != "manual":
        return "schedule"
    if ledger.stopped(session):
        return "stopped"
    if ledger.short(session):
        return "short"
    waiting = sa.select(PlatformPayout.id).where(PlatformPayout.state.in_(("proposed", *OPEN)))
    if but is not None:
        waiting = waiting.where(PlatformPayout.id != but)
    return "waiting" if session.scalar(waiting) else None


def _refuse(session: Session, schedule: str, but: uuid.UUID | None = None) -> None:
    why = _in_the_way(session, schedule, but)
    if why is not None:
        raise PlatformPayoutRefused(why=why)


def _paid_for(session: Session, month: date) -> bool:
    return bool(
        session.scalar(
            sa.select(PlatformPayout.id).where(
                PlatformPayout.month == month, PlatformPayout.state.not_in(("dropped", "failed"))
            )
        )
    )


def _write(tx: Tx, minor: int, funds: OwnFunds, state: str) -> PlatformPayout:
    row = PlatformPayout(amount_minor=minor, terms=terms_of(funds), state=state, made_at=tx.now)
    tx.session.add(row)
    tx.session.flush()  # Its id is the key.
    return row


def terms_of(funds: OwnFunds) -> dict[str, int]:
    """Every term of the sum, minor units, as it is kept with a payout."""
    cover = funds.cover
    return {
        "available": funds.available, "held": cover.held, "payable": cover.payable, "owed": cover.owed,
        "vat": cover.vat, "under_way": funds.under_way, "own_funds": funds.minor,
    }  # fmt: skip


def _waiting(tx: Tx, payout_id: uuid.UUID) -> PlatformPayout:
    row = tx.session.get(PlatformPayout, payout_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.state != "proposed":
        raise PlatformPayoutRefused(why="gone")
    return row


def _go(db: Database, gateway: Payments, row: PlatformPayout) -> PlatformPayout:
    """Make the call now; where the provider does not answer, the sweep goes on with the same key."""
    try:
        carry_out_payout(db, gateway, row.id)
    except ProviderBusy:
        log.warning("payout %s: no answer yet", row.id)
    with db.reading() as session:
        return session.get_one(PlatformPayout, row.id)


def recent(session: Session, most: int = 24) -> Sequence[PlatformPayout]:
    """The latest payouts, newest first."""
    return session.scalars(
        sa.select(PlatformPayout)
        .order_by(PlatformPayout.made_at.desc(), PlatformPayout.id.desc())
        .limit(most)
    ).all()
