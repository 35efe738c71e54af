"""Bookings and their history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_bookings"
down_revision = "0010_payouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("brief_id", sa.Uuid(), nullable=True),
        sa.Column("rescues_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("service_fee_bp", sa.Integer(), nullable=False),
        sa.Column("commission_bp", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("notice_hours", sa.Integer(), nullable=False),
        sa.Column("instant", sa.Boolean(), nullable=False),
        sa.Column("promises_plan", sa.Boolean(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("meeting_place", sa.Text(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("payment_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("capture_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refund_best", sa.Integer(), nullable=False),
        sa.Column("free_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("share_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("share_posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviews_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disputed_from", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("origin in ('made', 'imported')", name=op.f("ck_bookings_origin")),
        sa.CheckConstraint("price_minor > 0 and currency = 'EUR'", name=op.f("ck_bookings_price")),
        sa.CheckConstraint(
            "state in ('held', 'awaiting_approval', 'requested', 'accepted', 'confirmed', 'delivered', 'completed', 'disputed', 'resolved', 'settled', 'lapsed', 'refused', 'declined', 'expired', 'cancelled')",
            name=op.f("ck_bookings_state"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_bookings_times")),
        sa.CheckConstraint("extensions between 0 and 2", name=op.f("ck_bookings_extensions")),
        sa.CheckConstraint("refund_best between 0 and 100", name=op.f("ck_bookings_refund_best")),
        sa.ForeignKeyConstraint(
            ["brief_id"], ["briefs.id"], name=op.f("fk_bookings_brief_id_briefs"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_bookings_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_bookings_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["people.id"], name=op.f("fk_bookings_lead_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_bookings_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["rescues_id"], ["bookings.id"], name=op.f("fk_bookings_rescues_id_bookings"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["offer_versions.id"],
            name=op.f("fk_bookings_version_id_offer_versions"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("number", name=op.f("uq_bookings_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_bookings_reference")),
    )
    op.create_index(op.f("ix_bookings_brief_id"), "bookings", ["brief_id"], unique=False)
    op.create_index(op.f("ix_bookings_company_id"), "bookings", ["company_id"], unique=False)
    op.create_index(
        "ix_bookings_due",
        "bookings",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("deadline is not null"),
    )
    op.create_index("ix_bookings_expert", "bookings", ["expert_id", "state", "starts_at"], unique=False)
    op.create_index(
        "ix_bookings_lead", "bookings", ["lead_id", sa.literal_column("created_at desc")], unique=False
    )
    op.create_index(
        "ix_bookings_newest", "bookings", [sa.literal_column("created_at desc"), "id"], unique=False
    )
    op.create_index(op.f("ix_bookings_offer_id"), "bookings", ["offer_id"], unique=False)
    op.create_index(op.f("ix_bookings_rescues_id"), "bookings", ["rescues_id"], unique=False)
    op.create_index(op.f("ix_bookings_version_id"), "bookings", ["version_id"], unique=False)
    op.create_table(
        "booking_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("money", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "actor_kind in ('lead', 'approver', 'expert', 'operator', 'clock', 'provider', 'loader')",
            name=op.f("ck_booking_moves_actor_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["people.id"], name=op.f("fk_booking_moves_actor_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_booking_moves_booking_id_bookings"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_moves")),
        sa.UniqueConstraint("booking_id", "token", name=op.f("uq_booking_moves_booking_id_token")),
    )
    op.execute(
        "create trigger booking_moves_append_only before update or delete on booking_moves"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("booking_moves")
    op.drop_index(op.f("ix_bookings_version_id"), table_name="bookings")
    op.drop_index(op.f("ix_bookings_rescues_id"), table_name="bookings")
    op.drop_index(op.f("ix_bookings_offer_id"), table_name="bookings")
    op.drop_index("ix_bookings_newest", table_name="bookings")
    op.drop_index("ix_bookings_lead", table_name="bookings")
    op.drop_index("ix_bookings_expert", table_name="bookings")
    op.drop_index("ix_bookings_due", table_name="bookings", postgresql_where=sa.text("deadline is not null"))
    op.drop_index(op.f("ix_bookings_company_id"), table_name="bookings")
    op.drop_index(op.f("ix_bookings_brief_id"), table_name="bookings")
    op.drop_table("bookings")
