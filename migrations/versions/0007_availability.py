"""Calendars and claims: no two live claims of one expert overlap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_availability"
down_revision = "0006_briefs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("weekly", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dated", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before_minutes", sa.Integer(), nullable=False),
        sa.Column("after_minutes", sa.Integer(), nullable=False),
        sa.Column("notice_hours", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("grid_minutes", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("per_week", sa.Integer(), nullable=True),
        sa.CheckConstraint("before_minutes >= 0 and after_minutes >= 0", name=op.f("ck_calendars_buffers")),
        sa.CheckConstraint("grid_minutes in (15, 30, 60)", name=op.f("ck_calendars_grid")),
        sa.CheckConstraint("horizon_days between 1 and 60", name=op.f("ck_calendars_horizon")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_calendars_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_calendars")),
    )
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("expert_id"), "="),
            (sa.column("booking_id"), "<>"),
            (sa.column("during"), "&&"),
            where=sa.text("live"),
            using="gist",
            name="claims_never_overlap",
        ),
        sa.CheckConstraint(
            "not isempty(during) and lower_inc(during) and not upper_inc(during)",
            name=op.f("ck_claims_half_open"),
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_claims_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_booking_id", "claims", ["booking_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_claims_booking_id", table_name="claims")
    op.drop_table("claims")
    op.drop_table("calendars")
