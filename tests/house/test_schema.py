"""Migrations: numbered, one head, up and down and up; records and schema say the same."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import marketplace.storage
from marketplace.storage.types import Base
from tests import database as databases
from tests.house import schema
from tests.house.sources import ROOT, imports, sources

VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))


@pytest.fixture(scope="module")
def scratch(template: tuple[str, str]) -> Iterator[str]:
    """An empty database, to walk up and down in."""
    with databases.own_database(template[0], None) as url:
        yield url


def test_migrations_are_numbered_in_one_line() -> None:
    scripts = ScriptDirectory.from_config(_alembic())
    assert len(scripts.get_heads()) == 1
    line = [script.revision for script in scripts.walk_revisions()][::-1]
    assert [file.stem for file in VERSIONS] == line
    numbers = [int(re.match(r"\d{4}_", file.stem)[0][:4]) for file in VERSIONS]  # type: ignore[index]
    assert numbers == list(range(1, len(VERSIONS) + 1))


def test_migrations_import_no_records() -> None:
    """A migration says what was true on its day; the records say what is true now."""
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources()
        if source.path.startswith("migrations/versions/")
        for line, name in imports(source)
        if name.startswith("marketplace")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", VERSIONS, ids=lambda f: f.stem)
def test_every_migration_goes_down_too(file: Any) -> None:
    tree = ast.parse(file.read_text())
    down = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "downgrade")
    assert any(isinstance(n, ast.Call) for n in ast.walk(down)), f"{file.name} does nothing on the way down"


def test_up_down_up(scratch: str) -> None:
    databases.migrate(scratch)
    first = schema.describe(scratch)
    databases.migrate(scratch, "base")
    assert _left(scratch) == []
    databases.migrate(scratch)
    assert schema.describe(scratch) == first


def _left(url: str) -> list[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        types = connection.execute(
            sa.text("select typname from pg_type t join pg_namespace n on n.oid = t.typnamespace"
                    " where n.nspname = 'public' and typtype in ('e', 'd')"
                    " and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e')")
        ).scalars().all()  # fmt: skip
        functions = connection.execute(sa.text(schema.FUNCTIONS)).scalars().all()
    engine.dispose()
    return [name for name in [*tables, *types, *functions] if name != "alembic_version"]


def test_records_and_schema_say_the_same(template: tuple[str, str]) -> None:
    for module in pkgutil.walk_packages(marketplace.storage.__path__, "marketplace.storage."):
        importlib.import_module(module.name)
    with databases.own_database(*template) as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={"compare_type": True, "include_name": _ours, "target_metadata": Base.metadata},
            )
            differences = compare_metadata(context, Base.metadata)
        engine.dispose()
    assert not differences, "\n".join(map(str, differences))


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    table = parents.get("table_name") or (name if kind == "table" else "") or ""
    return not table.startswith("procrastinate")


def test_constraints_indexes_and_triggers_are_as_written_down(template: tuple[str, str]) -> None:
    with databases.own_database(*template) as url:
        assert schema.describe(url) == schema.FILE.read_text(), "meant so? then: make schema"


def _alembic() -> Config:
    settings = Config(str(ROOT / "alembic.ini"))
    settings.set_main_option("script_location", str(ROOT / "migrations"))
    return settings
