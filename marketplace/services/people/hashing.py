"""Password hashes: argon2id, 19 MiB, two passes (ASVS 5.0, appendix C)."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
# Two at once: a hundred log-ins in one second must queue, not take the machine down.
_ROOM = threading.BoundedSemaphore(2)
# Compared with for people who do not exist, so that they take as long as those who do.
_DUMMY = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """A fresh hash, with its salt and parameters in it."""
    with _ROOM:
        return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether the password belongs to the kept hash; None takes as long and is always False."""
    with _ROOM:
        try:
            return _HASHER.verify(kept or _DUMMY, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's: hash anew at the next log-in."""
    return _HASHER.check_needs_rehash(kept)
