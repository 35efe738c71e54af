"""Our own money on its way to our bank, and VAT to the tax office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041_platform_payouts"
down_revision = "0040_terms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_payouts")),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        _person("platform_payouts", "made_by"),
        _person("platform_payouts", "decided_by"),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("provider_id", name=op.f("uq_platform_payouts_provider_id")),
        sa.UniqueConstraint("token", name=op.f("uq_platform_payouts_token")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_platform_payouts_amount_positive")),
        sa.CheckConstraint(
            "state in ('proposed', 'dropped', 'intended', 'sent', 'under_way', 'done', 'failed')",
            name=op.f("ck_platform_payouts_state"),
        ),
        sa.CheckConstraint(
            "decided_by is null or decided_by <> made_by", name=op.f("ck_platform_payouts_two_operators")
        ),
    )
    op.create_index(
        "uq_platform_payouts_open",
        "platform_payouts",
        ["currency"],
        unique=True,
        postgresql_where=sa.text("state in ('proposed', 'intended', 'sent')"),
    )
    op.create_index(
        "uq_platform_payouts_month",
        "platform_payouts",
        ["month"],
        unique=True,
        postgresql_where=sa.text("state not in ('dropped', 'failed')"),
    )
    op.create_table(
        "tax_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_payments")),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("service_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        _person("tax_payments", "made_by", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("month", name=op.f("uq_tax_payments_month")),
        sa.CheckConstraint(
            "service_fee_minor + commission_minor > 0", name=op.f("ck_tax_payments_amount_positive")
        ),
    )


def _person(table: str, name: str, *, nullable: bool = True) -> sa.Column[object]:
    key = sa.ForeignKey("people.id", name=op.f(f"fk_{table}_{name}_people"), ondelete="RESTRICT")
    return sa.Column(name, sa.Uuid(), key, nullable=nullable)


def downgrade() -> None:
    for table in ("tax_payments", "platform_payouts"):
        op.drop_table(table)
