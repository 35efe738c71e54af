"""When an expert's share leaves, and why then (booking-process.md, `transfer_due`)."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_SESSIONS = 3
NEW_EXPERT_WAITS = timedelta(days=7)
BANK_CHANGE_WAITS = timedelta(hours=72)
LONGEST = timedelta(days=80)


def transfer_due(
    *,
    due: datetime,
    sessions_before: int,
    captured_at: datetime | None,
    bank_changed_at: datetime | None = None,
) -> tuple[datetime, str]:
    """(when, why) for a share that fell due at `due`. Freezes are looked at again when it leaves.

    - at once: "due";
    - an expert's first three sessions: 7 days later ("new_expert"), on day 80 after the capture at
      the latest ("day_80");
    - never before 72 h after a change of bank account ("bank_changed").
    """
    when, why = due, "due"
    if sessions_before < FIRST_SESSIONS:
        when, why = due + NEW_EXPERT_WAITS, "new_expert"
        if captured_at is not None and captured_at + LONGEST < when:
            when, why = max(due, captured_at + LONGEST), "day_80"
    if bank_changed_at is not None and bank_changed_at + BANK_CHANGE_WAITS > when:
        when, why = bank_changed_at + BANK_CHANGE_WAITS, "bank_changed"
    return when, why
