"""Seals around TOTP secrets, and what a code is: nothing here reads or writes a record.

Two keys are drawn from SECRET_KEY, one a purpose: what lies in the records never opens as what a
page carried, nor the other way round. Each seal names whose it is, so no row fits another person.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

AT_REST, OFFERED = b"declic second factor at rest", b"declic second factor offered"
# How long a secret shown on the page may be confirmed.
OFFERED_FOR = timedelta(hours=1)
STEP_SECONDS = 30
HOW_MANY_CODES = 10
# Crockford's: no I, L, O or U, which are read or said as others. 24 of 32 signs are 120 bits (ASVS 6.5.2).
_SIGNS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _GROUP = 24, 4
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None, "\u00a0": None, "\u202f": None})


def new_secret() -> str:
    """160 random bits in base32, as every authenticator reads them."""
    return pyotp.random_base32()


def seal(secret_key: str, purpose: bytes, person_id: uuid.UUID, secret: str, at: datetime) -> bytes:
    """The secret, readable only with SECRET_KEY, for this purpose and this person."""
    plain = f"{person_id}:{secret}".encode()
    return _fernet(secret_key, purpose).encrypt_at_time(plain, int(at.timestamp()))


def unseal(
    secret_key: str,
    purpose: bytes,
    person_id: uuid.UUID,
    sealed: bytes,
    *,
    at: datetime,
    ttl: timedelta | None = None,
) -> str | None:
    """What was sealed, or None: broken, another purpose's, another person's, or older than `ttl`."""
    box = _fernet(secret_key, purpose)
    try:
        if ttl is None:
            plain = box.decrypt(sealed).decode()
        else:
            plain = box.decrypt_at_time(sealed, int(ttl.total_seconds()), int(at.timestamp())).decode()
    except InvalidToken:
        return None
    whose, _colon, secret = plain.partition(":")
    return secret if hmac.compare_digest(whose, str(person_id)) else None


def steps_of(secret: str, code: str, real_now: datetime) -> list[int]:
    """Which time steps a code is right for: the one now and its two neighbours (RFC 6238, 5.2), oldest first."""
    now = int(real_now.timestamp()) // STEP_SECONDS
    machine = pyotp.HOTP(secret)
    return [step for step in (now - 1, now, now + 1) if hmac.compare_digest(machine.at(step), code)]


def address_of(secret: str, *, account: str, issuer: str) -> str:
    """The otpauth address an authenticator takes up from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def new_codes() -> tuple[str, ...]:
    """Ten recovery codes, in six groups of four. Shown once; only `code_hash` of each is kept."""
    drawn = ["".join(secrets.choice(_SIGNS) for _ in range(_LENGTH)) for _ in range(HOW_MANY_CODES)]
    return tuple("-".join(code[n : n + _GROUP] for n in range(0, _LENGTH, _GROUP)) for code in drawn)


def as_typed(text: str) -> str:
    """A code as somebody types it, without spaces and dashes, look-alikes read as they are meant."""
    return text.strip().lower().translate(_READ_AS)


def is_one_time(typed: str) -> bool:
    """Whether it is an authenticator's six digits rather than a recovery code."""
    return len(typed) == 6 and typed.isascii() and typed.isdigit()


def code_hash(code: str) -> bytes:
    """What is kept of a recovery code. It is 120 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(as_typed(code).encode("utf-8", "replace")).digest()


def _fernet(secret_key: str, purpose: bytes) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
