"""Places in the queue of a full calendar, and times that a buyer proposes."""

from __future__ import annotations

revision = "0035_places"
down_revision = "0034_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
