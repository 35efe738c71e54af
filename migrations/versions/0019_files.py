"""Files people gave us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_files"
down_revision = "0018_proofs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('photo')", name=op.f("ck_files_kind")),
        sa.CheckConstraint("octet_length(content) between 1 and 1048576", name=op.f("ck_files_size")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_files_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index(op.f("ix_files_digest"), "files", ["digest"], unique=False)
    op.create_index(op.f("ix_files_person_id"), "files", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_files_person_id"), table_name="files")
    op.drop_index(op.f("ix_files_digest"), table_name="files")
    op.drop_table("files")
