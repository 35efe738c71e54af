"""What becomes of refunds, and what an expert owes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038_refunds"
down_revision = "0037_provider_calls"
branch_labels = None
depends_on = None

STATES = ("intended", "sent", "pending", "done", "failed")
REFUND_STATES = (*STATES, "redecided")
AMOUNTS = ("commission_minor", "vat_commission_minor", "reversed_minor", "gap_minor")
CHECKS = {
    "waits_for": "waits_for in ('transfer', 'reversal', 'chargeback', 'top_up')",
    "waits_unsent": "waits_for is null or state = 'intended'",
    "commission": "commission_minor >= 0 and vat_commission_minor >= 0",
    "brought_back": (
        "reversed_minor >= 0 and gap_minor >= 0 and reversed_minor + gap_minor <= coalesce(back_minor, 0)"
    ),
    "redecided": "(state = 'redecided') = (redecided_as is not null)",
}


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _instant(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _amount(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _currency() -> sa.Column[object]:
    return sa.Column("currency", sa.String(3), nullable=False)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="RESTRICT"
    )


def _add(table: str, column: str, kind: sa.types.TypeEngine[object], default: str) -> None:
    op.add_column(table, sa.Column(column, kind, nullable=False, server_default=sa.text(default)))
    op.alter_column(table, column, server_default=None)


def _states(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_refunds_state"), "refunds", type_="check")
    op.create_check_constraint(
        op.f("ck_refunds_state"), "refunds", f"state in ({', '.join(repr(one) for one in states)})"
    )


def upgrade() -> None:
    _payments()
    _refunds()
    _transfers()
    _repayments()


def _payments() -> None:
    _add("payments", "labels", postgresql.JSONB(), "'{}'::jsonb")
    op.add_column("payments", sa.Column("problem", postgresql.JSONB(), nullable=True))


def _refunds() -> None:
    _states(REFUND_STATES)
    for name in AMOUNTS:
        _add("refunds", name, sa.BigInteger(), "0")
    _add("refunds", "from_own_funds", sa.Boolean(), "false")
    op.add_column("refunds", sa.Column("back_minor", sa.BigInteger(), nullable=True))
    for name in ("waits_for", "set_against", "failure"):
        op.add_column("refunds", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("refunds", _id("redecided_as", null=True))
    op.create_foreign_key(
        op.f("fk_refunds_redecided_as_refunds"), "refunds", "refunds", ["redecided_as"], ["id"],
        ondelete="RESTRICT",
    )  # fmt: skip
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_refunds_{name}"), "refunds", check)
    op.create_index(
        "ix_refunds_waiting", "refunds", ["payment_id"], postgresql_where=sa.text("state = 'intended'")
    )


def _transfers() -> None:
    _add("transfers", "set_off_minor", sa.BigInteger(), "0")
    op.drop_constraint(op.f("ck_transfers_reversed_within"), "transfers", type_="check")
    op.create_check_constraint(
        op.f("ck_transfers_reversed_within"), "transfers",
        "reversed_minor between 0 and amount_minor - set_off_minor",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_transfers_set_off_within"), "transfers", "set_off_minor between 0 and amount_minor"
    )
    op.create_check_constraint(
        op.f("ck_transfers_sent_or_set_off"), "transfers",
        "state <> 'done' or (provider_id is null) = (set_off_minor = amount_minor)",
    )  # fmt: skip
    op.create_table(
        "set_offs",
        _id("id"),
        _id("transfer_id"),
        _id("refund_id"),
        _amount("amount_minor"),
        _currency(),
        _instant("made_at"),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_set_offs_amount_positive")),
        _refers("set_offs", "transfer_id", "transfers"),
        _refers("set_offs", "refund_id", "refunds"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_offs")),
    )
    op.create_index(op.f("ix_set_offs_transfer_id"), "set_offs", ["transfer_id"])
    op.create_index(op.f("ix_set_offs_refund_id"), "set_offs", ["refund_id"])


def _repayments() -> None:
    op.create_table(
        "repayments",
        _id("id"),
        _id("refund_id"),
        _amount("amount_minor"),
        _currency(),
        sa.Column("reference", sa.Text(), nullable=False),
        _id("proposed_by"),
        _instant("proposed_at"),
        _id("decided_by", null=True),
        _instant("decided_at", null=True),
        _instant("dropped_at", null=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_repayments_amount_positive")),
        sa.CheckConstraint("length(reference) between 1 and 200", name=op.f("ck_repayments_reference")),
        sa.CheckConstraint("(decided_at is null) = (decided_by is null)", name=op.f("ck_repayments_decided")),
        sa.CheckConstraint("decided_at is null or dropped_at is null", name=op.f("ck_repayments_dropped")),
        _refers("repayments", "refund_id", "refunds"),
        _refers("repayments", "proposed_by", "people"),
        _refers("repayments", "decided_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayments")),
    )
    op.create_index(op.f("ix_repayments_refund_id"), "repayments", ["refund_id"])
    op.create_index(
        "uq_repayments_one", "repayments", ["refund_id"], unique=True,
        postgresql_where=sa.text("dropped_at is null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("repayments")
    op.drop_table("set_offs")
    for name in ("sent_or_set_off", "set_off_within", "reversed_within"):
        op.drop_constraint(op.f(f"ck_transfers_{name}"), "transfers", type_="check")
    op.create_check_constraint(
        op.f("ck_transfers_reversed_within"), "transfers", "reversed_minor between 0 and amount_minor"
    )
    op.drop_column("transfers", "set_off_minor")
    op.drop_index("ix_refunds_waiting", table_name="refunds")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_refunds_{name}"), "refunds", type_="check")
    for name in (
        *AMOUNTS, "from_own_funds", "back_minor", "waits_for", "set_against", "failure", "redecided_as",
    ):  # fmt: skip
        op.drop_column("refunds", name)
    _states(STATES)
    for name in ("labels", "problem"):
        op.drop_column("payments", name)
