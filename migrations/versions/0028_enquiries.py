"""Enquiries, invitations, proposals, the daily mail; and the expert's yes that a hold may bring with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028_enquiries"
down_revision = "0027_questions"
branch_labels = None
depends_on = None


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="RESTRICT"
    )


def upgrade() -> None:
    op.add_column("bookings", sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "enquiries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("fitting", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'taken', 'withdrawn', 'over')", name=op.f("ck_enquiries_state")
        ),
        sa.CheckConstraint("(state = 'open') = (deadline is not null)", name=op.f("ck_enquiries_deadline")),
        sa.CheckConstraint("(state = 'open') = (closed_at is null)", name=op.f("ck_enquiries_closed")),
        sa.CheckConstraint("(state = 'taken') = (booking_id is not null)", name=op.f("ck_enquiries_taken")),
        _refers("enquiries", "lead_id", "people"),
        _refers("enquiries", "company_id", "companies"),
        _refers("enquiries", "booking_id", "bookings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enquiries")),
        sa.UniqueConstraint("token", name=op.f("uq_enquiries_token")),
    )
    op.create_index(
        "ix_enquiries_due", "enquiries", ["deadline"], postgresql_where=sa.text("deadline is not null")
    )
    op.create_index("ix_enquiries_lead", "enquiries", ["lead_id", sa.text("published_at desc")])
    op.create_index("ix_enquiries_newest", "enquiries", [sa.text("published_at desc"), "id"])
    op.create_index(op.f("ix_enquiries_company_id"), "enquiries", ["company_id"])
    op.create_index(op.f("ix_enquiries_booking_id"), "enquiries", ["booking_id"])
    op.create_table(
        "enquiry_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enquiry_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        _refers("enquiry_invitations", "enquiry_id", "enquiries"),
        _refers("enquiry_invitations", "expert_id", "experts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enquiry_invitations")),
        sa.UniqueConstraint(
            "enquiry_id", "expert_id", name=op.f("uq_enquiry_invitations_enquiry_id_expert_id")
        ),
    )
    op.create_index(op.f("ix_enquiry_invitations_expert_id"), "enquiry_invitations", ["expert_id"])
    op.create_table(
        "enquiry_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enquiry_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("slots", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_minor between 20000 and 2000000", name=op.f("ck_enquiry_proposals_price")),
        sa.CheckConstraint(
            "jsonb_array_length(slots) between 2 and 3", name=op.f("ck_enquiry_proposals_slots")
        ),
        _refers("enquiry_proposals", "enquiry_id", "enquiries"),
        _refers("enquiry_proposals", "expert_id", "experts"),
        _refers("enquiry_proposals", "offer_id", "offers"),
        _refers("enquiry_proposals", "version_id", "offer_versions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enquiry_proposals")),
        sa.UniqueConstraint(
            "enquiry_id", "expert_id", name=op.f("uq_enquiry_proposals_enquiry_id_expert_id")
        ),
    )
    op.create_index(op.f("ix_enquiry_proposals_expert_id"), "enquiry_proposals", ["expert_id"])
    op.create_table(
        "enquiry_mails",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        _refers("enquiry_mails", "expert_id", "experts"),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_enquiry_mails")),
        sa.UniqueConstraint("token", name=op.f("uq_enquiry_mails_token")),
    )


def downgrade() -> None:
    for table in ("enquiry_mails", "enquiry_proposals", "enquiry_invitations", "enquiries"):
        op.drop_table(table)
    op.drop_column("bookings", "agreed_at")
