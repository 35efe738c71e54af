"""What is searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_search"
down_revision = "0012_reviews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_rows",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("fr", postgresql.TSVECTOR(), nullable=False),
        sa.Column("en", postgresql.TSVECTOR(), nullable=False),
        sa.Column("rating_score", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_search_rows_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["offer_versions.id"],
            name=op.f("fk_search_rows_version_id_offer_versions"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_search_rows")),
    )
    op.create_index("ix_search_rows_en", "search_rows", ["en"], unique=False, postgresql_using="gin")
    op.create_index("ix_search_rows_fr", "search_rows", ["fr"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_search_rows_version_id"), "search_rows", ["version_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_search_rows_version_id"), table_name="search_rows")
    op.drop_index("ix_search_rows_fr", table_name="search_rows", postgresql_using="gin")
    op.drop_index("ix_search_rows_en", table_name="search_rows", postgresql_using="gin")
    op.drop_table("search_rows")
