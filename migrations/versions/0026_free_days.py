"""Free days, for a search to ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026_free_days"
down_revision = "0025_shortlists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "free_days",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("minutes", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_start <= last_start", name=op.f("ck_free_days_starts")),
        sa.CheckConstraint("minutes in (180, 210, 240)", name=op.f("ck_free_days_minutes")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_free_days_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("expert_id", "minutes", "day", name=op.f("pk_free_days")),
    )
    op.create_index("ix_free_days_day", "free_days", ["day", "expert_id", "minutes"], unique=False)
    op.create_table(
        "free_days_made",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["expert_id"],
            ["experts.id"],
            name=op.f("fk_free_days_made_expert_id_experts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_free_days_made")),
    )
    op.create_index(op.f("ix_free_days_made_made_at"), "free_days_made", ["made_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_free_days_made_made_at"), table_name="free_days_made")
    op.drop_table("free_days_made")
    op.drop_index("ix_free_days_day", table_name="free_days")
    op.drop_table("free_days")
