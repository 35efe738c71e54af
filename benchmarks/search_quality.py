"""How well the search finds: nDCG@5 on graded queries, by kind and by language pair.

    python benchmarks/search_quality.py demo        (DATABASE_URL: a server where a database may be made)

DIR holds the demo's files and `briefs_dev.jsonl`, `short_queries_dev.jsonl` (any `*briefs*` and
`*queries*` file is taken). Gain is 2^grade − 1; queries without a relevant offer are left out. "Same
language": the exact offer (grade 3) is in the query's own language.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

from marketplace.gateways.payments import PaymentError
from marketplace.services.demo import load
from marketplace.services.reactions import REACTIONS
from marketplace.services.search import find
from marketplace.storage.db import Database, connect
from marketplace.storage.offers import Offer, OfferVersion
from tests import database as databases


class NobodyPays:
    """The load goes on without accounts."""

    def create_account(self, **_asked: str) -> None:
        raise PaymentError("no_provider_here")


def ndcg(relevant: Mapping[str, int], found: Sequence[str], most: int = 5) -> float:
    """Normalised discounted gain of the first `most`."""
    gained = sum(
        (2 ** relevant.get(one, 0) - 1) / math.log2(place + 2) for place, one in enumerate(found[:most])
    )
    ideal = sorted(relevant.values(), reverse=True)[:most]
    return gained / sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(ideal))


def queries(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, query) of all graded files."""
    for kind, pattern in (("long", "*briefs*.jsonl"), ("short", "*queries*.jsonl")):
        for file in sorted(folder.glob(pattern)):
            for line in file.read_text("utf-8").splitlines():
                yield kind, json.loads(line)


def main(folder: Path) -> None:
    with databases.own_database(os.environ["DATABASE_URL"], None) as url:
        databases.migrate(url)
        engine = connect(url)
        db = Database(engine, clock=lambda: datetime.now(UTC), reactions=REACTIONS)
        load(db, folder, NobodyPays())  # type: ignore[arg-type]
        measure(db, folder)
        engine.dispose()


def measure(db: Database, folder: Path) -> None:
    marks: dict[tuple[str, str], list[float]] = defaultdict(list)
    times: dict[str, list[float]] = defaultdict(list)
    with db.reading() as session:
        rows = session.execute(
            sa.select(Offer.id, Offer.source_id, OfferVersion.language).join(
                OfferVersion, OfferVersion.offer_id == Offer.id
            )
        ).all()
        names = {row.id: row.source_id for row in rows}
        languages = {row.source_id: row.language for row in rows}
        for kind, query in queries(folder):
            words = query.get("q") or f"{query['title']}\n{query['text']}"
            begun = time.perf_counter()
            page = find(session, words, limit=5)
            times[kind].append(time.perf_counter() - begun)
            if not query["relevant"]:
                marks[kind, "nothing fits: offers shown"].append(page.total)
                continue
            mark = ndcg(query["relevant"], [names[hit.offer_id] for hit in page.hits])
            exact = [offer for offer, grade in query["relevant"].items() if grade == 3]
            same = bool(exact) and languages[exact[0]] == query["lang"]
            marks[kind, "all"].append(mark)
            marks[kind, "same language" if same else "other language"].append(mark)
    for (kind, which), values in sorted(marks.items()):
        print(f"{kind:6} {which:28} {statistics.mean(values):6.3f}  ({len(values)})")
    for kind, spent in times.items():
        print(f"{kind:6} median time                  {statistics.median(spent) * 1000:6.1f} ms")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
