"""A company's rule on approvals, its approvers’ invitations, and what was asked of them.

Company terms have their place here too: the day they were granted, and on a booking whether it is on them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034_approvals"
down_revision = "0033_disputes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval_rules",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("above_minor", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('always', 'above')", name=op.f("ck_approval_rules_kind")),
        sa.CheckConstraint(
            "(kind = 'above') = (above_minor is not null and above_minor > 0)",
            name=op.f("ck_approval_rules_above"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_approval_rules_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_approval_rules")),
    )
    op.create_table(
        "approver_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(accepted_at is null) = (person_id is null)", name=op.f("ck_approver_invitations_accepted")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_approver_invitations_{column}_{table}"),
                ondelete="RESTRICT",
            )
            for column, table in (
                ("company_id", "companies"),
                ("invited_by", "people"),
                ("person_id", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approver_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_approver_invitations_token_hash")),
    )
    op.create_index(
        "ix_approver_invitations_open",
        "approver_invitations",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at is null and accepted_at is null"),
    )
    op.create_index(op.f("ix_approver_invitations_invited_by"), "approver_invitations", ["invited_by"])
    op.create_index(op.f("ix_approver_invitations_person_id"), "approver_invitations", ["person_id"])
    op.add_column("companies", sa.Column("terms_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bookings", sa.Column("approved_minor", sa.BigInteger(), nullable=True))
    op.add_column("bookings", sa.Column("on_terms", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column("bookings", "on_terms", server_default=None)
    op.create_check_constraint(
        op.f("ck_bookings_approved"), "bookings", "(approved_at is null) = (approved_minor is null)"
    )
    op.create_index(
        "ix_bookings_awaiting",
        "bookings",
        ["company_id", "deadline"],
        postgresql_where=sa.text("state = 'awaiting_approval'"),
    )


def downgrade() -> None:
    op.drop_index("ix_bookings_awaiting", table_name="bookings")
    op.drop_constraint(op.f("ck_bookings_approved"), "bookings", type_="check")
    op.drop_column("bookings", "on_terms")
    op.drop_column("bookings", "approved_minor")
    op.drop_column("companies", "terms_since")
    op.drop_table("approver_invitations")
    op.drop_table("approval_rules")
