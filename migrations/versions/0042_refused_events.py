"""Messages that were not believed, counted."""

from __future__ import annotations

revision = "0042_refused_events"
down_revision = "0041_platform_payouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
