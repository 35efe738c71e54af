"""The means by which questions and offers are freed of their language, made from a folder.

    python tools/means.py DIR [FILE]     (FILE: where the local encoder's shipped means stand)

DIR holds `*briefs*.jsonl` (long questions), `*queries*.jsonl` (short ones) and `offers.jsonl`, as the
folder `demo` does; no grade is read. With EMBEDDINGS_URL and EMBEDDINGS_MODEL set, that model's means:
name the file in EMBEDDINGS_MEANS.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import config
from marketplace.domain.search import clauses, normalise
from marketplace.domain.vectors import mean_of
from marketplace.gateways.embeddings import Mean
from marketplace.gateways.embeddings_choice import ChosenEncoders
from marketplace.gateways.embeddings_local import MEANS, write_means
from marketplace.services.search.making import texts_of_fields
from marketplace.services.search.meaning import MOST_PHRASES


def main(folder: Path, file: Path) -> None:
    settings = config.load()
    encoder = ChosenEncoders(
        settings.embeddings_url, settings.embeddings_model, key=settings.embeddings_key
    ).current
    texts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows(folder, "*briefs*.jsonl"):
        text = normalise(f"{row['title']}\n{row['text']}")
        texts["query", row["lang"], "long"].append(text)
        texts["query", row["lang"], "phrase"] += clauses(text, MOST_PHRASES)
    for row in rows(folder, "*queries*.jsonl"):
        texts["query", row["lang"], "short"].append(normalise(row["q"]))
    for row in rows(folder, "offers.jsonl"):
        story = {name: row.get(name, "") for name in ("problem", "failed", "unlocked")}
        for _field, _number, kind, text in texts_of_fields(
            row["title"], story, row["takeaways"], row["for_whom"]
        ):
            texts["offer", row["lang"], kind].append(text)
    means = {}
    for (side, language, kind), some in sorted(texts.items()):
        count, mean = mean_of(encoder.encode(some, side, language))  # type: ignore[arg-type]
        means[language, kind] = Mean(count, mean)
        print(f"{language} {kind:9} {count:5}")
    write_means(file, means)


def rows(folder: Path, pattern: str) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for file in sorted(folder.glob(pattern))
        for line in file.read_text("utf-8").splitlines()
        if line
    ]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else MEANS)
