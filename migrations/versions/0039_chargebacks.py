"""Disputes at the payer's bank, and the evidence sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039_chargebacks"
down_revision = "0038_refunds"
branch_labels = None
depends_on = None

STATES = "'inquiry', 'inquiry_closed', 'open', 'review', 'won', 'lost', 'prevented'"
CHECKS = {
    "state": f"state in ({STATES})",
    "amount_positive": "amount_minor > 0",
    "amounts": "taken_minor >= 0 and fee_minor >= 0 and covered_minor between 0 and loss_minor",
    "if_lost": "if_lost in ('refund', 'loss')",
    "if_lost_by": "(if_lost is null) = (if_lost_by is null)",
    "booked_as": "booked_as in ('refund', 'loss')",
    "booked": "(booked_at is null) = (booked_as is null)",
    "won_or_lost": "returned_at is null or booked_at is null",
    "sent": "submitted_at is null or sent_at is not null",
}


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _instant(name: str, *, null: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _amount(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _words(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=null)


def _refers(column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_chargebacks_{column}_{to}"), ondelete="RESTRICT"
    )


def _cap(check: str) -> None:
    name = op.f("ck_payments_refunds_within_capture")
    op.drop_constraint(name, "payments", type_="check")
    op.create_check_constraint(name, "payments", check)


def upgrade() -> None:
    op.add_column("payments", sa.Column("lost_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("payments", "lost_minor", server_default=None)
    _cap("refunded_minor >= 0 and lost_minor >= 0 and refunded_minor + lost_minor <= captured_minor")
    op.create_table(
        "chargebacks",
        _id("id"),
        _id("payment_id"),
        _words("provider_id"),
        _words("state"),
        _words("reason"),
        _amount("amount_minor"),
        sa.Column("currency", sa.String(3), nullable=False),
        _amount("taken_minor"),
        _amount("fee_minor"),
        _instant("evidence_due"),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        _words("statement"),
        _instant("staged_at"),
        _instant("sent_at"),
        _id("sent_by", null=True),
        _instant("submitted_at"),
        _words("refused", null=True),
        _words("if_lost", null=True),
        _id("if_lost_by", null=True),
        _words("booked_as", null=True),
        _amount("loss_minor"),
        _amount("covered_minor"),
        _instant("opened_at", null=False),
        _instant("ended_at"),
        _instant("returned_at"),
        _instant("booked_at"),
        *(sa.CheckConstraint(check, name=op.f(f"ck_chargebacks_{name}")) for name, check in CHECKS.items()),
        _refers("payment_id", "payments"),
        _refers("sent_by", "people"),
        _refers("if_lost_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargebacks")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_chargebacks_provider_id")),
    )
    op.create_index(op.f("ix_chargebacks_payment_id"), "chargebacks", ["payment_id"])
    op.create_index(
        "ix_chargebacks_waiting", "chargebacks",
        [sa.text("coalesce(evidence_due, '9999-01-01 00:00:00+00'::timestamptz)"), "id"],
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_chargebacks_over", "chargebacks", [sa.text("ended_at desc"), "id"],
        postgresql_where=sa.text("ended_at is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_chargebacks_to_book", "chargebacks", ["payment_id"],
        postgresql_where=sa.text("state in ('lost', 'prevented') and booked_at is null and taken_minor > 0"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("chargebacks")
    _cap("refunded_minor >= 0 and refunded_minor <= captured_minor")
    op.drop_column("payments", "lost_minor")
