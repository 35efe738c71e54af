"""Meaning: the encodings there are, their means by language and kind, and what they made of each offer.

A column of `halfvec` without a fixed dimension holds the vectors of any encoding, so that two of them
stand side by side while one is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0023_search_vectors"
down_revision = "0022_moderation"
branch_labels = None
depends_on = None


class HalfVec(UserDefinedType):
    def get_col_spec(self, **_: object) -> str:
        return "halfvec"


def upgrade() -> None:
    op.create_table(
        "search_encodings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('building', 'serving', 'retired')", name=op.f("ck_search_encodings_state")
        ),
        sa.CheckConstraint("dimension between 1 and 4000", name=op.f("ck_search_encodings_dimension")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_encodings")),
        sa.UniqueConstraint("name", name=op.f("uq_search_encodings_name")),
    )
    op.create_index(
        "uq_search_encodings_serving", "search_encodings", ["state"], unique=True,
        postgresql_where=sa.text("state = 'serving'"),
    )  # fmt: skip
    op.create_table(
        "search_means",
        sa.Column("encoding_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("mean", HalfVec(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoding_id"],
            ["search_encodings.id"],
            name=op.f("fk_search_means_encoding_id_search_encodings"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("encoding_id", "language", "kind", name=op.f("pk_search_means")),
    )
    op.create_table(
        "offer_vectors",
        sa.Column("encoding_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("vector", HalfVec(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoding_id"],
            ["search_encodings.id"],
            name=op.f("fk_offer_vectors_encoding_id_search_encodings"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_offer_vectors_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["offer_versions.id"],
            name=op.f("fk_offer_vectors_version_id_offer_versions"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("encoding_id", "offer_id", name=op.f("pk_offer_vectors")),
    )
    op.create_index(op.f("ix_offer_vectors_offer_id"), "offer_vectors", ["offer_id"])
    op.create_index(op.f("ix_offer_vectors_version_id"), "offer_vectors", ["version_id"])
    op.create_table(
        "offer_texts",
        sa.Column("encoding_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("vector", HalfVec(), nullable=False),
        sa.Column("lengths", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoding_id", "offer_id"],
            ["offer_vectors.encoding_id", "offer_vectors.offer_id"],
            name=op.f("fk_offer_texts_encoding_id_offer_vectors"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("encoding_id", "offer_id", "field", "ordinal", name=op.f("pk_offer_texts")),
    )


def downgrade() -> None:
    op.drop_table("offer_texts")
    op.drop_table("offer_vectors")
    op.drop_table("search_means")
    op.drop_table("search_encodings")
