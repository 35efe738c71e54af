"""Offers as they are being written, and how often they are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021_offer_drafts"
down_revision = "0020_applications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offer_drafts",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notes", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'changes', 'published')", name=op.f("ck_offer_drafts_state")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_drafts_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_offer_drafts")),
    )
    op.create_table(
        "offer_views",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.CheckConstraint("seen > 0", name=op.f("ck_offer_views_seen")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_views_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", "day", name=op.f("pk_offer_views")),
    )


def downgrade() -> None:
    op.drop_table("offer_views")
    op.drop_table("offer_drafts")
