"""Letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_letters"
down_revision = "0014_rescues"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_letters_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("token", name=op.f("uq_letters_token")),
    )
    op.create_index("ix_letters_newest", "letters", [sa.literal_column("made_at desc"), "id"], unique=False)
    op.create_index(op.f("ix_letters_person_id"), "letters", ["person_id"], unique=False)
    op.create_index(
        "ix_letters_unsent", "letters", ["made_at"], unique=False, postgresql_where=sa.text("sent_at is null")
    )


def downgrade() -> None:
    op.drop_index("ix_letters_unsent", table_name="letters", postgresql_where=sa.text("sent_at is null"))
    op.drop_index(op.f("ix_letters_person_id"), table_name="letters")
    op.drop_index("ix_letters_newest", table_name="letters")
    op.drop_table("letters")
