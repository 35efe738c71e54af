"""Messages that were not believed, counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042_refused_events"
down_revision = "0041_platform_payouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_events",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "reason", name=op.f("pk_refused_events")),
        sa.CheckConstraint("reason ~ '^[a-z_]{1,40}$'", name=op.f("ck_refused_events_reason")),
        sa.CheckConstraint("number > 0", name=op.f("ck_refused_events_number_positive")),
    )


def downgrade() -> None:
    op.drop_table("refused_events")
