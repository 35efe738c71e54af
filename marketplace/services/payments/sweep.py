"""The sweep: re-drives, item by item, whatever has been in flight too long. It alone is enough:
with every event lost the end is the same. One item's failure never stops the others."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import ProviderBusy
from ...gateways.payments import Payments
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.ledger import LedgerGroup
from ...storage.payments import InboxEvent, Payment, ProviderCall, Refund
from .. import ledger
from .applying import apply_event, refresh, refresh_account, refund_may_move
from .carrying import carry_out
from .chargebacks import contested
from .deciding import drive_waiting, refunds_that_wait

log = logging.getLogger(__name__)
Item = TypeVar("Item")
# Where more than these wait, chance picks, so that none waits behind the same others for ever.
AT_ONCE = 200
AT_ONCE_LATE = 50
# A job has had its chance; what is younger is not stuck.
PATIENCE = timedelta(seconds=20)
# The provider books its fee with the capture, or soon after.
FEE_MAY_COME = timedelta(days=7)


def sweep(db: Database, gateway: Payments) -> int:
    """Drive every stuck call, event, payment, waiting refund and account once; how many were looked at."""
    now = db.clock()
    with db.reading() as session:
        calls, events = _calls(session, now), _events(session, now)
        payments, accounts = _moving(session, now), _accounts(session)
        waiting = refunds_that_wait(session, now, AT_ONCE)
    done = _each(calls, lambda one: carry_out(db, gateway, one))
    done += _each(events, lambda one: apply_event(db, gateway, one))
    done += _each(payments, lambda one: refresh(db, gateway, one))
    done += _each(contested(db, gateway), lambda one: refresh(db, gateway, one, disputed=True))
    done += _each(waiting, lambda one: drive_waiting(db, one))
    return done + _each(accounts, lambda one: refresh_account(db, gateway, one))


def _calls(session: Session, now: datetime) -> Sequence[uuid.UUID]:
    return session.scalars(
        sa.select(ProviderCall.id)
        .where(
            ProviderCall.state.in_(("intended", "sent")), ProviderCall.made_at <= now - PATIENCE,
            # A checkout whose answer was lost needs nothing: nobody has its address.
            ProviderCall.kind != "open_checkout",
        )
        .order_by(sa.func.random()).limit(AT_ONCE)
    ).all()  # fmt: skip


def _events(session: Session, now: datetime) -> Sequence[uuid.UUID]:
    return session.scalars(
        sa.select(InboxEvent.id)
        .where(InboxEvent.applied_at.is_(None), InboxEvent.received_at <= now - PATIENCE)
        .order_by(sa.func.random()).limit(AT_ONCE)
    ).all()  # fmt: skip


def _moving(session: Session, now: datetime) -> list[uuid.UUID]:
    """Payments of which the provider may have something new to say: under way, without their fee,
    or with refunds that may still move."""
    under_way = session.scalars(
        sa.select(Payment.id).where(Payment.state.in_(("open", "authorised")))
        .order_by(sa.func.random()).limit(AT_ONCE)
    )  # fmt: skip
    known_fees = sa.select(LedgerGroup.source).where(LedgerGroup.kind == ledger.PROVIDER_FEE)
    later = session.scalars(
        sa.select(Payment.id)
        .where(
            sa.or_(
                Payment.id.in_(sa.select(Refund.payment_id).where(refund_may_move(now))),
                (Payment.captured_at > now - FEE_MAY_COME) & Payment.charge_id.not_in(known_fees),
            )
        )
        .order_by(sa.func.random()).limit(AT_ONCE_LATE)
    )  # fmt: skip
    return list(dict.fromkeys([*under_way, *later]))


def _accounts(session: Session) -> list[str]:
    """Accounts that could not be paid when we last heard of them."""
    found = session.scalars(
        sa.select(Expert.account_id)
        .where(Expert.account_id.is_not(None), Expert.account_status != "active")
        .order_by(sa.func.random()).limit(AT_ONCE_LATE)
    )  # fmt: skip
    return [account_id for account_id in found if account_id is not None]


def _each(items: Iterable[Item], act: Callable[[Item], None]) -> int:
    done = 0
    for item in items:
        try:
            act(item)
            done += 1
        except ProviderBusy:
            continue  # The next sweep asks again.
        except Exception:
            log.exception("the sweep could not drive %s", item)
    return done
