"""Shortlists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_shortlists"
down_revision = "0024_search_vocabulary"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shortlists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(token_hash is null) = (shared_at is null)", name=op.f("ck_shortlists_shared")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_shortlists_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlists")),
        sa.UniqueConstraint("person_id", name=op.f("uq_shortlists_person_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_shortlists_token_hash")),
    )
    op.create_table(
        "shortlist_items",
        sa.Column("shortlist_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_shortlist_items_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["shortlist_id"],
            ["shortlists.id"],
            name=op.f("fk_shortlist_items_shortlist_id_shortlists"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("shortlist_id", "offer_id", name=op.f("pk_shortlist_items")),
    )
    op.create_index(op.f("ix_shortlist_items_offer_id"), "shortlist_items", ["offer_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_shortlist_items_offer_id"), table_name="shortlist_items")
    op.drop_table("shortlist_items")
    op.drop_table("shortlists")
