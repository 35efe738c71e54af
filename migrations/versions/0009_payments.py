"""Payments, intents, refunds, and the inbox of provider events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_payments"
down_revision = "0008_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("uq_inbox_provider_event_id")),
    )
    op.create_index(
        "ix_inbox_open",
        "inbox",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("applied_at is null"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("payer_company_id", sa.Uuid(), nullable=False),
        sa.Column("payee_expert_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("capture", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checkout_id", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("checkout_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("authorised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("share_posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_by", sa.Text(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('created', 'open', 'authorised', 'captured', 'released', 'lost', 'closed')",
            name=op.f("ck_payments_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint("captured_minor in (0, amount_minor)", name=op.f("ck_payments_captured_whole")),
        sa.CheckConstraint(
            "refunded_minor >= 0 and refunded_minor <= captured_minor",
            name=op.f("ck_payments_refunds_within_capture"),
        ),
        sa.ForeignKeyConstraint(
            ["payee_expert_id"],
            ["experts.id"],
            name=op.f("fk_payments_payee_expert_id_experts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["payer_company_id"],
            ["companies.id"],
            name=op.f("fk_payments_payer_company_id_companies"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("charge_id", name=op.f("uq_payments_charge_id")),
        sa.UniqueConstraint("checkout_id", name=op.f("uq_payments_checkout_id")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_payments_intent_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_payments_reference")),
    )
    op.create_index(op.f("ix_payments_payee_expert_id"), "payments", ["payee_expert_id"], unique=False)
    op.create_index(op.f("ix_payments_payer_company_id"), "payments", ["payer_company_id"], unique=False)
    op.create_index(op.f("ix_payments_subject"), "payments", ["subject"], unique=False)
    op.create_index(
        "uq_payments_live",
        "payments",
        ["subject"],
        unique=True,
        postgresql_where=sa.text("state in ('created', 'open', 'authorised') and superseded_at is null"),
    )
    op.create_table(
        "provider_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('open_checkout', 'close_checkout', 'capture', 'release', 'refund', 'transfer', 'reverse_transfer')",
            name=op.f("ck_provider_calls_kind"),
        ),
        sa.CheckConstraint(
            "state in ('intended', 'sent', 'pending', 'done', 'failed')", name=op.f("ck_provider_calls_state")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_provider_calls_payment_id_payments"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_calls")),
        sa.UniqueConstraint("token", name=op.f("uq_provider_calls_token")),
    )
    op.create_index(
        "ix_provider_calls_open",
        "provider_calls",
        ["state", "made_at"],
        unique=False,
        postgresql_where=sa.text("state in ('intended','sent','pending')"),
    )
    op.create_index(op.f("ix_provider_calls_payment_id"), "provider_calls", ["payment_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after_share", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('intended', 'sent', 'pending', 'done', 'failed')", name=op.f("ck_refunds_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_refunds_provider_id")),
        sa.UniqueConstraint("token", name=op.f("uq_refunds_token")),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_refunds_payment_id"), table_name="refunds")
    op.drop_table("refunds")
    op.drop_index(op.f("ix_provider_calls_payment_id"), table_name="provider_calls")
    op.drop_index(
        "ix_provider_calls_open",
        table_name="provider_calls",
        postgresql_where=sa.text("state in ('intended','sent','pending')"),
    )
    op.drop_table("provider_calls")
    op.drop_index(
        "uq_payments_live",
        table_name="payments",
        postgresql_where=sa.text("state in ('created', 'open', 'authorised') and superseded_at is null"),
    )
    op.drop_index(op.f("ix_payments_subject"), table_name="payments")
    op.drop_index(op.f("ix_payments_payer_company_id"), table_name="payments")
    op.drop_index(op.f("ix_payments_payee_expert_id"), table_name="payments")
    op.drop_table("payments")
    op.drop_index("ix_inbox_open", table_name="inbox", postgresql_where=sa.text("applied_at is null"))
    op.drop_table("inbox")
