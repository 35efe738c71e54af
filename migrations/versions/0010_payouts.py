"""Transfers to experts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_payouts"
down_revision = "0009_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_up_by", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('due', 'intended', 'sent', 'done', 'failed')", name=op.f("ck_transfers_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfers_amount_positive")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_transfers_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_transfers_payment_id_payments"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_transfers_payment_id")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_transfers_provider_id")),
    )
    op.create_index(
        "ix_transfers_due",
        "transfers",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('due','intended','sent')"),
    )
    op.create_index(op.f("ix_transfers_expert_id"), "transfers", ["expert_id"], unique=False)
    op.create_index(op.f("ix_transfers_subject"), "transfers", ["subject"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_transfers_subject"), table_name="transfers")
    op.drop_index(op.f("ix_transfers_expert_id"), table_name="transfers")
    op.drop_index(
        "ix_transfers_due",
        table_name="transfers",
        postgresql_where=sa.text("state in ('due','intended','sent')"),
    )
    op.drop_table("transfers")
