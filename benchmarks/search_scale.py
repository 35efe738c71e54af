"""What a search costs as the catalogue grows, beside the same SQL run bare in psql in the same run.

    python benchmarks/search_scale.py DIR [--sizes 1000 10000 100000] [--cache FILE] [--index]

DIR is a folder like `demo`: its offers are recombined (catalogue.py), its briefs and queries are asked
through the service the pages use. For each query the service and psql take turns; a query's time is its
median of so many turns. The encoder is not in these times: it does not know how many offers there are.
`--index` measures at the last size alone what an HNSW index would change: time, and recall of the best 200.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import catalogue
from benchmarks.search_quality import Bench, loaded
from marketplace.domain.filters import NONE, Filters
from marketplace.services import free_days
from marketplace.services.search import Meant, counts, find, meant_by
from marketplace.services.search.finding import NEAREST
from marketplace.storage.vectors import as_text

TURNS, ASKED = 3, 12
PARIS = ZoneInfo("Europe/Paris")
TOPIC = Filters(topic=("change-management",))
TODAY = datetime.now(PARIS).date()
WEEK = Filters(from_day=TODAY, to_day=TODAY + timedelta(days=6))
RARE = Filters(topic=("predictive-maintenance",), price_max=500, minutes=(180,), format=("on_site",))


@dataclass
class Timed:
    """Seconds a query took by the service and by psql, and how many statements it was."""

    service: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)


@contextmanager
def captured(engine: sa.Engine, kept: list[str]) -> Iterator[None]:
    """What is sent meanwhile, as psql can read it."""

    def note(connection: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
        raw = connection.connection.driver_connection
        kept.append(psycopg.ClientCursor(raw).mogrify(statement, given or None))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def in_psql(engine: sa.Engine, statements: Sequence[str]) -> list[float]:
    """Seconds of each statement by psql's own clock, all on one connection."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        # In one transaction, as the service reads: its limits are set for that long.
        file.write("begin;\n\\timing on\n")
        file.write("".join(f"{one.strip().rstrip(';')};\n" for one in statements))
        file.write("\\timing off\ncommit;\n")
        file.flush()
        address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        told = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", file.name, address],
            check=True, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C", "PGOPTIONS": "-c timezone=UTC"},
        ).stdout  # fmt: skip
    return [float(ms) / 1000 for ms in re.findall(r"^Time: ([0-9.]+) ms", told, re.MULTILINE)]


Ask = Callable[[Session], Any]


def timed(bench: Bench, asks: Sequence[Ask]) -> Timed:
    """Each question by turns; medians of its turns."""
    engine = bench.db.engine
    assert isinstance(engine, sa.Engine)
    found = Timed()
    for ask in asks:
        sent: list[str] = []
        with captured(engine, sent), bench.db.reading() as session:
            ask(session)
        found.statements.append(len(sent))
        service, bare = [], []
        for _ in range(TURNS):
            begun = time.perf_counter()
            with bench.db.reading() as session:
                ask(session)
            service.append(time.perf_counter() - begun)
            bare.append(sum(in_psql(engine, sent)))
        found.service.append(statistics.median(service))
        found.bare.append(statistics.median(bare))
    return found


