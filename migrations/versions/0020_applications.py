"""Experts who sign up themselves: their standing, and what they are writing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020_applications"
down_revision = "0019_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experts", sa.Column("status", sa.Text(), server_default="admitted", nullable=False))
    op.add_column("experts", sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("experts", sa.Column("photo_id", sa.Uuid(), nullable=True))
    op.add_column("experts", sa.Column("registration", sa.Text(), nullable=True))
    op.add_column(
        "experts", sa.Column("account_asks", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.create_table(
        "profile_drafts",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notes", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'changes', 'published')", name=op.f("ck_profile_drafts_state")
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"],
            ["experts.id"],
            name=op.f("fk_profile_drafts_expert_id_experts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_profile_drafts")),
    )
    # Those who are here were loaded, and stand as before; from now on everybody says it.
    op.execute("update experts set admitted_at = created_at")
    op.alter_column("experts", "status", server_default=None)
    op.alter_column("experts", "account_asks", server_default=None)
    op.create_check_constraint(
        op.f("ck_experts_status"), "experts", "status in ('applying', 'submitted', 'admitted', 'refused')"
    )
    op.create_check_constraint(
        op.f("ck_experts_admitted_whole"),
        "experts",
        "status <> 'admitted' or (headline <> '' and bio <> '' and country <> '' and languages <> '{}')",
    )


def downgrade() -> None:
    op.drop_constraint("ck_experts_admitted_whole", "experts")
    op.drop_constraint("ck_experts_status", "experts")
    op.drop_table("profile_drafts")
    op.drop_column("experts", "account_asks")
    op.drop_column("experts", "registration")
    op.drop_column("experts", "photo_id")
    op.drop_column("experts", "admitted_at")
    op.drop_column("experts", "status")
