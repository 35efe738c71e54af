"""Mail in demo mode: the record itself is the mailbox, read at /dev/mail."""

from __future__ import annotations

from email.message import EmailMessage


class Mailbox:
    """Sends nothing anywhere: what the letters table holds is what was "sent"."""

    keeps_copies = True

    def send(self, message: EmailMessage) -> None:
        """Nothing to do; a message without a recipient is still a mistake."""
        if not message["To"]:
            raise ValueError("a letter without a recipient")
