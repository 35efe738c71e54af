"""Reports, what each side says and asks, decisions, appeals, and refunds by operators."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033_disputes"
down_revision = "0032_proposals"
branch_labels = None
depends_on = None

KINDS = (
    "buyer_absent", "expert_absent", "both_absent", "technical", "confidentiality", "ended_early", "quality",
)  # fmt: skip
A_FILE = "octet_length(content) between 1 and case kind when 'photo' then 1048576 else 5242880 end"


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(v) for v in values)})"


def _instant(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="RESTRICT"
    )


def upgrade() -> None:
    for table in ("experts", "people"):
        op.add_column(table, sa.Column("absent_count", sa.Integer(), nullable=False, server_default="0"))
        op.alter_column(table, "absent_count", server_default=None)
    op.add_column("refunds", sa.Column("borne_by_us", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column("refunds", "borne_by_us", server_default=None)
    op.add_column(
        "transfers", sa.Column("reversed_minor", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.alter_column("transfers", "reversed_minor", server_default=None)
    op.create_check_constraint(
        op.f("ck_transfers_reversed_within"), "transfers", "reversed_minor between 0 and amount_minor"
    )
    op.drop_constraint(op.f("ck_files_kind"), "files", type_="check")
    op.drop_constraint(op.f("ck_files_size"), "files", type_="check")
    op.create_check_constraint(op.f("ck_files_kind"), "files", "kind in ('photo', 'evidence')")
    op.create_check_constraint(op.f("ck_files_size"), "files", A_FILE)
    op.create_table(
        "disputes",
        _id("id"),
        _id("booking_id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        _instant("reported_at"),
        _instant("window_until"),
        _instant("reviews_until", null=True),
        _instant("closed_at", null=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.Column("taken_back", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(_one_of("kind", KINDS), name=op.f("ck_disputes_kind")),
        sa.CheckConstraint(
            "from_state in ('confirmed', 'delivered', 'cancelled')", name=op.f("ck_disputes_from_state")
        ),
        sa.CheckConstraint(
            "reported_by in ('lead', 'expert', 'operator')", name=op.f("ck_disputes_reported_by")
        ),
        sa.CheckConstraint("share between 0 and 100", name=op.f("ck_disputes_share")),
        sa.CheckConstraint(
            "closed_why in ('agreed', 'decided', 'day_80', 'withdrawn', 'second_session')",
            name=op.f("ck_disputes_closed_why"),
        ),
        sa.CheckConstraint("(closed_at is null) = (closed_why is null)", name=op.f("ck_disputes_closed")),
        _refers("disputes", "booking_id", "bookings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_booking", "disputes", ["booking_id", "reported_at"])
    op.create_index(
        "uq_disputes_open", "disputes", ["booking_id"], unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_disputes_waiting", "disputes", ["reported_at", "id"],
        postgresql_where=sa.text("closed_at is null"),
    )  # fmt: skip
    op.create_table(
        "dispute_statements",
        _id("id"),
        _id("dispute_id"),
        sa.Column("side", sa.Text(), nullable=False),
        _id("person_id"),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.Column("buyers_fault", sa.Boolean(), nullable=False),
        sa.Column("minutes_held", sa.Integer(), nullable=True),
        _instant("said_at"),
        _instant("withdrawn_at", null=True),
        sa.CheckConstraint("side in ('lead', 'expert', 'operator')", name=op.f("ck_dispute_statements_side")),
        sa.CheckConstraint(_one_of("kind", KINDS), name=op.f("ck_dispute_statements_kind")),
        sa.CheckConstraint("share between 0 and 100", name=op.f("ck_dispute_statements_share")),
        sa.CheckConstraint("minutes_held between 0 and 240", name=op.f("ck_dispute_statements_minutes_held")),
        _refers("dispute_statements", "dispute_id", "disputes"),
        _refers("dispute_statements", "person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_statements")),
    )
    op.create_index(op.f("ix_dispute_statements_dispute_id"), "dispute_statements", ["dispute_id"])
    op.create_index(op.f("ix_dispute_statements_person_id"), "dispute_statements", ["person_id"])
    op.create_table(
        "dispute_files",
        _id("id"),
        _id("statement_id"),
        _id("file_id"),
        sa.Column("name", sa.Text(), nullable=False),
        _refers("dispute_files", "statement_id", "dispute_statements"),
        _refers("dispute_files", "file_id", "files"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_files")),
        sa.UniqueConstraint("file_id", name=op.f("uq_dispute_files_file_id")),
    )
    op.create_index(op.f("ix_dispute_files_statement_id"), "dispute_files", ["statement_id"])
    op.create_table(
        "dispute_decisions",
        _id("id"),
        _id("dispute_id"),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("reason_lead", sa.Text(), nullable=False),
        sa.Column("reason_expert", sa.Text(), nullable=False),
        sa.Column("on_appeal", sa.Boolean(), nullable=False),
        _id("proposed_by"),
        _instant("proposed_at"),
        _id("decided_by", null=True),
        _instant("decided_at", null=True),
        _instant("dropped_at", null=True),
        _instant("lead_accepted_at", null=True),
        _instant("expert_accepted_at", null=True),
        sa.Column("appealed_by", sa.Text(), nullable=True),
        sa.Column("appeal_words", sa.Text(), nullable=False),
        _instant("appealed_at", null=True),
        sa.CheckConstraint("share between 0 and 100", name=op.f("ck_dispute_decisions_share")),
        sa.CheckConstraint(
            "appealed_by in ('lead', 'expert')", name=op.f("ck_dispute_decisions_appealed_by")
        ),
        sa.CheckConstraint(
            "(decided_at is null) = (decided_by is null)", name=op.f("ck_dispute_decisions_decided")
        ),
        sa.CheckConstraint(
            "decided_at is null or dropped_at is null", name=op.f("ck_dispute_decisions_dropped")
        ),
        sa.CheckConstraint(
            "(appealed_at is null) = (appealed_by is null)", name=op.f("ck_dispute_decisions_appealed")
        ),
        _refers("dispute_decisions", "dispute_id", "disputes"),
        _refers("dispute_decisions", "proposed_by", "people"),
        _refers("dispute_decisions", "decided_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_decisions")),
    )
    op.create_index(
        "uq_dispute_decisions_one", "dispute_decisions", ["dispute_id", "on_appeal"], unique=True,
        postgresql_where=sa.text("dropped_at is null"),
    )  # fmt: skip
    op.create_table(
        "later_refunds",
        _id("id"),
        _id("booking_id"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("borne_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _id("proposed_by"),
        _instant("proposed_at"),
        _id("decided_by", null=True),
        _instant("decided_at", null=True),
        _instant("dropped_at", null=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_later_refunds_amount_positive")),
        sa.CheckConstraint("borne_by in ('expert', 'us')", name=op.f("ck_later_refunds_borne_by")),
        sa.CheckConstraint(
            "(decided_at is null) = (decided_by is null)", name=op.f("ck_later_refunds_decided")
        ),
        sa.CheckConstraint("decided_at is null or dropped_at is null", name=op.f("ck_later_refunds_dropped")),
        _refers("later_refunds", "booking_id", "bookings"),
        _refers("later_refunds", "proposed_by", "people"),
        _refers("later_refunds", "decided_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_later_refunds")),
    )
    op.create_index(
        "uq_later_refunds_open", "later_refunds", ["booking_id"], unique=True,
        postgresql_where=sa.text("decided_at is null and dropped_at is null"),
    )  # fmt: skip


def downgrade() -> None:
    for table in ("later_refunds", "dispute_decisions", "dispute_files", "dispute_statements", "disputes"):
        op.drop_table(table)
    op.execute("delete from files where kind = 'evidence'")
    op.drop_constraint(op.f("ck_files_kind"), "files", type_="check")
    op.drop_constraint(op.f("ck_files_size"), "files", type_="check")
    op.create_check_constraint(op.f("ck_files_kind"), "files", "kind in ('photo')")
    op.create_check_constraint(op.f("ck_files_size"), "files", "octet_length(content) between 1 and 1048576")
    op.drop_constraint(op.f("ck_transfers_reversed_within"), "transfers", type_="check")
    op.drop_column("transfers", "reversed_minor")
    op.drop_column("refunds", "borne_by_us")
    for table in ("people", "experts"):
        op.drop_column(table, "absent_count")
