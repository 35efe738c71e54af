"""How well the search finds, measured through the service the pages use.

    python benchmarks/search_quality.py DIR                the table
    python benchmarks/search_quality.py DIR --tune         weights by five-fold cross-validation, with the spread
    python benchmarks/search_quality.py DIR --wrong        the queries that go wrong, worst first
    … --cache FILE    keep the encoder's vectors there from run to run

DIR holds `experts.jsonl`, `offers.jsonl` and any `*briefs*.jsonl` (long) and `*queries*.jsonl` (short)
with graded relevance, as the folder `demo` does. It is loaded by the real services into a database of
its own: at DATABASE_URL, else at an embedded server started for the run. Gain is 2^grade − 1; queries
without a relevant offer are left out of the means. "Same language": the exact offer (grade 3) is in the
query's own language.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pickle
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

import config
from marketplace.domain import search as law
from marketplace.domain.search import RANKING, significant
from marketplace.gateways.embeddings import Embeddings, Mean, Side, Vector
from marketplace.gateways.embeddings_choice import ChosenEncoders
from marketplace.gateways.payments import PaymentError
from marketplace.services.demo import load
from marketplace.services.reactions import REACTIONS
from marketplace.services.search import Meant, Page, catch_up, find, finding, meant_by, progress_of
from marketplace.services.search.words import words_of
from marketplace.storage.db import Database, connect
from marketplace.storage.offers import Offer, OfferVersion
from tests import database as databases

FOLDS = 5
Grades = Mapping[str, int]


class NobodyPays:
    """The load goes on without accounts."""

    def create_account(self, **_asked: str) -> None:
        raise PaymentError("no_provider_here")


class Kept:
    """The real encoders, what they answered kept in a file between runs."""

    def __init__(self, real: ChosenEncoders, file: Path | None) -> None:
        self._real, self._file = real.current, file
        self._kept: dict[tuple[str, str], Vector] = (
            pickle.loads(file.read_bytes()) if file and file.exists() else {}
        )
        self.current: Embeddings = self

    @property
    def name(self) -> str:
        return self._real.name

    @property
    def parts(self) -> tuple[int, ...]:
        return self._real.parts

    @property
    def means(self) -> Mapping[tuple[str, str], Mean]:
        return self._real.means

    def named(self, name: str) -> Embeddings | None:
        return self if name == self.name else None

    def encode(self, texts: Sequence[str], side: Side, language: str) -> list[Vector]:
        missing = [text for text in dict.fromkeys(texts) if (side, text) not in self._kept]
        if missing:
            found = self._real.encode(missing, side, language)
            self._kept |= {(side, text): vector for text, vector in zip(missing, found, strict=True)}
        return [self._kept[side, text] for text in texts]

    def save(self) -> None:
        if self._file:
            self._file.write_bytes(pickle.dumps(self._kept))


@dataclass(frozen=True)
class Query:
    """A graded question of the set."""

    kind: str
    text: str
    language: str
    relevant: Grades
    pair: str  # same language | other language | nothing fits


@dataclass
class Bench:
    """The loaded catalogue and the set."""

    db: Database
    encoders: Kept
    queries: list[Query]
    names: dict[Any, str]


def gain(relevant: Grades, found: Sequence[str], most: int = 5) -> float:
    """Normalised discounted cumulative gain of the first `most`."""
    ideal = sorted(relevant.values(), reverse=True)[:most]
    best = sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(ideal))
    return (
        sum((2 ** relevant.get(one, 0) - 1) / math.log2(place + 2) for place, one in enumerate(found[:most]))
        / best
    )


def recall(relevant: Grades, found: Sequence[str], most: int = 3) -> float:
    """Of the offers graded 2 and 3 (of all, where there are none), how many stand in the first `most`."""
    wanted = {one for one, grade in relevant.items() if grade >= 2} or set(relevant)
    return len(wanted & set(found[:most])) / min(most, len(wanted))


def reciprocal(relevant: Grades, found: Sequence[str]) -> float:
    """One over the place of the first offer of the highest grade there is."""
    top = max(relevant.values())
    return next((1 / (place + 1) for place, one in enumerate(found) if relevant.get(one) == top), 0.0)


def read_queries(folder: Path, languages: Mapping[str, str]) -> Iterator[Query]:
    for kind, pattern in (("long", "*briefs*.jsonl"), ("short", "*queries*.jsonl")):
        for file in sorted(folder.glob(pattern)):
            for line in file.read_text("utf-8").splitlines():
                row = json.loads(line)
                # Of a part of the offers: what is not there cannot be found.
                relevant = {offer: grade for offer, grade in row["relevant"].items() if offer in languages}
                exact = [offer for offer, grade in relevant.items() if grade == 3]
                same = bool(exact) and languages[exact[0]] == row["lang"]
                pair = ("same language" if same else "other language") if relevant else "nothing fits"
                yield Query(
                    kind, row.get("q") or f"{row['title']}\n{row['text']}", row["lang"], relevant, pair
                )


@contextmanager
def loaded(folder: Path, cache: Path | None) -> Iterator[Bench]:
    """The folder in a database of its own, its vectors made by the job's own function."""
    given, server = os.environ.get("DATABASE_URL"), None
    if not given:
        from marketplace.storage import embedded

        server = embedded.start(Path(tempfile.mkdtemp(prefix="declic-quality-")), durable=False)
        given = server.url
    settings = config.load(
        {"ENV": "demo"} | {k: v for k, v in os.environ.items() if k.startswith("EMBEDDINGS_")}
    )
    real = ChosenEncoders(
        settings.embeddings_url,
        settings.embeddings_model,
        key=settings.embeddings_key,
        means=settings.embeddings_means,
    )
    encoders = Kept(real, cache)
    try:
        with databases.own_database(given, None) as url:
            databases.migrate(url)
            engine = connect(url)
            db = Database(engine, clock=lambda: datetime.now(UTC), reactions=REACTIONS)
            load(db, folder, NobodyPays())  # type: ignore[arg-type]
            begun = time.perf_counter()
            while catch_up(db, encoders, 200):
                encoders.save()
            (made,) = progress_of(db)
            print(f"{made.done} offers encoded by {made.name} in {time.perf_counter() - begun:.0f} s\n")
            with db.reading() as session:
                rows = session.execute(
                    sa.select(Offer.id, Offer.source_id, OfferVersion.language).join(OfferVersion)
                ).all()
            names = {row.id: row.source_id for row in rows}
            languages = {row.source_id: row.language for row in rows}
            yield Bench(db, encoders, list(read_queries(folder, languages)), names)
            encoders.save()
            engine.dispose()
    finally:
        if server is not None:
            server.stop()


