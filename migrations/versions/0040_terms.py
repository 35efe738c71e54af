"""Payments by bank transfer on company terms: what is invoiced, credited, written off, and where it is sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040_terms"
down_revision = "0039_chargebacks"
branch_labels = None
depends_on = None

WHOLE = "captured_minor in (0, amount_minor)"
# A company sends what is left of its invoice; by card all is taken or nothing.
WHOLE_OR_OWED = f"{WHOLE} or method = 'bank_transfer' and captured_minor between 0 and amount_minor"


def upgrade() -> None:
    op.add_column("payments", sa.Column("method", sa.Text(), nullable=False, server_default="card"))
    op.alter_column("payments", "method", server_default=None)
    for name in ("invoiced_at", "written_off_at"):
        op.add_column("payments", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("credited_minor", "written_off_minor"):
        op.add_column("payments", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column("payments", name, server_default=None)
    op.add_column("payments", sa.Column("bank", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(op.f("ck_payments_method"), "payments", "method in ('card', 'bank_transfer')")
    op.create_check_constraint(
        op.f("ck_payments_invoiced"),
        "payments",
        "(method = 'bank_transfer') = (invoiced_at is not null)",
    )
    op.create_check_constraint(
        op.f("ck_payments_owed"),
        "payments",
        "credited_minor >= 0 and written_off_minor >= 0 and credited_minor + written_off_minor <= amount_minor"
        " and (method = 'bank_transfer' or credited_minor + written_off_minor = 0)",
    )
    op.drop_constraint(op.f("ck_payments_captured_whole"), "payments", type_="check")
    op.create_check_constraint(op.f("ck_payments_captured_whole"), "payments", WHOLE_OR_OWED)
    op.add_column("refunds", sa.Column("kind", sa.Text(), nullable=False, server_default="refund"))
    op.alter_column("refunds", "kind", server_default=None)
    op.create_check_constraint(
        op.f("ck_refunds_kind"), "refunds", "kind in ('refund', 'credit_note', 'overpaid')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_refunds_kind"), "refunds", type_="check")
    op.drop_column("refunds", "kind")
    op.drop_constraint(op.f("ck_payments_captured_whole"), "payments", type_="check")
    op.create_check_constraint(op.f("ck_payments_captured_whole"), "payments", WHOLE)
    for name in ("owed", "invoiced", "method"):
        op.drop_constraint(op.f(f"ck_payments_{name}"), "payments", type_="check")
    for name in ("bank", "written_off_minor", "credited_minor", "written_off_at", "invoiced_at", "method"):
        op.drop_column("payments", name)
