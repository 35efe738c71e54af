"""A large catalogue made of a small one: offers recombined from the sentences of those a database holds.

Deterministic: the same offers and the same seed give the same catalogue, and a larger one begins with
the smaller. Each new offer takes the title and most of the problem from one offer of its language, what
failed and what unlocked it from others, and names an invented product, some of which are rare: without
them every word would stand in a fortieth of all offers. Experts, calendars and free days are copies, one
expert to four offers.

Vectors are composed, not encoded: the stored vectors of the parts a text was recombined from are added,
with a little seeded noise so that no two are the same. Neighbours are therefore denser than real ones
would be. Of the texts, the sentences of the story are kept with the vectors they have in their own offer.
"""

from __future__ import annotations

import random
import uuid
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace.domain.search import sentences
from marketplace.domain.vectors import COMPOSITION, Vector
from marketplace.storage.vectors import as_text, as_vector

STORY = ("problem", "failed", "unlocked")
PRODUCTS = 20_000
OFFERS_AN_EXPERT = 4
SYLLABLES = tuple("babecocudafefigohujikalemiloponuravesotu"[i : i + 2] for i in range(0, 40, 2))
NOISES, NOISE = 500, 0.12
# Ids in order of time, as the application's own are, all before today's.
FIRST_ID = 0x018F << 112 | 0x7 << 76 | 0x8 << 60


@dataclass(frozen=True)
class Source:
    """An offer to take from: its place, its language, and how many sentences each part of its story has."""

    number: int
    language: str
    cut: Mapping[str, int]


@dataclass(frozen=True)
class Recombined:
    """What a new offer is made of: places of sources; of the story, (source, field, ordinal) of each sentence."""

    number: int
    language: str
    title: int
    outcome: int
    for_whom: int
    story: Mapping[str, tuple[tuple[int, str, int], ...]]
    product: str
    minutes: int
    euros: int
    rating: int
    noise: tuple[int, int]

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(int=FIRST_ID + self.number)

    @property
    def expert(self) -> int:
        return self.number // OFFERS_AN_EXPERT


def recombine(sources: Sequence[Source], count: int, seed: int = 6) -> Iterator[Recombined]:
    """The first `count` offers of this seed."""
    rng = random.Random(seed)
    by_language = {
        language: [one for one in sources if one.language == language]
        for language in sorted({one.language for one in sources})
    }
    # As names are in a real catalogue: a few everywhere, most of them once or twice.
    weights = list(accumulate(1 / place for place in range(1, PRODUCTS + 1)))
    for number in range(count):
        language = rng.choice(sorted(by_language))
        told, failed, outcome, reader, other = (rng.choice(by_language[language]) for _ in range(5))
        story = {
            "problem": (*_some(rng, told, "problem", 2), *_some(rng, other, "problem", 1)),
            "failed": _some(rng, failed, "failed", 1),
            "unlocked": _some(rng, outcome, "unlocked", 2),
        }
        yield Recombined(
            number=number,
            language=language,
            title=told.number,
            outcome=outcome.number,
            for_whom=reader.number,
            story=story,
            product=product(bisect(weights, rng.random() * weights[-1])),
            minutes=rng.choice((180, 210, 240)),
            euros=rng.randrange(400, 2_500, 50),
            rating=rng.choice((0, 0, 3_600, 3_900, 4_100, 4_300, 4_500, 4_700)),
            noise=(rng.randrange(NOISES), rng.randrange(NOISES)),
        )


def product(place: int) -> str:
    """An invented name, a different one for each place."""
    parts = []
    for _ in range(4):
        place, syllable = divmod(place, len(SYLLABLES))
        parts.append(SYLLABLES[syllable])
    return "".join(parts).capitalize()


def _some(rng: random.Random, source: Source, field: str, most: int) -> tuple[tuple[int, str, int], ...]:
    there = range(source.cut.get(field, 0))
    return tuple((source.number, field, one) for one in sorted(rng.sample(there, min(most, len(there)))))


