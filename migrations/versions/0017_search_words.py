"""The words of a search: French and English rules, both without accents.

`unaccent` filters, then the stemmer of the language sees the bare word: "déjà" and "deja", "coûts"
and "couts" are the same lexeme. Words of no weight that lose their accent here and so slip past the
stemmer's own list ("même") are dropped from queries by domain/search.py.
"""

from __future__ import annotations

from alembic import op

revision = "0017_search_words"
down_revision = "0016_queue"
branch_labels = None
depends_on = None

CONFIGURATIONS = {"declic_fr": ("french", "french_stem"), "declic_en": ("english", "english_stem")}
WORDS = "asciiword, asciihword, hword_asciipart, word, hword, hword_part"


def upgrade() -> None:
    for name, (base, stemmer) in CONFIGURATIONS.items():
        op.execute(f"create text search configuration {name} (copy = {base})")
        op.execute(
            f"alter text search configuration {name} alter mapping for {WORDS} with unaccent, {stemmer}"
        )


def downgrade() -> None:
    for name in CONFIGURATIONS:
        op.execute(f"drop text search configuration {name}")
