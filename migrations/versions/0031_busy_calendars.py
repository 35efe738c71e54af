"""Busy calendars by address, what of them counts, and the public holidays an expert keeps."""

from __future__ import annotations

revision = "0031_busy_calendars"
down_revision = "0030_search_scale"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