def questions(bench: Bench, kind: str) -> list[tuple[str, Meant | None]]:
    """Every so many-th of the set, so that both languages are there, with their vectors."""
    all_of_them = [query.text for query in bench.queries if query.kind == kind]
    chosen = all_of_them[:: max(1, len(all_of_them) // ASKED)][:ASKED]
    return [(text, meant_by(bench.db, bench.encoders, text)) for text in chosen]


def cases(bench: Bench) -> Iterator[tuple[str, list[Ask]]]:
    """What is measured, by name."""
    now = datetime.now(UTC)
    short, long = questions(bench, "short"), questions(bench, "long")

    def searching(text: str, meant: Meant | None, filters: Filters = NONE, order: str = "") -> Ask:
        return lambda session: find(
            session, text, meant=meant, filters=filters, order=order, now=now, zone=PARIS
        )

    def counting(text: str, meant: Meant | None, filters: Filters) -> Ask:
        def ask(session: Session) -> None:
            page = find(session, text, meant=meant, filters=filters, now=now, zone=PARIS)
            counts(session, text, meant=meant, filters=filters, now=now, zone=PARIS, page=page)

        return ask

    yield "long briefs", [searching(*one) for one in long]
    yield "short queries", [searching(*one) for one in short]
    yield "short, words alone", [searching(text, None) for text, _meant in short]
    yield "short, one topic", [searching(*one, TOPIC) for one in short]
    yield "short, rare filters", [searching(*one, RARE) for one in short]
    yield "short, free this week", [searching(*one, WEEK) for one in short]
    yield "short, with counts", [counting(*one, TOPIC) for one in short]
    yield "one rare product", [searching(catalogue.product(place), None) for place in (900, 2_000, 5_000)]
    yield "browsing", [searching("", None)]
    yield "browsing, by price", [searching("", None, NONE, "price")]
    yield "browsing, soonest", [searching("", None, NONE, "soonest")]
    yield "browsing with counts", [counting("", None, NONE)]
    yield "browsing, topic, counts", [counting("", None, TOPIC)]
    hostile = ["a", "x" * 4_000, "mot " * 1_000, "capteur & | ! <-> :* ( )", "🦆" * 200, _many_words(long)]
    yield "hostile", [searching(text, meant_by(bench.db, bench.encoders, text)) for text in hostile]


def _many_words(long: Sequence[tuple[str, Meant | None]]) -> str:
    """The commonest thing that is much: as many words of briefs as a question may have characters."""
    return " ".join(text for text, _meant in long)[:8_000]


def percentile(values: Sequence[float], share: float) -> float:
    """The value under which such a share of the sorted ones lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def table(bench: Bench, size: int, first: dict[str, list[int]]) -> None:
    """A line for each case: p50, p95, psql p50, ratio, statements, questions that cost others than at first."""
    print(f"\n{size} offers          p50 ms   p95 ms  psql p50   ratio  statements  changed", flush=True)
    for name, asks in cases(bench):
        found = timed(bench, asks)
        p50, p95, bare = (
            statistics.median(found.service), percentile(found.service, 0.95), statistics.median(found.bare),
        )  # fmt: skip
        before = first.setdefault(name, found.statements)
        changed = sum(one != other for one, other in zip(before, found.statements, strict=True))
        number = "–".join(str(n) for n in sorted({min(found.statements), max(found.statements)}))
        print(
            f"{name:24}{p50 * 1000:8.1f} {p95 * 1000:8.1f}  {bare * 1000:8.1f}  {p50 / bare:6.2f}  {number:10}  {changed}",
            flush=True,
        )


def approximate(bench: Bench, encoding_id: uuid.UUID) -> None:
    """The nearest by exact scan and by HNSW: milliseconds of that statement alone, and recall."""
    meant = [one for kind in ("long", "short") for _text, one in questions(bench, kind) if one]
    dimension = len(meant[0].vector)
    by = f"(vector::halfvec({dimension})) <#> cast(:asked as halfvec({dimension}))"
    wanted = sa.text(
        f"select offer_id from offer_vectors where encoding_id = '{encoding_id}' order by {by} limit {NEAREST}"
    )
    engine = bench.db.engine
    assert isinstance(engine, sa.Engine)

    def measured(connection: sa.Connection) -> tuple[list[set[Any]], float]:
        found, times = [], []
        for one in meant:
            turns = []
            for _ in range(TURNS):
                begun = time.perf_counter()
                rows = connection.scalars(wanted, {"asked": as_text(one.vector)}).all()
                turns.append(time.perf_counter() - begun)
            found.append(set(rows))
            times.append(statistics.median(turns))
        return found, statistics.median(times) * 1000

    with engine.connect() as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        connection.exec_driver_sql("set maintenance_work_mem = '512MB'")
        exact, took = measured(connection)
        print(f"exact scan, best {NEAREST}: {took:.1f} ms", flush=True)
        begun = time.perf_counter()
        connection.exec_driver_sql(
            f"create index bench_hnsw on offer_vectors using hnsw"
            f" ((vector::halfvec({dimension})) halfvec_ip_ops) where encoding_id = '{encoding_id}'"
        )
        size = connection.scalar(sa.text("select pg_size_pretty(pg_relation_size('bench_hnsw'))"))
        print(f"HNSW built in {time.perf_counter() - begun:.0f} s, {size}", flush=True)
        connection.exec_driver_sql("set enable_seqscan = off")
        for ef in (200, 400, 800):
            connection.exec_driver_sql(f"set hnsw.ef_search = {ef}")
            near, took = measured(connection)
            recall = statistics.mean(len(a & b) / len(a) for a, b in zip(exact, near, strict=True))
            print(f"HNSW, ef_search {ef}: {took:.1f} ms, recall {recall:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--index", action="store_true")
    options = parser.parse_args()
    with loaded(options.folder, options.cache) as bench:
        engine = bench.db.engine
        assert isinstance(engine, sa.Engine)
        while free_days.renew_due(bench.db):
            pass
        with bench.db.reading() as session:
            sources = catalogue.sources_of(session)
        first: dict[str, list[int]] = {}
        if not options.index:
            table(bench, len(sources.ids), first)
        start = 0
        for size in options.sizes[-1:] if options.index else options.sizes:
            begun = time.perf_counter()
            with engine.connect() as connection:
                connection.exec_driver_sql("set statement_timeout = 0")
                catalogue.fill(connection, sources, start, size)
                connection.exec_driver_sql("reset statement_timeout")
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("set statement_timeout = 0")
                connection.exec_driver_sql("vacuum analyze")
                connection.exec_driver_sql("reset statement_timeout")
            print(f"\nfilled to {size} in {time.perf_counter() - begun:.0f} s")
            if options.index:
                approximate(bench, sources.encoding_id)
            else:
                table(bench, size, first)
            start = size


if __name__ == "__main__":
    main()
