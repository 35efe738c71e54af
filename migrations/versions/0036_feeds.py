"""Private calendar addresses; reminders sent, and those a person does not want."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036_feeds"
down_revision = "0035_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("detailed", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_calendar_feeds_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
    )
    op.create_table(
        "reminder_mails",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("off", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("off <@ array['week', 'day', 'hour']", name=op.f("ck_reminder_mails_off")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_reminder_mails_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_reminder_mails")),
        sa.UniqueConstraint("token", name=op.f("uq_reminder_mails_token")),
    )
    op.create_table(
        "reminders",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('week', 'day', 'hour')", name=op.f("ck_reminders_kind")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_reminders_booking_id_bookings"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("booking_id", "kind", "starts_at", name=op.f("pk_reminders")),
    )
    op.create_index(
        "ix_bookings_ahead", "bookings", ["starts_at", "id"], postgresql_where=sa.text("state = 'confirmed'")
    )


def downgrade() -> None:
    op.drop_index("ix_bookings_ahead", table_name="bookings")
    op.drop_table("reminders")
    op.drop_table("reminder_mails")
    op.drop_table("calendar_feeds")