def asked(bench: Bench, query: Query, signal: str) -> tuple[Page, float]:
    """The first page and the time it took, encoding included."""
    begun = time.perf_counter()
    meant = meant_by(bench.db, bench.encoders, query.text) if signal != "text" else None
    with bench.db.reading() as session:
        page = find(session, query.text, meant=meant, now=datetime.now(UTC), limit=10)
    return page, time.perf_counter() - begun


@contextmanager
def signal_alone(signal: str) -> Iterator[None]:
    """Text without weight while meaning is measured alone."""
    kept = finding.RANKING
    if signal == "meaning":
        finding.RANKING = replace(kept, text=0.0)
    try:
        yield
    finally:
        finding.RANKING = kept


def table(bench: Bench) -> None:
    """nDCG@5, recall@3 and mean reciprocal rank by signal, kind and language pair; then groups and times."""
    print(f"{'':34}{'nDCG@5':>10}{'recall@3':>10}{'MRR':>8}{'n':>6}")
    pages: dict[int, Page] = {}
    spent: dict[str, list[float]] = defaultdict(list)
    for signal in ("text", "meaning", "fused"):
        marks: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
        with signal_alone(signal):
            for number, query in enumerate(bench.queries):
                page, seconds = asked(bench, query, signal)
                if signal == "fused":
                    pages[number] = page
                    spent[query.kind].append(seconds)
                if not query.relevant:
                    continue
                found = [bench.names[hit.offer_id] for hit in page.hits]
                mark = (
                    gain(query.relevant, found),
                    recall(query.relevant, found),
                    reciprocal(query.relevant, found),
                )
                marks[query.kind, "all"].append(mark)
                marks[query.kind, query.pair].append(mark)
        for (kind, which), values in sorted(marks.items()):
            means = [statistics.fmean(one[column] for one in values) for column in range(3)]
            print(
                f"{signal:9}{kind:7}{which:18}{means[0]:10.3f}{means[1]:10.3f}{means[2]:8.3f}{len(values):6}"
            )
        print()
    honesty(bench, pages)
    for kind, times in spent.items():
        print(f"{kind} queries: median {statistics.median(times) * 1000:.0f} ms, encoding included")


