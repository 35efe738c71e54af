"""Words: what the catalogue is about, for near spelling; and what means the same, for both languages."""

from __future__ import annotations

import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024_search_vocabulary"
down_revision = "0023_search_vectors"
branch_labels = None
depends_on = None

FIRST = Path(__file__).resolve().parents[1] / "data" / "synonyms.txt"


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.CheckConstraint("uses >= 0", name=op.f("ck_search_words_uses")),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_index(
        "ix_search_words_near", "search_words", ["word"], postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )  # fmt: skip
    op.add_column(
        "search_rows", sa.Column("words", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.alter_column("search_rows", "words", server_default=None)
    synonyms = op.create_table(
        "search_synonyms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("terms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("cardinality(terms) >= 2", name=op.f("ck_search_synonyms_terms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_synonyms")),
    )
    op.create_index("ix_search_synonyms_keys", "search_synonyms", ["keys"], postgresql_using="gin")
    op.bulk_insert(synonyms, list(_first()))


def downgrade() -> None:
    op.drop_table("search_synonyms")
    op.drop_column("search_rows", "words")
    op.drop_table("search_words")


def _first() -> list[dict[str, object]]:
    import re
    import unicodedata

    def key(term: str) -> str:
        """As domain/search.py `term` makes it on this migration's day."""
        apart = unicodedata.normalize("NFKD", term.replace("œ", "oe").casefold())
        words = re.findall(r"[^\W_]+", "".join(c for c in apart if not unicodedata.combining(c)))
        return " ".join(w[:-1] if len(w) > 3 and w[-1] in "sx" else w for w in words)

    rows = []
    for line in FIRST.read_text("utf-8").splitlines():
        terms = [term.strip() for term in line.split(",") if term.strip()]
        if terms and not line.startswith("#"):
            # The same id in every installation: a later file may improve a group nobody has touched.
            one = uuid.uuid5(uuid.NAMESPACE_URL, f"declic/synonyms/{terms[0]}")
            rows.append({"id": one, "terms": terms, "keys": sorted({key(term) for term in terms})})
    return rows
