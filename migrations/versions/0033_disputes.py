"""Reports, what each side says and asks, decisions, appeals, and refunds by operators."""

from __future__ import annotations

revision = "0033_disputes"
down_revision = "0032_proposals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
