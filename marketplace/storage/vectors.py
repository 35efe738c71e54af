"""Meaning in the records: encodings, their means, each offer's vector and those of its texts; what is asked of them.

A vector is written as the text pgvector reads; the inner product of two is the cosine of what they mean.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, REAL, CheckConstraint, ForeignKeyConstraint, Index, Select, select, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import UserDefinedType

from ..domain.vectors import Centred, Vector
from .types import Base, Id, one_of, refers

STATES = ("building", "serving", "retired")


class HalfVec(UserDefinedType[str]):
    """pgvector's `halfvec` without a fixed dimension."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "halfvec"


ischema_names.setdefault("halfvec", HalfVec)


class Encoding(Base):
    """One encoder's vectors. At most one serves; another may be in the making meanwhile."""

    __tablename__ = "search_encodings"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), "state"),
        CheckConstraint("dimension between 1 and 4000", "dimension"),
        Index(
            "uq_search_encodings_serving", "state", unique=True, postgresql_where=text("state = 'serving'")
        ),
    )
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    dimension: Mapped[int]
    state: Mapped[str]
    started_at: Mapped[datetime]
    served_at: Mapped[datetime | None]


class MeanRow(Base):
    """The catalogue's own mean of a language's texts of a kind, and of how many it was made."""

    __tablename__ = "search_means"
    encoding_id: Mapped[uuid.UUID] = refers("search_encodings.id", primary_key=True, index=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    mean: Mapped[str] = mapped_column(HalfVec)


class OfferVector(Base):
    """What an offer is about, in one vector."""

    __tablename__ = "offer_vectors"
    encoding_id: Mapped[uuid.UUID] = refers("search_encodings.id", primary_key=True, index=False)
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True)
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id")
    language: Mapped[str]
    vector: Mapped[str] = mapped_column(HalfVec)


class OfferText(Base):
    """A part of an offer, or one of its sentences, as the encoder read it."""

    __tablename__ = "offer_texts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["encoding_id", "offer_id"], ["offer_vectors.encoding_id", "offer_vectors.offer_id"],
            ondelete="CASCADE",
        ),
    )  # fmt: skip
    encoding_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    text: Mapped[str]
    vector: Mapped[str] = mapped_column(HalfVec)
    lengths: Mapped[list[float]] = mapped_column(ARRAY(REAL))


@dataclass(frozen=True)
class Read:
    """A text of an offer with its vector."""

    field: str
    ordinal: int
    kind: str
    text: str
    centred: Centred


_NEAREST = text(
    """
    with nearest as (
        select offer_id, language, -(vector <#> cast(:asked as halfvec)) as meaning from offer_vectors
        where encoding_id = :encoding
        order by vector <#> cast(:asked as halfvec) limit :most
    )
    select n.offer_id, n.language, n.meaning, r.rating_score from nearest as n
    join search_rows as r on r.offer_id = n.offer_id
    join offers as o on o.id = n.offer_id join experts as e on e.id = o.expert_id
    join people as p on p.id = e.person_id
    where o.status = 'live' and e.status = 'admitted' and p.suspended_at is null
    """
)

# Every one that filters leave is measured: an approximate index would miss the few of a rare filter.
_NEAREST_NARROWED = text(
    """
    select n.offer_id, n.language, n.meaning, r.rating_score from (
        with measured as materialized (
            select offer_id, language, -(vector <#> cast(:asked as halfvec)) as meaning from offer_vectors
            where encoding_id = :encoding and offer_id in (select id from narrowed)
        )
        select * from measured order by meaning desc limit :most
    ) as n join search_rows as r on r.offer_id = n.offer_id
    """
)

_MEANING = text(
    """
    select offer_id, language, -(vector <#> cast(:asked as halfvec)) as meaning from offer_vectors
    where encoding_id = :encoding and offer_id = any(:offers)
    """
)

