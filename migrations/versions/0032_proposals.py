"""Other times proposed for a made booking, one open at a time."""

from __future__ import annotations

revision = "0032_proposals"
down_revision = "0031_busy_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