def honesty(bench: Bench, pages: Mapping[int, Page]) -> None:
    """How right the groups are, and the sentence that nothing fits."""
    held: dict[tuple[str, str], list[int]] = defaultdict(list)
    said = right = missed = exact = without = 0
    for number, query in enumerate(bench.queries):
        page = pages[number]
        for hit in page.hits:
            held[query.kind, str(hit.group)].append(query.relevant.get(bench.names[hit.offer_id], 0))
        empty = page.nothing_fits or not page.hits
        said += empty
        right += empty and not query.relevant
        without += not query.relevant
        missed += empty and bool(query.relevant)
        exact += empty and 3 in query.relevant.values()
    print("groups: of the offers shown under it, how many are graded so, and higher")
    for kind in ("long", "short"):
        for group, least in (("same", 3), ("neighbour", 2), ("partly", 1), ("closest", 1)):
            grades = held[kind, group]
            if grades:
                share = sum(grade >= least for grade in grades) / len(grades)
                any_ = sum(grade >= 1 for grade in grades) / len(grades)
                print(
                    f"  {kind:6}{group:10} grade ≥ {least}: {share:5.2f}   any grade: {any_:5.2f}   ({len(grades)})"
                )
    print(f"“nothing fits” is said {said} times, rightly {right}, of {without} queries without an offer;"
          f" {missed} times though there is one, {exact} times though there is an exact one\n")  # fmt: skip


# --- cross-validation ---------------------------------------------------------------------------


def candidates_of(bench: Bench) -> list[list[law.Candidate[str]]]:
    """What `fuse` is given for each query, kept so that weights can be tried without asking again."""
    kept: list[list[law.Candidate[str]]] = []
    real: Callable[..., Any] = finding.fuse
    for query in bench.queries:
        seen: list[law.Candidate[str]] = []

        def spy(candidates: Sequence[law.Candidate[Any]], *more: Any) -> Any:
            seen.extend(replace(one, key=bench.names[one.key]) for one in candidates)  # noqa: B023
            return real(candidates, *more)

        finding.fuse = spy  # type: ignore[assignment]
        meant = meant_by(bench.db, bench.encoders, query.text)
        with bench.db.reading() as session:
            words = words_of(session, query.text, significant(query.text))
            if isinstance(meant, Meant):
                finding._fused(session, words, meant, None)
        finding.fuse = real
        kept.append(seen)
    return kept