# The whole question beside the phrase: a phrase alone ("it changed nothing") fits anywhere.
_PAIRS = text(
    """
    with phrases (number, vector) as (
        select n, cast(v as halfvec) from unnest(cast(:phrases as text[])) with ordinality as p (v, n)
    ),
    fits as (
        select t.offer_id, t.field, t.ordinal, t.text, p.number,
               -(t.vector <#> p.vector) as fit, -(t.vector <#> cast(:asked as halfvec)) as about
        from offer_texts as t cross join phrases as p
        where t.encoding_id = :encoding and t.offer_id = any(:offers) and t.kind = 'sentence'
          and t.field in ('problem', 'failed', 'unlocked')
    )
    select distinct on (offer_id) offer_id, field, ordinal, text, number, fit from fits
    order by offer_id, fit + about * 0.5 desc, field, ordinal, number
    """
)


def as_text(vector: Iterable[float]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{x:.5g}" for x in vector) + "]"


def as_vector(written: str) -> Vector:
    """What pgvector writes."""
    return tuple(float(x) for x in written.strip("[]").split(","))


def serving(session: Session) -> tuple[uuid.UUID, str, int] | None:
    """(id, name, dimension) of the encoding that answers questions now."""
    row = session.execute(text("select id, name, dimension from search_encodings where state = 'serving'"))
    found = row.one_or_none()
    return None if found is None else (found.id, found.name, found.dimension)


def lock_vectors(session: Session) -> None:
    """One at a time writes vectors and means: a mean must not change between reading it and using it."""
    session.execute(text("select pg_advisory_xact_lock(hashtext('search.vectors'))"))


def vectors_are_of(
    session: Session, encoding_id: uuid.UUID, offer_id: uuid.UUID, version_id: uuid.UUID
) -> bool:
    """Whether the offer's vectors of this encoding were made of that version."""
    return bool(
        session.scalar(
            text(
                "select exists (select from offer_vectors where encoding_id = :encoding"
                " and offer_id = :offer and version_id = :version)"
            ),
            {"encoding": encoding_id, "offer": offer_id, "version": version_id},
        )
    )


def version_of(session: Session, encoding_id: uuid.UUID, offer_id: uuid.UUID) -> uuid.UUID:
    """The version an offer's vectors were made of."""
    return session.scalars(
        select(OfferVector.version_id).where(
            OfferVector.encoding_id == encoding_id, OfferVector.offer_id == offer_id
        )
    ).one()


def offers_of(session: Session, encoding_id: uuid.UUID, language: str, most: int) -> list[uuid.UUID]:
    """Offers in a language that have vectors of this encoding, the first `most`."""
    return list(
        session.scalars(
            select(OfferVector.offer_id)
            .where(OfferVector.encoding_id == encoding_id, OfferVector.language == language)
            .order_by(OfferVector.offer_id)
            .limit(most)
        )
    )


def means(session: Session, encoding_id: uuid.UUID) -> dict[tuple[str, str], tuple[int, Vector]]:
    """The catalogue's own means: (language, kind) → (count, mean)."""
    rows = session.execute(
        text(
            "select language, kind, count as of, cast(mean as text) as mean from search_means where encoding_id = :id"
        ),
        {"id": encoding_id},
    )
    return {(row.language, row.kind): (row.of, as_vector(row.mean)) for row in rows}


def write_mean(
    session: Session, encoding_id: uuid.UUID, language: str, kind: str, count: int, mean: Vector
) -> None:
    session.execute(
        text(
            "insert into search_means (encoding_id, language, kind, count, mean)"
            " values (:id, :language, :kind, :count, cast(:mean as halfvec))"
            " on conflict (encoding_id, language, kind) do update set count = excluded.count, mean = excluded.mean"
        ),
        {"id": encoding_id, "language": language, "kind": kind, "count": count, "mean": as_text(mean)},
    )


