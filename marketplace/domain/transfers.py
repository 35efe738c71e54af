"""When an expert's share leaves, and why then (booking-process.md, `transfer_due`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

FIRST_SESSIONS = 3
NEW_EXPERT_WAITS = timedelta(days=7)
BANK_CHANGE_WAITS = timedelta(hours=72)
LONGEST = timedelta(days=80)
# What stops a transfer whatever its date, the one that is named first where both stand.
FREEZES = ("chargeback", "report")


def transfer_due(
    *,
    due: datetime,
    sessions_before: int,
    captured_at: datetime | None,
    bank_changed_at: datetime | None = None,
    freezes: Collection[str] = (),
) -> tuple[datetime, str]:
    """(when, why) for a share that fell due at `due`: completion, or on terms the company's payment.

    - at once: "due";
    - an expert's first three sessions: 7 days later ("new_expert"), on day 80 after the capture at
      the latest ("day_80");
    - never before 72 h after a change of bank account ("bank_changed");
    - not while a chargeback or an open report stands ("chargeback", "report"): nothing leaves until it
      is gone, and `when` is only the earliest it could. It is looked at again just before the call.
    """
    when, why = due, "due"
    if sessions_before < FIRST_SESSIONS:
        when, why = due + NEW_EXPERT_WAITS, "new_expert"
        if captured_at is not None and captured_at + LONGEST < when:
            when, why = max(due, captured_at + LONGEST), "day_80"
    if bank_changed_at is not None and bank_changed_at + BANK_CHANGE_WAITS > when:
        when, why = bank_changed_at + BANK_CHANGE_WAITS, "bank_changed"
    return when, frozen_by(freezes) or why


def frozen_by(freezes: Collection[str]) -> str | None:
    """Which freeze stops a transfer, or None. An unknown one is a defect (ValueError)."""
    unknown = set(freezes) - set(FREEZES)
    if unknown:
        raise ValueError(f"no freeze is called {sorted(unknown)}")
    return next((freeze for freeze in FREEZES if freeze in freezes), None)
