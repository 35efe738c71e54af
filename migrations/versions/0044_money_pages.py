"""What the money desk counts, each in an index that holds only what is open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044_money_pages"
down_revision = "0043_ledger_closings"
branch_labels = None
depends_on = None

INDEXES = (
    (
        "ix_payments_share_waits", "payments", ["captured_at", "id"],
        "state = 'captured' and share_posted_at is null and refunded_minor + lost_minor < captured_minor",
    ),
    ("ix_payments_problem", "payments", ["created_at", "id"], "problem is not null"),
    ("ix_refunds_failed", "refunds", ["decided_at", "id"], "state = 'failed'"),
    ("ix_refunds_gap", "refunds", ["payment_id"], "gap_minor > 0"),
)  # fmt: skip


def upgrade() -> None:
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _columns, _where in reversed(INDEXES):
        op.drop_index(name, table_name=table)
