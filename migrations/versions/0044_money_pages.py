"""What the money pages need."""

from __future__ import annotations

revision = "0044_money_pages"
down_revision = "0043_ledger_closings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
