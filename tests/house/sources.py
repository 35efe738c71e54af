"""The house's own sources, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The product. Tests and developers' tools stand outside its rules.
PRODUCT = ("config.py", "wsgi.py", "run.py", "marketplace", "sandbox", "migrations")


@dataclass(frozen=True)
class Source:
    """One file: `path` from the project's folder, `module` as it is imported."""

    path: str
    module: str
    package: str
    text: str
    tree: ast.Module


@cache
def sources() -> tuple[Source, ...]:
    """All Python files of the product."""
    return tuple(_read(file) for start in PRODUCT for file in _files(ROOT / start))


def floor(name: str) -> list[Source]:
    """The files of one floor."""
    return [s for s in sources() if s.path.startswith(f"marketplace/{name}/")]


def _files(start: Path) -> Iterator[Path]:
    if start.is_file():
        yield start
    elif start.is_dir():
        yield from sorted(start.rglob("*.py"))


def _read(file: Path) -> Source:
    path = file.relative_to(ROOT).as_posix()
    parts = path.removesuffix(".py").split("/")
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = file.read_text()
    return Source(path, module, ".".join(parts[:-1]), text, ast.parse(text, path))


def imports(source: Source) -> list[tuple[int, str]]:
    """(line, full name) of everything imported anywhere in the file, also inside functions.

    `from a import b` gives `a.b`, since b may be a module.
    """
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, f"{_absolute(source, node)}.{alias.name}") for alias in node.names]
    return found


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = source.package.split(".")
    above = above[: len(above) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


def dotted(node: ast.AST) -> str:
    """`datetime.datetime.now` for such an expression; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
