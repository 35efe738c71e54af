"""Private calendar addresses, and the reminders a person does not want."""

from __future__ import annotations

revision = "0036_feeds"
down_revision = "0035_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
