"""The extensions every later migration relies on, and the guard of append-only tables.

A server that lacks one of them is refused at start-up in one sentence (storage/embedded.py).
"""

from __future__ import annotations

from alembic import op

revision = "0001_extensions"
down_revision = None
branch_labels = None
depends_on = None

EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent", "vector")


def upgrade() -> None:
    for name in EXTENSIONS:
        op.execute(f"create extension if not exists {name}")
    op.execute(
        """
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )


def downgrade() -> None:
    op.execute("drop function refuse_change()")
    for name in reversed(EXTENSIONS):
        op.execute(f"drop extension if exists {name} cascade")
