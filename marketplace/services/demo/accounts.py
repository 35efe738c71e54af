"""The loaded experts' accounts at the payment provider: asked for outside any transaction, by stable keys."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from ...domain.ids import new_id
from ...gateways.payments import AccountSeen, PaymentError, Payments, Unavailable, Unknown
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import Person

# Seconds between tries for one account: a restart of the site or the provider passes within them.
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
# Nothing was said for good: asking again with the same key is right.
_NO_ANSWER = (Unknown, Unavailable, OSError)


@dataclass(frozen=True)
class Onboard:
    """How a loaded expert answers what the sandbox's own page asks: `click(address)` does it as they would.

    It may raise OSError: the page does not answer now.
    """

    site_url: str
    click: Callable[[str], None]


@dataclass(frozen=True)
class Opened:
    """How many accounts became active, how many have to be completed by hand, whom the provider had no
    answer for (their number), whom it refused (name, why)."""

    active: int = 0
    to_complete: int = 0
    unanswered: int = 0
    refused: tuple[tuple[str, str], ...] = ()


def open_accounts(
    db: Database,
    payments: Payments,
    onboard: Onboard | None,
    progress: Callable[[str, int, int], None],
    pause: Callable[[float], None] = time.sleep,
) -> Opened:
    """Open the accounts that are missing, each tried again a few times, later each time. A refusal is that
    expert's alone; where nobody answers any more, the rest waits for the next run."""
    with db.reading() as session:
        waiting = session.execute(
            sa.select(
                Expert.id, Expert.source_id, Expert.country, Expert.account_id, Person.email, Person.name
            )
            .join(Person, Person.id == Expert.person_id)
            .where(Expert.demo, Expert.source_id.is_not(None), Expert.account_status != "active")
            .order_by(Expert.id)
        ).all()
    active = to_complete = 0
    refused: list[tuple[str, str]] = []
    for number, row in enumerate(waiting):
        try:
            seen = _persistently(partial(_opened, payments, row, onboard), pause)
        except _NO_ANSWER:
            return Opened(active, to_complete, len(waiting) - number, tuple(refused))
        except PaymentError as why:
            refused.append((row.name, str(why)))
        else:
            _keep(db, row.id, seen)
            active += seen.payable
            to_complete += not seen.payable
        progress("accounts", number + 1, len(waiting))
    return Opened(active, to_complete, 0, tuple(refused))


def _persistently(act: Callable[[], AccountSeen], pause: Callable[[float], None]) -> AccountSeen:
    for wait in WAITS:
        try:
            return act()
        except _NO_ANSWER:
            pause(wait)
    return act()


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
