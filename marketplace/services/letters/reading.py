"""The mailbox: letters as they were written, for the page that shows them in demo mode."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.letters import Letter

PAGE = 50


@dataclass(frozen=True)
class LetterRow:
    """A letter in the list."""

    id: uuid.UUID
    recipient: str
    subject: str
    event: str
    made_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class LetterPage:
    """A letter opened. `kept` is False where its text was emptied after sending."""

    row: LetterRow
    kept: bool
    sender: str
    text: str
    html: str
    calendar: bytes
    source: bytes


def letters(
    session: Session, *, recipient: str = "", before: tuple[datetime, uuid.UUID] | None = None
) -> tuple[Sequence[LetterRow], bool]:
    """A page of letters, newest first, of one address where given; and whether older ones follow."""
    asked = sa.select(
        Letter.id,
        Letter.recipient,
        Letter.subject,
        Letter.event,
        Letter.made_at,
        Letter.sent_at,
        Letter.error,
    ).order_by(Letter.made_at.desc(), Letter.id.desc())
    if recipient:
        asked = asked.where(Letter.recipient == recipient.strip().lower())
    if before is not None:
        asked = asked.where(sa.tuple_(Letter.made_at, Letter.id) < sa.tuple_(*map(sa.literal, before)))
    rows = [LetterRow(*row) for row in session.execute(asked.limit(PAGE + 1))]
    return rows[:PAGE], len(rows) > PAGE


def letter(session: Session, letter_id: uuid.UUID) -> LetterPage | None:
    """One letter with its parts taken out of the message; None where there is none."""
    found = session.get(Letter, letter_id)
    if found is None:
        return None
    row = LetterRow(
        found.id, found.recipient, found.subject, found.event, found.made_at, found.sent_at, found.error
    )
    if not found.message:
        return LetterPage(row, False, "", "", "", b"", b"")
    message = BytesParser(policy=policy.SMTP).parsebytes(found.message)
    assert isinstance(message, EmailMessage)  # What a modern policy makes.
    return LetterPage(
        row,
        True,
        sender=str(message["From"]),
        text=_text(message, "plain"),
        html=_text(message, "html"),
        calendar=_calendar(message),
        source=found.message,
    )


def _text(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    # Line ends as the mail has them are CRLF.
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _calendar(message: EmailMessage) -> bytes:
    for part in message.iter_attachments():
        if part.get_content_type() == "application/ics":
            return bytes(part.get_content())
    return b""
