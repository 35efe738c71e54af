"""The part of the schema that Alembic's comparison does not see, as text that a person can read.

python -m tests.house.schema        write tests/house/schema.txt anew (`make schema`)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

FILE = Path(__file__).with_name("schema.txt")

# The queue's tables belong to its library and are copied from it.
CONSTRAINTS = """
select c.relname || ': ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relname not like 'procrastinate%' and c.relname <> 'alembic_version'
  and k.contype in ('c', 'f', 'p', 'u', 'x')
"""
INDEXES = """
select tablename || ': ' || regexp_replace(indexdef, ' ON public\\.', ' ON ')
from pg_indexes i
where schemaname = 'public' and tablename not like 'procrastinate%' and tablename <> 'alembic_version'
  and not exists (select from pg_constraint k where k.conname = i.indexname)
"""
TRIGGERS = """
select c.relname || ': ' || replace(pg_get_triggerdef(t.oid), ' public.', ' ')
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and not t.tgisinternal and c.relname not like 'procrastinate%'
"""
FUNCTIONS = """
select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' || E'\\n' || p.prosrc
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' and p.proname not like 'procrastinate%'
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""
EXTENSIONS = "select extname from pg_extension where extname <> 'plpgsql'"

SECTIONS = (
    ("Extensions", EXTENSIONS),
    ("Constraints", CONSTRAINTS),
    ("Indexes", INDEXES),
    ("Triggers", TRIGGERS),
    ("Functions", FUNCTIONS),
)


def describe(url: str) -> str:
    """Constraints, indexes, triggers and functions of a database, sorted."""
    engine = sa.create_engine(url)
    lines = [
        "# What Alembic's comparison does not see. Written by `make schema`; read the difference in review."
    ]
    with engine.connect() as connection:
        for name, query in SECTIONS:
            lines += ["", f"## {name}", ""]
            lines += sorted(line.rstrip() for line in connection.execute(sa.text(query)).scalars())
    engine.dispose()
    return "\n".join(lines) + "\n"


def main() -> int:
    from marketplace.storage import embedded
    from tests import database as databases

    server = embedded.start(Path(tempfile.mkdtemp(prefix="declic-schema-")), durable=False)
    try:
        databases.migrate(server.url)
        FILE.write_text(describe(server.url))
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
