"""Our own money on its way to our bank."""

from __future__ import annotations

revision = "0041_platform_payouts"
down_revision = "0040_terms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
