"""The sweep: re-drives, item by item, whatever has been in flight too long. It alone is enough:
with every event lost the end is the same. One item's failure never stops the others."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta

import sqlalchemy as sa

from ...domain.errors import ProviderBusy
from ...gateways.payments import Payments
from ...storage.db import Database
from ...storage.payments import InboxEvent, Payment, ProviderCall, Refund
from .applying import apply_event, refresh
from .carrying import carry_out

log = logging.getLogger(__name__)
AT_ONCE = 200
# A job has had its chance; what is younger is not stuck.
PATIENCE = timedelta(seconds=20)


def sweep(db: Database, gateway: Payments) -> int:
    """Drive every stuck call, event and payment once; how many were looked at."""
    calls, events, payments = _stuck(db)
    done = _each(calls, lambda one: carry_out(db, gateway, one))
    done += _each(events, lambda one: apply_event(db, gateway, one))
    return done + _each(payments, lambda one: refresh(db, gateway, one))


def _stuck(db: Database) -> tuple[list[uuid.UUID], list[uuid.UUID], list[uuid.UUID]]:
    before = db.clock() - PATIENCE
    moving = sa.select(Refund.payment_id).where(Refund.state.in_(("intended", "sent", "pending")))
    with db.reading() as session:
        calls = session.scalars(
            sa.select(ProviderCall.id)
            .where(
                ProviderCall.state.in_(("intended", "sent")), ProviderCall.made_at <= before,
                # A checkout whose answer was lost needs nothing: nobody has its address.
                ProviderCall.kind != "open_checkout",
            )
            .order_by(ProviderCall.made_at).limit(AT_ONCE)
        ).all()  # fmt: skip
        events = session.scalars(
            sa.select(InboxEvent.id)
            .where(InboxEvent.applied_at.is_(None), InboxEvent.received_at <= before)
            .order_by(InboxEvent.received_at).limit(AT_ONCE)
        ).all()  # fmt: skip
        payments = session.scalars(
            sa.select(Payment.id)
            .where(sa.or_(Payment.state.in_(("open", "authorised")), Payment.id.in_(moving)))
            .order_by(Payment.created_at).limit(AT_ONCE)
        ).all()  # fmt: skip
    return list(calls), list(events), list(payments)


def _each(items: Iterable[uuid.UUID], act: Callable[[uuid.UUID], None]) -> int:
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
