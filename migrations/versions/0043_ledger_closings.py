"""Months closed, and what the checks found."""

from __future__ import annotations

revision = "0043_ledger_closings"
down_revision = "0042_refused_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
