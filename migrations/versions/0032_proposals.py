"""Other times proposed for a made booking, one open at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032_proposals"
down_revision = "0031_busy_calendars"
branch_labels = None
depends_on = None


def _instant(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _refers(column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_proposals_{column}_{to}"), ondelete="RESTRICT"
    )


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        _instant("from_starts_at"),
        _instant("from_ends_at"),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("words", sa.Text(), nullable=False),
        _instant("until"),
        sa.Column("state", sa.Text(), nullable=False),
        _instant("made_at"),
        _instant("ended_at", null=True),
        sa.CheckConstraint("kind in ('reschedule', 'second_session')", name=op.f("ck_proposals_kind")),
        sa.CheckConstraint("by in ('lead', 'expert')", name=op.f("ck_proposals_by")),
        sa.CheckConstraint(
            "state in ('open', 'accepted', 'refused', 'withdrawn', 'closed', 'over')",
            name=op.f("ck_proposals_state"),
        ),
        sa.CheckConstraint("(state = 'open') = (ended_at is null)", name=op.f("ck_proposals_ended")),
        sa.CheckConstraint("ends_at > starts_at and until > made_at", name=op.f("ck_proposals_times")),
        _refers("booking_id", "bookings"),
        _refers("person_id", "people"),
        _refers("claim_id", "claims"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_booking", "proposals", ["booking_id", "made_at"])
    op.create_index(
        "uq_proposals_open", "proposals", ["booking_id"], unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.create_index("ix_proposals_due", "proposals", ["until"], postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_proposals_person_id", "proposals", ["person_id"])
    op.create_index("ix_proposals_claim_id", "proposals", ["claim_id"])


def downgrade() -> None:
    op.drop_table("proposals")
