"""What becomes of refunds, and what an expert owes."""

from __future__ import annotations

revision = "0038_refunds"
down_revision = "0037_provider_calls"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