def write_vectors(
    session: Session,
    encoding_id: uuid.UUID,
    offer_id: uuid.UUID,
    version_id: uuid.UUID,
    language: str,
    vector: Vector,
    texts: Sequence[Read],
) -> None:
    """Make an offer's vectors of one encoding anew."""
    drop_vectors(session, offer_id, encoding_id)
    whose = {"encoding": encoding_id, "offer": offer_id}
    session.execute(
        text(
            "insert into offer_vectors (encoding_id, offer_id, version_id, language, vector)"
            " values (:encoding, :offer, :version, :language, cast(:vector as halfvec))"
        ),
        {**whose, "version": version_id, "language": language, "vector": as_text(vector)},
    )
    if texts:
        session.execute(
            text(
                "insert into offer_texts (encoding_id, offer_id, field, ordinal, kind, text, vector, lengths)"
                " values (:encoding, :offer, :field, :ordinal, :kind, :text, cast(:vector as halfvec),"
                " cast(:lengths as real[]))"
            ),
            [
                {
                    **whose, "field": one.field, "ordinal": one.ordinal, "kind": one.kind, "text": one.text,
                    "vector": as_text(one.centred.vector), "lengths": list(one.centred.lengths),
                }
                for one in texts
            ],
        )  # fmt: skip


def drop_vectors(session: Session, offer_id: uuid.UUID, encoding_id: uuid.UUID | None = None) -> None:
    """The offer's vectors go, of one encoding or of all; those of its texts with them."""
    session.execute(
        text(
            "delete from offer_vectors where offer_id = :offer"
            " and (cast(:encoding as uuid) is null or encoding_id = :encoding)"
        ),
        {"offer": offer_id, "encoding": encoding_id},
    )


def texts_of(session: Session, encoding_id: uuid.UUID, offer_id: uuid.UUID) -> list[Read]:
    """An offer's texts as they were read."""
    rows = session.execute(
        text(
            "select field, ordinal, kind, text, cast(vector as text) as vector, lengths from offer_texts"
            " where encoding_id = :encoding and offer_id = :offer order by field, ordinal"
        ),
        {"encoding": encoding_id, "offer": offer_id},
    )
    return [
        Read(row.field, row.ordinal, row.kind, row.text, Centred(as_vector(row.vector), tuple(row.lengths)))
        for row in rows
    ]


def nearest(
    session: Session,
    encoding_id: uuid.UUID,
    asked: Vector,
    most: int,
    narrowed: Select[uuid.UUID] | None = None,
) -> list[tuple[uuid.UUID, str, float, int]]:
    """(offer, language, cosine, rating score) of the live offers nearest in meaning; of `narrowed` alone."""
    given = {"encoding": encoding_id, "asked": as_text(asked), "most": most}
    statement = (
        _NEAREST if narrowed is None else _NEAREST_NARROWED.columns().add_cte(narrowed.cte("narrowed"))
    )
    return [
        (row.offer_id, row.language, float(row.meaning), row.rating_score)
        for row in session.execute(statement, given)
    ]


def meaning_of(
    session: Session, encoding_id: uuid.UUID, asked: Vector, offers: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, float]]:
    """offer → (language, cosine) of these offers."""
    given = {"encoding": encoding_id, "asked": as_text(asked), "offers": list(offers)}
    return {row.offer_id: (row.language, float(row.meaning)) for row in session.execute(_MEANING, given)}


def best_pairs(
    session: Session,
    encoding_id: uuid.UUID,
    asked: Vector,
    phrases: Sequence[Vector],
    offers: Sequence[uuid.UUID],
) -> Mapping[uuid.UUID, tuple[str, int, str, int, float]]:
    """offer → (field, ordinal, sentence, place of the phrase, cosine): what answers the question best."""
    if not offers or not phrases:
        return {}
    given = {
        "encoding": encoding_id,
        "asked": as_text(asked),
        "phrases": [as_text(phrase) for phrase in phrases],
        "offers": list(offers),
    }
    return {
        row.offer_id: (row.field, row.ordinal, row.text, row.number - 1, float(row.fit))
        for row in session.execute(_PAIRS, given)
    }
