"""Which documents a person accepted, in which version, when, for which booking."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.ids import new_id
from ...domain.terms import DOCUMENTS, not_accepted
from ...storage.db import Tx
from ...storage.people import Acceptance


def accept_documents(
    tx: Tx,
    person_id: uuid.UUID,
    documents: Iterable[str],
    booking_id: uuid.UUID | None = None,
    address: str = "",
    at: datetime | None = None,
) -> None:
    """Record the acceptance of each document in its version in force; said again, the first time stands.

    `at`: when it was said, where that was before now.
    """
    rows = [
        {
            "id": new_id(), "person_id": person_id, "document": name, "version": DOCUMENTS[name],
            "booking_id": booking_id, "accepted_at": at or tx.now, "address": address[:64],
        }
        for name in documents
    ]  # fmt: skip
    if rows:
        tx.session.execute(insert(Acceptance).values(rows).on_conflict_do_nothing())


def not_yet_accepted(
    session: Session, person_id: uuid.UUID, documents: Iterable[str], booking_id: uuid.UUID | None = None
) -> tuple[str, ...]:
    """Which of the documents the person has not accepted in their version in force, for this booking."""
    accepted = session.execute(
        sa.select(Acceptance.document, Acceptance.version).where(
            Acceptance.person_id == person_id, Acceptance.booking_id.is_not_distinct_from(booking_id)
        )
    )
    return not_accepted(documents, [(document, version) for document, version in accepted])
