"""Reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_reviews"
down_revision = "0011_bookings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_company", sa.Text(), nullable=False),
        sa.Column("author_role", sa.Text(), nullable=False),
        sa.Column("prepared", sa.Integer(), nullable=True),
        sa.Column("expertise", sa.Integer(), nullable=True),
        sa.Column("usefulness", sa.Integer(), nullable=True),
        sa.Column("clarity", sa.Integer(), nullable=True),
        sa.Column("brief_mark", sa.Integer(), nullable=True),
        sa.Column("punctuality", sa.Integer(), nullable=True),
        sa.Column("openness", sa.Integer(), nullable=True),
        sa.Column("unlocked", sa.Text(), nullable=True),
        sa.Column("days_saved", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("note_to_other", sa.Text(), nullable=False),
        sa.Column("note_to_operators", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_why", sa.Text(), nullable=True),
        sa.CheckConstraint("side in ('lead', 'expert')", name=op.f("ck_reviews_side")),
        sa.CheckConstraint("unlocked in ('yes', 'partly', 'no')", name=op.f("ck_reviews_unlocked")),
        sa.CheckConstraint("brief_mark between 1 and 5", name=op.f("ck_reviews_brief_mark")),
        sa.CheckConstraint("clarity between 1 and 5", name=op.f("ck_reviews_clarity")),
        sa.CheckConstraint("days_saved between 0 and 999", name=op.f("ck_reviews_days_saved")),
        sa.CheckConstraint("expertise between 1 and 5", name=op.f("ck_reviews_expertise")),
        sa.CheckConstraint("openness between 1 and 5", name=op.f("ck_reviews_openness")),
        sa.CheckConstraint("prepared between 1 and 5", name=op.f("ck_reviews_prepared")),
        sa.CheckConstraint("punctuality between 1 and 5", name=op.f("ck_reviews_punctuality")),
        sa.CheckConstraint("usefulness between 1 and 5", name=op.f("ck_reviews_usefulness")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["people.id"], name=op.f("fk_reviews_author_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_reviews_booking_id_bookings"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_reviews_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_reviews_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("booking_id", "side", name=op.f("uq_reviews_booking_id_side")),
    )
    op.create_index(op.f("ix_reviews_expert_id"), "reviews", ["expert_id"], unique=False)
    op.create_index("ix_reviews_offer", "reviews", ["offer_id", "side"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_reviews_offer", table_name="reviews")
    op.drop_index(op.f("ix_reviews_expert_id"), table_name="reviews")
    op.drop_table("reviews")