@dataclass(frozen=True)
class Sources:
    """The offers to take from, by place, and the encoding whose vectors they have."""

    offers: tuple[Source, ...]
    ids: tuple[uuid.UUID, ...]
    encoding_id: uuid.UUID


def sources_of(session: Session) -> Sources:
    """All live offers of the database that have vectors, oldest first; nothing recombined yet."""
    rows = session.execute(
        sa.text(
            "select o.id, v.language, v.problem, v.failed, v.unlocked, x.encoding_id"
            " from offers o join offer_versions v on v.offer_id = o.id and v.live"
            " join offer_vectors x on x.offer_id = o.id join search_encodings e on e.id = x.encoding_id"
            " where o.status = 'live' and e.state = 'serving' and o.source_id is not null order by o.source_id"
        )
    ).all()
    offers = [
        Source(number, row.language, {field: len(sentences(getattr(row, field) or "")) for field in STORY})
        for number, row in enumerate(rows)
    ]
    return Sources(tuple(offers), tuple(row.id for row in rows), rows[0].encoding_id)


def fill(connection: sa.Connection, sources: Sources, start: int, stop: int, seed: int = 6) -> None:
    """Write the recombined offers from `start` to `stop`, by COPY and insert-select; then analyse."""
    run = connection.exec_driver_sql
    if start == 0:
        _write_parts(connection, sources, seed)
    run("create temp table if not exists plan (n int, id uuid, expert int, language text, title int,"
        " outcome int, for_whom int, story int[], product text, minutes int, euros int, rating int,"
        " noise_a int, noise_b int)")  # fmt: skip
    run("truncate plan")
    places = {
        (row.source, row.field, row.ordinal): row.n
        for row in connection.execute(sa.text("select n, source, field, ordinal from bench_sentences"))
    }
    cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
    with cursor.copy("copy plan from stdin") as copy:
        for one in recombine(sources.offers, stop, seed):
            if one.number >= start:
                story = [places[sentence] for field in STORY for sentence in one.story[field]]
                copy.write_row((
                    one.number, one.id, one.expert, one.language, one.title, one.outcome, one.for_whom, story,
                    one.product, one.minutes, one.euros, one.rating, *one.noise,
                ))  # fmt: skip
    run("analyze plan")
    for statement in _FILL:
        connection.execute(sa.text(statement), {"encoding": sources.encoding_id})
    connection.commit()


def _write_parts(connection: sa.Connection, sources: Sources, seed: int) -> None:
    """What offers are recombined from, in tables of the benchmark's own: vectors weighted, words read once."""
    connection.exec_driver_sql(_PARTS)
    connection.execute(
        sa.text("insert into bench_sources (n, offer_id) select * from unnest(cast(:n as int[]), cast(:ids as uuid[]))"),
        {"n": list(range(len(sources.ids))), "ids": list(sources.ids)},
    )  # fmt: skip
    vectors: dict[tuple[uuid.UUID, str], Vector] = {}
    asked = sa.text(
        "select offer_id, field, cast(vector as text) as vector from offer_texts"
        " where encoding_id = :encoding and kind <> 'sentence'"
    )
    for row in connection.execute(asked, {"encoding": sources.encoding_id}):
        vectors[row.offer_id, row.field] = as_vector(row.vector)
    connection.execute(sa.text(_SENTENCES), {"encoding": sources.encoding_id})
    scale = sum(COMPOSITION.values())
    for number, offer_id in enumerate(sources.ids):
        whole = vectors[offer_id, "whole"]
        by_field = {f: vectors.get((offer_id, f), whole) for f in ("stuck", "title", "for_whom")}
        # The problem's offer gives most of what it is about; what unlocked it comes from another.
        told = _sum((1.0, whole), (0.5, by_field["stuck"]), (0.2, by_field["title"]))
        connection.execute(
            sa.text(
                "update bench_sources set told = cast(:told as halfvec), outcome = cast(:outcome as halfvec),"
                " for_whom = cast(:for_whom as halfvec) where n = :n"
            ),
            {
                "n": number, "told": as_text(x / scale for x in told),
                "outcome": as_text(x * 0.5 / scale for x in whole),
                "for_whom": as_text(x * 0.3 / scale for x in by_field["for_whom"]),
            },
        )  # fmt: skip
    rng, size = random.Random(seed), len(whole)
    for number in range(NOISES):
        drawn = [rng.gauss(0, NOISE / size**0.5) for _ in range(size)]
        connection.execute(
            sa.text("insert into bench_noise values (:n, cast(:v as halfvec))"),
            {"n": number, "v": as_text(drawn)},
        )
    connection.exec_driver_sql("analyze bench_sources, bench_sentences, bench_noise")


