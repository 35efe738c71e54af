"""Disputes at the payer's bank, and the evidence sent."""

from __future__ import annotations

revision = "0039_chargebacks"
down_revision = "0038_refunds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
