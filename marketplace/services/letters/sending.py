"""Letters leave: outside any transaction, tried again by their job."""

from __future__ import annotations

import uuid
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from ...gateways.mail import Mail, Permanent, Temporary
from ...storage.db import Database
from ...storage.letters import Letter


def send(db: Database, mail: Mail, letter_id: uuid.UUID) -> bool:
    """Send the letter and say so; True when it has left, now or before.

    Raises gateways.mail.Temporary, after a note on the row, so that the job tries again. A letter
    refused for good is noted and left. Once sent, its text is emptied where the mailbox is not our own
    record: links in it must not lie about.
    """
    with db.reading() as session:
        letter = session.get(Letter, letter_id)
        if letter is None or letter.sent_at is not None:
            return letter is not None
        raw = letter.message
    try:
        mail.send(_parsed(raw))
    except Temporary as error:
        _note(db, letter_id, str(error))
        raise
    except Permanent as error:
        _note(db, letter_id, f"refused: {error}")
        return False
    with db.transaction() as tx:
        sent = tx.session.get_one(Letter, letter_id, with_for_update=True)
        sent.sent_at = tx.now
        sent.tries += 1
        sent.error = None
        if not mail.keeps_copies:
            sent.message = b""
    return True


def _note(db: Database, letter_id: uuid.UUID, error: str) -> None:
    with db.transaction() as tx:
        row = tx.session.get_one(Letter, letter_id, with_for_update=True)
        row.tries += 1
        row.error = error[:500]


def _parsed(raw: bytes) -> EmailMessage:
    parsed = BytesParser(policy=policy.SMTP).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)  # What a modern policy makes.
    return parsed