def _sum(*weighted: tuple[float, Vector]) -> list[float]:
    return [
        sum(weight * x for (weight, _), x in zip(weighted, places, strict=True))
        for places in zip(*(vector for _, vector in weighted), strict=True)
    ]


_PARTS = """
    create table bench_sources (n int primary key, offer_id uuid, told halfvec, outcome halfvec, for_whom halfvec);
    create table bench_sentences (n int generated always as identity primary key, source int, field text,
        ordinal int, text text, vector halfvec, lengths real[], fr tsvector, en tsvector);
    create table bench_noise (n int primary key, vector halfvec);
    create aggregate tsvector_sum (tsvector) (sfunc = tsvector_concat, stype = tsvector, initcond = '');
"""

_SENTENCES = """
    insert into bench_sentences (source, field, ordinal, text, vector, lengths, fr, en)
    select s.n, t.field, t.ordinal, t.text, t.vector, t.lengths,
           setweight(to_tsvector('declic_fr', t.text), cast(case t.field when 'problem' then 'B' else 'C' end as "char")),
           setweight(to_tsvector('declic_en', t.text), cast(case t.field when 'problem' then 'B' else 'C' end as "char"))
    from offer_texts t join bench_sources s using (offer_id)
    where t.encoding_id = :encoding and t.kind = 'sentence' and t.field in ('problem', 'failed', 'unlocked')
    order by s.n, t.field, t.ordinal
"""