def tune(bench: Bench) -> None:
    """The weight of words chosen on four fifths, measured on the fifth left out; then the groups' bounds."""
    given = candidates_of(bench)
    weights = [step / 200 for step in range(21)]
    marks = {
        weight: [
            gain(query.relevant, [one.key for one in law.fuse(some, replace(RANKING, text=weight))])
            if query.relevant
            else math.nan
            for query, some in zip(bench.queries, given, strict=True)
        ]
        for weight in weights
    }
    for kind in ("long", "short"):
        print(kind, *(f"{w:.3f}:{_mean(marks[w], bench, kind):.3f}" for w in weights))
    numbers = [number for number, query in enumerate(bench.queries) if query.relevant]
    left_out: dict[str, list[float]] = defaultdict(list)
    chosen: list[float] = []
    for again in range(4):
        random.Random(again).shuffle(numbers)
        for fold in range(FOLDS):
            test = set(numbers[fold::FOLDS])
            train = [number for number in numbers if number not in test]
            best = max(weights, key=lambda w: statistics.fmean(marks[w][n] for n in train))
            chosen.append(best)
            for kind in ("long", "short"):
                some = [marks[best][n] for n in test if bench.queries[n].kind == kind]
                if some:
                    left_out[kind].append(statistics.fmean(some))
    print(f"chosen on four fifths: {min(chosen)} to {max(chosen)}, median {statistics.median(chosen)}")
    for kind, values in left_out.items():
        print(
            f"{kind}: on the fifth left out {statistics.fmean(values):.3f} ± {statistics.pstdev(values):.3f}"
        )
    bounds(bench, given)
    silence(bench, given)


def _mean(values: Sequence[float], bench: Bench, kind: str) -> float:
    return statistics.fmean(
        value
        for value, query in zip(values, bench.queries, strict=True)
        if query.kind == kind and not math.isnan(value)
    )


def bounds(bench: Bench, given: Sequence[Sequence[law.Candidate[str]]]) -> None:
    """For each group the (fit, lead) that keeps a precision and lets in most of what the one above left."""
    rows: list[tuple[float, float, int]] = []
    for query, some in zip(bench.queries, given, strict=True):
        fits = law.fuse(some, replace(RANKING, same=(-9, -9)))
        pack = law._pack([one.fit for one in fits])
        rows += [(one.fit, one.fit - pack, query.relevant.get(one.key, 0)) for one in fits]
    left = rows
    for name, least in (("same", 3), ("neighbour", 2), ("partly", 1)):
        for precision in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            best = (0, 0.0, 0.0, 0.0)
            for fit in (step / 100 for step in range(8, 46, 2)):
                for lead in (step / 100 for step in range(0, 30, 2)):
                    inside = [grade for f, ahead, grade in left if f >= fit and ahead >= lead]
                    right = sum(grade >= least for grade in inside)
                    if inside and right / len(inside) >= precision and right > best[0]:
                        best = (right, fit, lead, right / len(inside))
            print(
                f"{name} at precision {precision}: {best[0]} by fit {best[1]}, lead {best[2]} ({best[3]:.2f})"
            )
        bound = getattr(RANKING, name)
        left = [row for row in left if row[0] < bound[0] or row[1] < bound[1]]


def silence(bench: Bench, given: Sequence[Sequence[law.Candidate[str]]]) -> None:
    """Where to say that nothing fits: below which fit of the best, and how right that is."""
    tops = [
        (law.fuse(some, replace(RANKING, same=(-9, -9)))[0].fit, query.relevant)
        for query, some in zip(bench.queries, given, strict=True)
        if some
    ]
    for bound in sorted({step / 100 for step in range(14, 31, 2)} | {RANKING.nothing}):
        said = [relevant for fit, relevant in tops if fit < bound]
        exact = sum(3 in relevant.values() for relevant in said)
        print(
            f"nothing fits below {bound}: said {len(said)}, rightly {said.count({})}, {exact} in spite of an exact one"
        )


def wrong(bench: Bench) -> None:
    """The worst first, with what was found instead."""
    marked = []
    for query in bench.queries:
        if query.relevant:
            page, _seconds = asked(bench, query, "fused")
            found = [bench.names[hit.offer_id] for hit in page.hits[:5]]
            marked.append((gain(query.relevant, found), query, found))
    for mark, query, found in sorted(marked, key=lambda one: one[0])[:12]:
        print(f"{mark:.2f} {query.kind} {query.language}: {query.text.splitlines()[0]}")
        print(f"     wanted {dict(query.relevant)}, found {found}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    with loaded(options.folder, options.cache) as bench:
        if options.tune:
            tune(bench)
        elif options.wrong:
            wrong(bench)
        else:
            table(bench)


if __name__ == "__main__":
    main()
