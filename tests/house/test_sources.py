"""What may stand in only one place, and what may stand nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.house.sources import ROOT, Source, dotted, sources

LONGEST = 400

# Where the rule of the one commit (docs/architecture.md, rule 2) does not hold, and why.
COMMITS = {
    "marketplace/storage/db.py": "the one commit",
    "marketplace/storage/clock.py": "the demo clock's offset is no business record",
    "migrations/env.py": "a migration is its own transaction",
}
ENVIRONMENT = {"config.py"}
# Where real time is read on purpose; the domain and the services get `now` handed over (rule 7).
CLOCKS = {
    "marketplace/domain/ids.py": "UUIDv7 carries the time of its making, and decides nothing",
    "marketplace/storage/clock.py": "the platform's clock itself",
    "marketplace/web/house.py": "log-ins and limits keep real time",
    "marketplace/cli/supervise.py": "how long the start took",
    "marketplace/gateways/payments_stripe/client.py": "webhook signatures keep real time",
    "run.py": "how long the start took",
}
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns"}
CLOCK_OWNERS = {"datetime", "date", "dt", "time", "datetime.datetime", "datetime.date"}
# Money is integers: no float and no division that makes one.
MONEY = re.compile(
    r"marketplace/(domain/(money|pricing|vat|refunds|postings|transfers)\.py"
    r"|(domain|storage|services)/(ledger|payments|payouts|invoices)(\.py|/.*)"
    r"|gateways/payments(_stripe)?(\.py|/.*))"
)


def test_nobody_else_commits() -> None:
    _only_in(COMMITS, lambda node: _call_of(node, {"commit", "begin"}), sandbox=False)


def test_guests_floor_opens_no_transaction() -> None:
    wrong = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        if source.path.startswith("marketplace/web/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "transaction"
    ]
    assert not wrong, wrong


def test_only_the_settings_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            return node.module == "os" and any(a.name in ("environ", "getenv") for a in node.names)
        return isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv", "os.environb")

    _only_in(ENVIRONMENT, reads)


def test_the_system_clock_is_read_only_where_said() -> None:
    def reads(node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            return node.module == "time" and any(a.name in CLOCK_CALLS for a in node.names)
        if not (isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS):
            return False
        return dotted(node.value) in CLOCK_OWNERS

    _only_in(CLOCKS, reads, sandbox=False)


def test_the_databases_clock_is_not_asked_for_business() -> None:
    """`func.now()` would be the server's time, which the demo clock does not move."""
    wrong = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        if source.path.startswith(("marketplace/services/", "marketplace/domain/"))
        for node in ast.walk(source.tree)
        if dotted(node) in ("func.now", "sa.func.now", "func.current_timestamp")
    ]
    assert not wrong, wrong


def test_no_float_near_money() -> None:
    wrong = [
        f"{source.path}:{node.lineno} {ast.unparse(node)[:60]}"
        for source in sources()
        if MONEY.fullmatch(source.path)
        for node in ast.walk(source.tree)
        if _makes_float(node)
    ]
    assert not wrong, "\n".join(wrong)


def _makes_float(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, ast.Div)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Name) and node.id == "float"


@pytest.mark.parametrize(
    ("code", "found"),
    [("price * 0.2", True), ("price / 100", True), ("float(price)", True), ("price // 100", False)],
)
def test_the_search_for_floats_finds_them(code: str, found: bool) -> None:
    assert any(_makes_float(node) for node in ast.walk(ast.parse(code))) is found


def test_no_module_is_too_long_to_read() -> None:
    long = {
        source.path: count
        for source in sources()
        if (count := source.text.count("\n")) > LONGEST and not source.path.startswith("migrations/versions/")
    }
    assert not long, f"past {LONGEST} lines a module becomes a package of the same name: {long}"


def test_an_alias_shared_by_threads_is_made_by_another() -> None:
    """`storage.types.another` says why: found by the fire, as five pages of 500 in a process just born."""
    shared = [
        f"{source.path}: {line}"
        for source in sources()
        for line in source.text.splitlines()
        if re.match(r"\w.*= .*\baliased\(", line)
    ]
    assert not shared, "\n".join(shared)


def test_no_hazardous_names() -> None:
    hazards = {"calendar.py", "stripe.py", "utils.py", "helpers.py", "common.py", "misc.py"}
    assert not [source.path for source in sources() if source.path.rsplit("/", 1)[-1] in hazards]


def test_requirements_are_pinned_and_name_no_registry() -> None:
    for file in ROOT.glob("requirements*"):
        text = file.read_text()
        assert not re.search(r"https?://|--index|--extra-index|--find-links|--trusted-host|@ file:", text), (
            file.name
        )
        if file.suffix == ".txt":
            pinned = re.findall(r"^([A-Za-z0-9][\w.\-\[\],]*)==\S+ \\\n    --hash=sha256:", text, re.M)
            named = re.findall(r"^[A-Za-z0-9]", text, re.M)
            assert len(pinned) == len(named) > 0, f"{file.name} has a line without version and hash"


def test_tables_are_made_by_migrations_alone() -> None:
    wrong = [
        source.path
        for source in sources()
        if any(
            isinstance(n, ast.Attribute) and n.attr in ("create_all", "drop_all")
            for n in ast.walk(source.tree)
        )
    ]
    assert not wrong, wrong


def _only_in(allowed: object, breaks: Callable[[ast.AST], bool], *, sandbox: bool = True) -> None:
    wrong = [
        f"{source.path}:{node.lineno} {ast.unparse(node)[:80]}"  # type: ignore[attr-defined]
        for source in _product(sandbox)
        if source.path not in allowed  # type: ignore[operator]
        for node in ast.walk(source.tree)
        if breaks(node)
    ]
    assert not wrong, "\n".join(wrong)


def _product(sandbox: bool) -> Iterator[Source]:
    # The provider is a product of its own: it has its own records and its own commits.
    return (s for s in sources() if sandbox or not s.path.startswith("sandbox/"))


def _call_of(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