# jsonb_populate_record keeps every column that is not said otherwise, whatever columns there will be.
_FILL = (
    """
    create temp table if not exists new_experts (n int, id uuid, person uuid, source uuid)
    """,
    "truncate new_experts",
    """
    insert into new_experts
    select p.n, cast(md5('expert' || p.n) as uuid), cast(md5('person' || p.n) as uuid), o.expert_id
    from (select expert as n, min(title) as title from plan group by expert) as p
    join bench_sources s on s.n = p.title join offers o on o.id = s.offer_id
    where not exists (select from experts e where e.id = cast(md5('expert' || p.n) as uuid))
    """,
    """
    insert into people select r.* from new_experts x join experts e on e.id = x.source
    join people p on p.id = e.person_id cross join lateral jsonb_populate_record(p, jsonb_build_object(
        'id', x.person, 'email', 'p' || x.n || '@bench.example')) as r
    """,
    """
    insert into experts select r.* from new_experts x join experts e on e.id = x.source
    cross join lateral jsonb_populate_record(e, jsonb_build_object(
        'id', x.id, 'person_id', x.person, 'slug', 'x' || x.n, 'source_id', null, 'account_id', null)) as r
    """,
    """
    insert into calendars select r.* from new_experts x join calendars c on c.expert_id = x.source
    cross join lateral jsonb_populate_record(c, jsonb_build_object('expert_id', x.id)) as r
    """,
    """
    insert into free_days select r.* from new_experts x join free_days f on f.expert_id = x.source
    cross join lateral jsonb_populate_record(f, jsonb_build_object('expert_id', x.id)) as r
    where hashint8(x.n * 100 + extract(day from f.day)::int) % 3 <> 0
    """,
    """
    insert into free_days_made select r.* from new_experts x join free_days_made f on f.expert_id = x.source
    cross join lateral jsonb_populate_record(f, jsonb_build_object('expert_id', x.id)) as r
    """,
    """
    insert into offers select r.* from plan p join bench_sources s on s.n = p.title
    join offers o on o.id = s.offer_id
    cross join lateral jsonb_populate_record(o, jsonb_build_object(
        'id', p.id, 'expert_id', md5('expert' || p.expert), 'slug', 'o' || p.n, 'source_id', null)) as r
    """,
    """
    insert into offer_versions select r.* from plan p
    join bench_sources s on s.n = p.title join offer_versions v on v.offer_id = s.offer_id and v.live
    join bench_sources so on so.n = p.outcome join offer_versions vo on vo.offer_id = so.offer_id and vo.live
    join bench_sources sf on sf.n = p.for_whom join offer_versions vf on vf.offer_id = sf.offer_id and vf.live
    cross join lateral (
        select string_agg(t.text, ' ' order by a.i) filter (where t.field = 'problem') as problem,
               string_agg(t.text, ' ' order by a.i) filter (where t.field = 'failed') as failed,
               string_agg(t.text, ' ' order by a.i) filter (where t.field = 'unlocked') as unlocked
        from unnest(p.story) with ordinality as a (n, i) join bench_sentences t on t.n = a.n) as story
    cross join lateral jsonb_populate_record(v, jsonb_build_object(
        'id', p.id, 'offer_id', p.id, 'title', v.title || ' (' || p.product || ')', 'problem', story.problem,
        'failed', coalesce(story.failed, ''), 'unlocked', story.unlocked, 'takeaways', vo.takeaways,
        'for_whom', vf.for_whom, 'industries', vo.industries, 'minutes', p.minutes,
        'price_minor', p.euros * 100, 'instant', false)) as r
    """,
    """
    insert into search_rows (offer_id, version_id, language, fr, en, rating_score, words)
    select p.id, p.id, p.language, {fr}, {en}, p.rating, array[lower(p.product)] from plan p
    join bench_sources s on s.n = p.title join offer_versions v on v.offer_id = s.offer_id and v.live
    join bench_sources sf on sf.n = p.for_whom join search_rows vf on vf.offer_id = sf.offer_id
    join bench_sources so on so.n = p.outcome join search_rows vo on vo.offer_id = so.offer_id
    join search_rows vs on vs.offer_id = s.offer_id
    cross join lateral (
        select tsvector_sum(t.fr) as fr, tsvector_sum(t.en) as en
        from unnest(p.story) as a (n) join bench_sentences t on t.n = a.n) as story
    """.format(
        fr="setweight(to_tsvector('declic_fr', p.product), 'A') || ts_filter(vs.fr, '{a}') || story.fr"
        " || ts_filter(vf.fr, '{d}')",
        en="setweight(to_tsvector('declic_en', p.product), 'A') || ts_filter(vs.en, '{a}') || story.en"
        " || ts_filter(vf.en, '{d}')",
    ),
    """
    insert into search_words (word, shown, uses) select lower(product), lower(product), count(*) from plan
    group by 1 on conflict (word) do update set uses = search_words.uses + excluded.uses
    """,
    """
    insert into offer_vectors (encoding_id, offer_id, version_id, language, vector)
    select :encoding, p.id, p.id, p.language, s.told + so.outcome + sf.for_whom + a.vector + b.vector
    from plan p join bench_sources s on s.n = p.title join bench_sources so on so.n = p.outcome
    join bench_sources sf on sf.n = p.for_whom join bench_noise a on a.n = p.noise_a
    join bench_noise b on b.n = p.noise_b order by p.n
    """,
    """
    insert into offer_texts (encoding_id, offer_id, field, ordinal, kind, text, vector, lengths)
    select :encoding, p.id, t.field, row_number() over (partition by p.id, t.field order by a.i) - 1,
           'sentence', t.text, t.vector, t.lengths
    from plan p cross join lateral unnest(p.story) with ordinality as a (n, i)
    join bench_sentences t on t.n = a.n
    """,
)
