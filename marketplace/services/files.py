"""Photographs and evidence: read by what they are, never by their name, drawn anew, kept small (docs/decisions/012)."""

from __future__ import annotations

import hashlib
import io
import struct
import uuid
import warnings
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.orm import Session, undefer

from ..domain.errors import EvidenceRefused, NotFound, PhotoRefused, TooManyTries
from ..domain.ids import new_id
from ..domain.policy import Actor
from ..storage.db import Database, Tx
from ..storage.experts import Expert, ProfileDraft
from ..storage.files import File
from ..storage.people import Person
from .experts import put_field
from .people.limits import DAY, HOUR, count_tries

MEBIBYTE = 1024 * 1024
MOST_BYTES = 5 * MEBIBYTE
LEAST_SIDE, MOST_SIDE = 200, 8000
# Decoded, four bytes each: what one upload may take of the machine's memory.
MOST_PIXELS = 40_000_000
KINDS = ("JPEG", "PNG", "WEBP")
SIDE = 640
EVIDENCE_SIDE = 2400
UPLOADS = ((HOUR, 20), (DAY, 60))
MEDIA_TYPE = "image/webp"


def remake_photo(upload: bytes) -> bytes:
    """The photograph as a square WebP of at most 640 pixels, upright, without anything that came along.

    PhotoRefused: size (over 5 MiB), kind (not a JPEG, PNG or WebP by content), pixels (read off the header,
    before anything is decoded), broken.
    """
    if len(upload) > MOST_BYTES:
        raise PhotoRefused(why="size", most=MOST_BYTES)
    try:
        with warnings.catch_warnings():
            # About damaged metadata, and from 89 million pixels on; ours is the lower bar, below.
            warnings.simplefilter("ignore")
            found = Image.open(io.BytesIO(upload), formats=KINDS)
            wide, high = found.size
            if min(wide, high) < LEAST_SIDE or max(wide, high) > MOST_SIDE or wide * high > MOST_PIXELS:
                raise PhotoRefused(why="pixels", most=MOST_SIDE)
            found.draft("RGB", (2 * SIDE, 2 * SIDE))  # A JPEG is decoded at the scale it is needed at.
            return _encoded(ImageOps.exif_transpose(found))
    except Image.DecompressionBombError:
        raise PhotoRefused(why="pixels", most=MOST_SIDE) from None
    except UnidentifiedImageError:
        raise PhotoRefused(why="kind") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError):
        raise PhotoRefused(why="broken") from None


