"""Rescues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_rescues"
down_revision = "0013_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rescues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_rescues_booking_id_bookings"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescues")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_rescues_booking_id")),
    )


def downgrade() -> None:
    op.drop_table("rescues")
