"""Payments by bank transfer on company terms."""

from __future__ import annotations

revision = "0040_terms"
down_revision = "0039_chargebacks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
