"""Files given with a statement: for the two sides of the booking and for operators, nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from ...domain.errors import EvidenceRefused, NotFound
from ...domain.words import clean_line
from ...storage.db import Tx
from ...storage.disputes import Dispute, DisputeFile, DisputeStatement
from ...storage.files import File
from ..files import Evidence, keep_evidence

MOST_FILES = 3
MOST_FILES_A_SIDE = 12


def give(
    tx: Tx, dispute: Dispute, statement: DisputeStatement, person_id: uuid.UUID, files: Sequence[Evidence]
) -> None:
    """Keep the files of a statement. EvidenceRefused: more than three at once, or twelve a side in all."""
    had = tx.session.scalar(
        sa.select(sa.func.count())
        .select_from(DisputeFile)
        .join(DisputeStatement, DisputeStatement.id == DisputeFile.statement_id)
        .where(DisputeStatement.dispute_id == dispute.id, DisputeStatement.side == statement.side)
    )
    if len(files) > MOST_FILES or (had or 0) + len(files) > MOST_FILES_A_SIDE:
        raise EvidenceRefused(why="many", name="", most=MOST_FILES)
    for one in files:
        file_id = keep_evidence(tx, person_id, one)
        tx.session.add(
            DisputeFile(statement_id=statement.id, file_id=file_id, name=clean_line(one.name, 120) or "file")
        )


def evidence_file(session: Session, booking_id: uuid.UUID, file_id: uuid.UUID) -> tuple[File, str]:
    """A file of this booking's disputes with its name; who may read it the booking's door has decided. NotFound."""
    row = session.execute(
        sa.select(File, DisputeFile.name)
        .join(DisputeFile, DisputeFile.file_id == File.id)
        .join(DisputeStatement, DisputeStatement.id == DisputeFile.statement_id)
        .join(Dispute, Dispute.id == DisputeStatement.dispute_id)
        .where(File.id == file_id, Dispute.booking_id == booking_id)
        .options(undefer(File.content))
    ).one_or_none()
    if row is None:
        raise NotFound
    file, name = row
    return file, name
