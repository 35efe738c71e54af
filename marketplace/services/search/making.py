"""Vectors of offers, made by jobs: one offer at a time, outside any transaction; then written in one.

A new encoder's vectors are made beside the old ones, which serve until no offer lacks one.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ...domain.search import normalise, sentences
from ...domain.vectors import ENOUGH_FOR_A_MEAN, Vector, centred, composed, mean_of, uncentred
from ...gateways.embeddings import Embeddings, EmbeddingsError, Encoders
from ...storage import vectors as records
from ...storage.db import Database, Tx
from ...storage.offers import Offer, OfferVersion
from ...storage.vectors import Encoding, Read
from .meaning import checked, means_of

log = logging.getLogger(__name__)
# The means are made anew when a language has grown by so much; from so many offers on they stay as they are.
GROWN, SURE = 1.25, 2_000
# A pass of the clockwork leaves time for the others.
A_PASS = 20
STORY = ("problem", "failed", "unlocked")


@dataclass(frozen=True)
class Progress:
    """An encoding in the making, or the one that serves: how many offers have their vectors, of how many."""

    name: str
    state: str
    done: int
    total: int


def progress_of(db: Database) -> list[Progress]:
    """Every encoding that serves or is being made."""
    with db.reading() as session:
        rows = session.execute(
            sa.text(
                "select e.name, e.state, (select count(*) from offer_vectors v join search_rows r using (offer_id)"
                " where v.encoding_id = e.id and v.version_id = r.version_id) as done,"
                " (select count(*) from search_rows) as total"
                " from search_encodings e where e.state <> 'retired' order by e.started_at"
            )
        )
        return [Progress(row.name, row.state, row.done, row.total) for row in rows]


def encode_offer(db: Database, encoders: Encoders, offer_id: uuid.UUID) -> None:
    """Make the offer's vectors with the present encoder; nothing where they stand, or the offer is gone."""
    encoder = encoders.current
    with db.reading() as session:
        version = session.scalar(
            sa.select(OfferVersion)
            .join(Offer, Offer.id == OfferVersion.offer_id)
            .where(OfferVersion.offer_id == offer_id, OfferVersion.live, Offer.status == "live")
        )
        known = session.scalar(sa.select(Encoding).where(Encoding.name == encoder.name))
        if version is None:
            return
        if known is not None and records.vectors_are_of(session, known.id, offer_id, version.id):
            _serve_if_whole(db, known.id)
            return
    texts = _texts(version)
    raw = encoder.encode([text for _field, _ordinal, _kind, text in texts], "offer", version.language)
    raw = checked(raw, known.dimension if known else len(raw[0]))
    with db.transaction() as tx:
        records.lock_vectors(tx.session)
        encoding_id = _encoding(tx, encoder.name, len(raw[0]))
        if not _still_live(tx, version):
            return
        means = means_of(encoder, records.means(tx.session, encoding_id))
        read = [
            Read(field, ordinal, kind, text, centred(one, means.get((version.language, kind)), encoder.parts))
            for (field, ordinal, kind, text), one in zip(texts, raw, strict=True)
        ]
        records.write_vectors(
            tx.session, encoding_id, offer_id, version.id, version.language, _whole(read), read
        )
        _renew_means(tx, encoder, encoding_id, version.language)
    _serve_if_whole(db, encoding_id)


def catch_up(db: Database, encoders: Encoders, most: int = A_PASS) -> int:
    """Make some of the vectors that are missing; all of them in time, when the encoder was changed.

    How many were made. An encoder that is away is asked again by the next pass.
    """
    name = encoders.current.name
    with db.reading() as session:
        missing = session.scalars(
            sa.text(
                "select r.offer_id from search_rows r where not exists (select from offer_vectors v"
                " join search_encodings e on e.id = v.encoding_id and e.name = :name"
                " where v.offer_id = r.offer_id and v.version_id = r.version_id) order by r.offer_id limit :most"
            ),
            {"name": name, "most": most},
        ).all()
        chosen = session.execute(
            sa.text("select id from search_encodings where name = :name and state <> 'serving'"),
            {"name": name},
        ).scalar()
    for done, offer_id in enumerate(missing):
        try:
            encode_offer(db, encoders, offer_id)
        except EmbeddingsError as error:
            log.warning("no vectors are made for now: %s", error)
            return done
    if not missing and chosen is not None:
        _serve_if_whole(db, chosen)
    return len(missing)


def _texts(version: OfferVersion) -> list[tuple[str, int, str, str]]:
    story = {name: getattr(version, name) for name in STORY}
    return texts_of_fields(version.title, story, version.takeaways, version.for_whom)


