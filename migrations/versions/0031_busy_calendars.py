"""Busy calendars by address, what of them counts, and the public holidays an expert keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSTZMULTIRANGE

revision = "0031_busy_calendars"
down_revision = "0030_search_scale"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column, kind, default in (
        ("holidays_of", sa.Text(), "''"),
        ("holidays_region", sa.Text(), "''"),
        ("holidays", ARRAY(sa.Text()), "'{}'"),
        ("holidays_until", sa.Integer(), "0"),
    ):
        op.add_column("calendars", sa.Column(column, kind, nullable=False, server_default=sa.text(default)))
        op.alter_column("calendars", column, server_default=None)
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "busy_calendars",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("busy", TSTZMULTIRANGE(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("worked_out_at", instant, nullable=False),
        sa.Column("good_at", instant, nullable=False),
        sa.Column("next_read_at", instant, nullable=False),
        sa.Column("reading_until", instant, nullable=True),
        sa.Column("failed_since", instant, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_busy_calendars"),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], ondelete="RESTRICT", name="fk_busy_calendars_expert_id_experts"
        ),
        sa.CheckConstraint("(failed_since is null) = (why = '')", name="ck_busy_calendars_failing"),
    )
    op.create_index("ix_busy_calendars_expert_id", "busy_calendars", ["expert_id"])
    op.create_index("ix_busy_calendars_next_read_at", "busy_calendars", ["next_read_at"])


def downgrade() -> None:
    op.drop_table("busy_calendars")
    for column in ("holidays_until", "holidays", "holidays_region", "holidays_of"):
        op.drop_column("calendars", column)
