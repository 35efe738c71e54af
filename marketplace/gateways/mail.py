"""The door for mail: one message out, or one of two errors.

A message is sent at least once: where a server's answer is lost the job tries again, with the
same Message-ID, by which mailboxes tell a repetition.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol


class MailError(Exception):
    """The message did not leave."""


class Temporary(MailError):
    """Not now: the server is away, slow, or asks to come back. Try the same message again."""


class Permanent(MailError):
    """Never: the server refuses this message or this recipient."""


class Mail(Protocol):
    """Sends a message. Raises Temporary or Permanent."""

    @property
    def keeps_copies(self) -> bool:
        """Whether our own record is the mailbox. Elsewhere the text is emptied once it is sent."""

    def send(self, message: EmailMessage) -> None:
        """Hand the message over to its recipients, named in its own To header."""
