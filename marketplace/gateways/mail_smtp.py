"""Mail through an SMTP server named by SMTP_URL.

`smtp://user:password@host:587?tls=1` (STARTTLS, required when asked for), `smtps://…` (TLS from
the first byte), `smtp://localhost:25` (none). Certificates are checked. One connection a message:
letters are few, and a kept connection is one more thing that dies in silence.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from .mail import Permanent, Temporary

TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """Where to, and how."""

    host: str
    port: int
    user: str | None
    # Never shown: dataclasses print their fields, and settings get printed.
    password: str | None = field(repr=False)
    implicit_tls: bool
    start_tls: bool


def server(url: str) -> Server:
    """Read an SMTP_URL; raises ValueError that names what is wrong and never repeats the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError("SMTP_URL starts with smtp:// or smtps://")
    if not parts.hostname:
        raise ValueError("SMTP_URL names no host")
    if parts.username and parts.password is None:
        raise ValueError("SMTP_URL names a user without a password")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("SMTP_URL names no valid port") from None
    implicit = parts.scheme == "smtps"
    start = not implicit and parse_qs(parts.query).get("tls", ["0"])[-1] in ("1", "true", "yes")
    return Server(
        host=parts.hostname,
        port=port or (465 if implicit else 587 if start else 25),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password is not None else None,
        implicit_tls=implicit,
        start_tls=start,
    )


class SmtpMail:
    """Sends through one server."""

    keeps_copies = False

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._server = server(url)
        self._timeout = timeout

    def send(self, message: EmailMessage) -> None:
        """Send it, or raise Temporary or Permanent by what the server answered."""
        try:
            with self._connected() as connection:
                refused = connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _by_code(_worst(error.recipients), "recipient refused") from error
        except smtplib.SMTPAuthenticationError as error:
            # Our settings are wrong, not the letter: it waits until they are mended.
            raise Temporary(f"log-in refused ({error.smtp_code})") from error
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code, "refused") from error
        except smtplib.SMTPNotSupportedError as error:
            raise Permanent(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(f"{type(error).__name__}: {error}") from error
        if refused:
            raise _by_code(_worst(refused), "recipient refused")

    def _connected(self) -> smtplib.SMTP:
        at = self._server
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if at.implicit_tls:
            connection = smtplib.SMTP_SSL(at.host, at.port, timeout=self._timeout, context=context)
        else:
            connection = smtplib.SMTP(at.host, at.port, timeout=self._timeout)
        try:
            if at.start_tls:
                connection.starttls(context=context)
            if at.user is not None:
                connection.login(at.user, at.password or "")
        except BaseException:
            connection.close()
            raise
        return connection


def _worst(refused: dict[str, tuple[int, bytes]]) -> int:
    return max((code for code, _text in refused.values()), default=0)


def _by_code(code: int, what: str) -> Temporary | Permanent:
    # RFC 5321 4.2.1: 5yz means never, 4yz means not now.
    return Permanent(f"{what} ({code})") if code >= 500 else Temporary(f"{what} ({code})")
