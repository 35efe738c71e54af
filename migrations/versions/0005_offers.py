"""Offers, their versions and the taxonomy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_offers"
down_revision = "0004_experts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "industries",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("fr", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_industries")),
    )
    op.create_table(
        "topics",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("fr", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_topics")),
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('draft', 'live', 'hidden', 'closed')", name=op.f("ck_offers_status")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_offers_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("slug", name=op.f("uq_offers_slug")),
        sa.UniqueConstraint("source_id", name=op.f("uq_offers_source_id")),
    )
    op.create_index(op.f("ix_offers_expert_id"), "offers", ["expert_id"], unique=False)
    op.create_table(
        "offer_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.Column("unlocked", sa.Text(), nullable=False),
        sa.Column("takeaways", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("for_whom", sa.Text(), nullable=False),
        sa.Column("not_for_whom", sa.Text(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("industries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("notice_hours", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("instant", sa.Boolean(), nullable=False),
        sa.Column("promises_plan", sa.Boolean(), nullable=False),
        sa.Column("questions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency = 'EUR'", name=op.f("ck_offer_versions_currency")),
        sa.CheckConstraint("format in ('remote', 'on_site', 'both')", name=op.f("ck_offer_versions_format")),
        sa.CheckConstraint(
            "policy in ('flexible', 'moderate', 'strict')", name=op.f("ck_offer_versions_policy")
        ),
        sa.CheckConstraint("minutes in (180, 210, 240)", name=op.f("ck_offer_versions_minutes")),
        sa.CheckConstraint("notice_hours >= 4", name=op.f("ck_offer_versions_notice")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_offer_versions_price_positive")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_versions_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_versions")),
        sa.UniqueConstraint("offer_id", "number", name=op.f("uq_offer_versions_offer_id_number")),
    )
    op.create_index(
        "uq_offer_versions_live",
        "offer_versions",
        ["offer_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )


def downgrade() -> None:
    op.drop_index("uq_offer_versions_live", table_name="offer_versions", postgresql_where=sa.text("live"))
    op.drop_table("offer_versions")
    op.drop_index(op.f("ix_offers_expert_id"), table_name="offers")
    op.drop_table("offers")
    op.drop_table("topics")
    op.drop_table("industries")
