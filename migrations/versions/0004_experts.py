"""Experts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_experts"
down_revision = "0003_companies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "experts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("startup", sa.Text(), nullable=False),
        sa.Column("startup_role", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("vat_status", sa.Text(), nullable=False),
        sa.Column("vat_number", sa.Text(), nullable=True),
        sa.Column("vat_ground", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("account_status", sa.Text(), nullable=False),
        sa.Column("standing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conflicts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("meeting_link", sa.Text(), nullable=True),
        sa.Column("bank_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_count", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("vat_status in ('liable', 'exempt')", name=op.f("ck_experts_vat_status")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_experts_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experts")),
        sa.UniqueConstraint("account_id", name=op.f("uq_experts_account_id")),
        sa.UniqueConstraint("person_id", name=op.f("uq_experts_person_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_experts_slug")),
        sa.UniqueConstraint("source_id", name=op.f("uq_experts_source_id")),
    )


def downgrade() -> None:
    op.drop_table("experts")