def _encoded(image: Image.Image) -> bytes:
    seen = image.convert("RGBA")
    ground = Image.new("RGBA", seen.size, "white")
    flat = Image.alpha_composite(ground, seen).convert("RGB")
    side = min(SIDE, *flat.size)
    # Faces stand above the middle of a portrait.
    square = ImageOps.fit(flat, (side, side), Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    out = io.BytesIO()
    square.save(out, "WEBP", quality=82)
    return out.getvalue()


def give_photo(db: Database, actor: Actor, *, upload: bytes, real_now: datetime) -> TooManyTries | None:
    """Re-make an expert's photograph and put it into their draft; what neither draft nor page shows goes.

    PhotoRefused (why), DraftSubmitted, NotFound; TooManyTries is returned, so that its count stands.
    """
    if actor.person_id is None or actor.expert_id is None:
        raise NotFound
    with db.transaction() as tx:
        until = count_tries(tx.session, [(f"photo:{actor.person_id}", UPLOADS)], real_now)
    if until is not None:
        return TooManyTries(until=until)
    content = remake_photo(upload)
    with db.transaction() as tx:
        file = File(
            id=new_id(), person_id=actor.person_id, media_type=MEDIA_TYPE, content=content, made_at=tx.now,
            digest=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        put_field(tx, actor.expert_id, "photo_id", str(file.id))
        tx.session.add(file)
        live = tx.session.scalar(sa.select(Expert.photo_id).where(Expert.id == actor.expert_id))
        kept = {file.id, live} - {None}
        tx.session.flush()
        tx.session.execute(
            sa.delete(File).where(
                File.person_id == actor.person_id, File.kind == "photo", File.id.not_in(kept)
            )
        )
    return None


def drop_photo(db: Database, actor: Actor) -> None:
    """The draft without a photograph. DraftSubmitted, NotFound."""
    with db.transaction() as tx:
        put_field(tx, actor.expert_id, "photo_id", "")


def photo(session: Session, actor: Actor, file_id: uuid.UUID) -> tuple[File, bool]:
    """The photograph, and whether it is everybody's: that of an admitted expert nobody suspended.

    Else its owner and operators see it, nobody more: NotFound.
    """
    file = session.get(File, file_id, options=[undefer(File.content)])
    if file is None or file.kind != "photo":
        raise NotFound
    public = session.scalar(
        sa.select(sa.literal(True))
        .select_from(Expert)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.photo_id == file_id, Expert.status == "admitted", Person.suspended_at.is_(None))
    )
    if not public and not actor.operator and (actor.person_id is None or file.person_id != actor.person_id):
        raise NotFound
    return file, bool(public)


def same_photo(session: Session, expert_id: uuid.UUID) -> list[str]:
    """Names of other people who gave the same picture, bit for bit as re-made: one of the machine's checks."""
    mine = (
        sa.select(File.digest, File.person_id)
        .join(Expert, Expert.person_id == File.person_id)
        .join(ProfileDraft, ProfileDraft.expert_id == Expert.id)
        .where(Expert.id == expert_id, sa.cast(File.id, sa.Text) == ProfileDraft.content["photo_id"].astext)
    ).subquery()
    return list(
        session.scalars(
            sa.select(Person.name)
            .join(File, File.person_id == Person.id)
            .join(mine, mine.c.digest == File.digest)
            .where(File.person_id != mine.c.person_id)
            .distinct()
            .order_by(Person.name)
            .limit(5)
        )
    )


@dataclass(frozen=True)
class Evidence:
    """A file given in a dispute, read and sound: what it is called, what it is, and its bytes."""

    name: str
    media_type: str
    content: bytes


def read_evidence(name: str, upload: bytes) -> Evidence:
    """A PDF as it came, or a JPEG, PNG or WebP picture re-made without what came along; by content, not name.

    EvidenceRefused: size (over 5 MiB), kind, pixels, broken. Decodes: called outside any transaction.
    """
    if len(upload) > MOST_BYTES:
        raise EvidenceRefused(why="size", name=name, most=MOST_BYTES)
    if upload.startswith(b"%PDF-") and b"%%EOF" in upload[-2048:]:
        return Evidence(name, "application/pdf", upload)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # As for photographs.
            found = Image.open(io.BytesIO(upload), formats=KINDS)
            wide, high = found.size
            if max(wide, high) > MOST_SIDE or wide * high > MOST_PIXELS:
                raise EvidenceRefused(why="pixels", name=name, most=MOST_SIDE)
            found.draft("RGB", (2 * EVIDENCE_SIDE, 2 * EVIDENCE_SIDE))
            upright = ImageOps.exif_transpose(found).convert("RGB")
            upright.thumbnail((EVIDENCE_SIDE, EVIDENCE_SIDE))
            out = io.BytesIO()
            upright.save(out, "WEBP", quality=85)
    except Image.DecompressionBombError:
        raise EvidenceRefused(why="pixels", name=name, most=MOST_SIDE) from None
    except UnidentifiedImageError:
        raise EvidenceRefused(why="kind", name=name) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError):
        raise EvidenceRefused(why="broken", name=name) from None
    return Evidence(name, MEDIA_TYPE, out.getvalue())


def keep_evidence(tx: Tx, person_id: uuid.UUID, one: Evidence) -> uuid.UUID:
    """Keep a file given in a dispute; who may read it is that room's to say. Its id."""
    file = File(
        id=new_id(), person_id=person_id, kind="evidence", media_type=one.media_type, content=one.content,
        made_at=tx.now, digest=hashlib.sha256(one.content).hexdigest(),
    )  # fmt: skip
    tx.session.add(file)
    tx.session.flush()  # What it proves refers to it.
    return file.id