def texts_of_fields(
    title: str, story: Mapping[str, str], takeaways: Sequence[str], for_whom: str
) -> list[tuple[str, int, str, str]]:
    """(field, ordinal, kind, text) of all that is encoded: the whole, its parts, each sentence."""
    texts = [
        (
            "whole",
            0,
            "whole",
            "\n".join(part for part in (title, *story.values(), *takeaways, for_whom) if part),
        ),
        ("stuck", 0, "stuck", f"{title}\n{story['problem']}"),
        ("title", 0, "title", title),
        ("for_whom", 0, "for_whom", for_whom),
    ]
    for field, whole in (("headline", title), *story.items()):
        texts += [(field, number, "sentence", one) for number, one in enumerate(sentences(whole))]
    return [(field, number, kind, normalise(text)) for field, number, kind, text in texts if text.strip()]


def _whole(read: list[Read]) -> Vector:
    return composed(
        {one.field: one.centred.vector for one in read if one.kind != "sentence"},
        [one.centred.vector for one in read if one.kind == "sentence"],
    )


def _still_live(tx: Tx, version: OfferVersion) -> bool:
    """Nobody published another version, or took the offer down, while this one was read."""
    return bool(
        tx.session.scalar(
            sa.text(
                "select exists (select from search_rows where offer_id = :offer and version_id = :version)"
            ),
            {"offer": version.offer_id, "version": version.id},
        )
    )


def _encoding(tx: Tx, name: str, dimension: int) -> uuid.UUID:
    found = tx.session.scalar(sa.select(Encoding).where(Encoding.name == name))
    if found is None:
        found = Encoding(name=name, dimension=dimension, state="building", started_at=tx.now, served_at=None)
        tx.session.add(found)
        tx.session.flush()
    return found.id


def _serve_if_whole(db: Database, encoding_id: uuid.UUID) -> None:
    """Once no offer lacks a vector of it, an encoding serves, and the one before it rests."""
    with db.transaction() as tx:
        records.lock_vectors(tx.session)
        found = tx.session.get_one(Encoding, encoding_id)
        if found.state == "serving":
            return
        lacking = tx.session.scalar(
            sa.text(
                "select exists (select from search_rows r where not exists (select from offer_vectors v"
                " where v.encoding_id = :id and v.offer_id = r.offer_id and v.version_id = r.version_id))"
            ),
            {"id": encoding_id},
        )
        if lacking:
            return
        tx.session.execute(sa.update(Encoding).where(Encoding.state == "serving").values(state="retired"))
        found.state, found.served_at = "serving", tx.now
        log.info("%s serves from now on", found.name)


def _renew_means(tx: Tx, encoder: Embeddings, encoding_id: uuid.UUID, language: str) -> None:
    """The language's own means, when enough offers stand behind them and it has grown; its vectors follow."""
    offers = records.offers_of(tx.session, encoding_id, language, SURE + 1)
    own = records.means(tx.session, encoding_id)
    before = own.get((language, "whole"), (0, ()))[0]
    if not ENOUGH_FOR_A_MEAN <= len(offers) <= SURE or len(offers) < before * GROWN:
        return
    old = means_of(encoder, own)
    raw: dict[uuid.UUID, list[tuple[Read, Vector]]] = {}
    by_kind: dict[str, list[Vector]] = {}
    for offer_id in offers:
        raw[offer_id] = []
        for one in records.texts_of(tx.session, encoding_id, offer_id):
            vector = uncentred(one.centred, old.get((language, one.kind)), encoder.parts)
            raw[offer_id].append((one, vector))
            by_kind.setdefault(one.kind, []).append(vector)
    new: dict[str, Vector] = {}
    for kind, some in by_kind.items():
        count, new[kind] = mean_of(some)
        records.write_mean(
            tx.session, encoding_id, language, kind, len(offers) if kind == "whole" else count, new[kind]
        )
    for offer_id, texts in raw.items():
        _centre_anew(tx, encoder, encoding_id, language, offer_id, texts, new)


def _centre_anew(
    tx: Tx,
    encoder: Embeddings,
    encoding_id: uuid.UUID,
    language: str,
    offer_id: uuid.UUID,
    texts: list[tuple[Read, Vector]],
    means: dict[str, Vector],
) -> None:
    read = [
        Read(one.field, one.ordinal, one.kind, one.text, centred(raw, means.get(one.kind), encoder.parts))
        for one, raw in texts
    ]
    version_id = records.version_of(tx.session, encoding_id, offer_id)
    records.write_vectors(tx.session, encoding_id, offer_id, version_id, language, _whole(read), read)
