"""The job queue: Procrastinate's own tables, copied from its release 3.10.0.

The package brings SQL of its own for later releases; each comes in as a migration here, so that
one command prepares a database and the package never changes it by itself.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016_queue"
down_revision = "0015_letters"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql" / "procrastinate_3_10_0.sql"


def upgrade() -> None:
    # Through the driver: the file holds many statements and percent signs of its own.
    op.get_bind().connection.driver_connection.execute(SQL.read_text("utf-8"))


def downgrade() -> None:
    op.execute(
        """
        do $$
        declare it record;
        begin
            for it in select relname from pg_class where relkind = 'r' and relname like 'procrastinate\\_%'
                      and relnamespace = 'public'::regnamespace loop
                execute format('drop table %I cascade', it.relname);
            end loop;
            for it in select oid::regprocedure as signature from pg_proc where proname like 'procrastinate\\_%'
                      and pronamespace = 'public'::regnamespace loop
                execute 'drop function ' || it.signature || ' cascade';
            end loop;
            for it in select typname from pg_type where typname like 'procrastinate\\_%' and typtype in ('e', 'c')
                      and typnamespace = 'public'::regnamespace loop
                execute format('drop type if exists %I cascade', it.typname);
            end loop;
        end $$
        """
    )
