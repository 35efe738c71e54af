"""Identifiers: UUIDv7 inside, 128-bit random references outside (rule 12)."""

from __future__ import annotations

import secrets
import time
import uuid

# No 0/O, 1/I/L: a reference is read out over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): sorts by the time it was made, so indexes grow at one end."""
    millis = time.time_ns() // 1_000_000
    raw = bytearray(millis.to_bytes(6, "big") + secrets.token_bytes(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return uuid.UUID(bytes=bytes(raw))


def new_reference() -> str:
    """A public reference: 128 random bits, URL-safe, 22 characters."""
    return secrets.token_urlsafe(16)


def new_number() -> str:
    """What people call a booking, on paper and on the telephone: `D-7K4M-2Q9C`.

    For reading out, not for access: no page is reached by it alone.
    """
    letters = [secrets.choice(_ALPHABET) for _ in range(8)]
    return f"D-{''.join(letters[:4])}-{''.join(letters[4:])}"
