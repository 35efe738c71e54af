"""The loaded experts' accounts at the payment provider: asked for outside any transaction, by stable keys."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ...domain.ids import new_id
from ...gateways.payments import AccountSeen, PaymentError, Payments
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import Person


@dataclass(frozen=True)
class Onboard:
    """How a loaded expert answers what the sandbox's own page asks: `click(address)` does it as they would.

    It may raise OSError: the page does not answer now.
    """

    site_url: str
    click: Callable[[str], None]


def open_accounts(
    db: Database, payments: Payments, onboard: Onboard | None, progress: Callable[[str, int, int], None]
) -> tuple[int, int]:
    """(accounts now active that were not, experts still waiting). Where the provider does not answer,
    the rest waits for the next run."""
    with db.reading() as session:
        waiting = session.execute(
            sa.select(
                Expert.id, Expert.source_id, Expert.country, Expert.account_id, Person.email, Person.name
            )
            .join(Person, Person.id == Expert.person_id)
            .where(Expert.demo, Expert.source_id.is_not(None), Expert.account_status != "active")
            .order_by(Expert.id)
        ).all()
    opened = 0
    for number, row in enumerate(waiting):
        try:
            seen = _opened(payments, row, onboard)
        except (PaymentError, OSError):
            break
        _keep(db, row.id, seen)
        opened += seen.payable
        progress("accounts", number + 1, len(waiting))
    return opened, len(waiting) - opened


def _opened(payments: Payments, row: Any, onboard: Onboard | None) -> AccountSeen:
    """The same key gives the same account, however often a cut-off load is run again."""
    if row.account_id is None:
        seen = payments.create_account(
            key=f"demo-account-{row.id}",
            reference=str(row.id),
            email=row.email,
            name=row.name,
            country=row.country,
        )
    else:
        seen = payments.account(row.account_id)
    if not seen.payable and onboard is not None:
        back = f"{onboard.site_url}/"
        link = payments.onboarding_link(
            key=f"demo-onboarding-{new_id()}", account_id=seen.id, return_url=back, refresh_url=back
        )
        onboard.click(link.url)
        seen = payments.account(seen.id)  # Coming back proves nothing.
    return seen


def _keep(db: Database, expert_id: uuid.UUID, seen: AccountSeen) -> None:
    with db.transaction() as tx:
        expert = tx.session.get_one(Expert, expert_id)
        expert.account_id = seen.id
        expert.account_status = seen.transfers_status
        expert.account_asks = list(seen.asked)
