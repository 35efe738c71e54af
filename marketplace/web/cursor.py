"""Keyset cursors in addresses: the last line's instant and id, signed so that nobody builds their own."""

from __future__ import annotations

import uuid
from datetime import datetime

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

Cursor = tuple[datetime, uuid.UUID]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="cursor")


def write_cursor(last: Cursor) -> str:
    """The cursor as it goes into an address."""
    return str(_signer().dumps([last[0].isoformat(), str(last[1])]))


def read_cursor(text: str | None) -> Cursor | None:
    """The cursor of an address; None for none or for one that is not ours: then the first page is shown."""
    if not text:
        return None
    try:
        at, last = _signer().loads(text)
        return datetime.fromisoformat(at), uuid.UUID(last)
    except (BadSignature, ValueError, TypeError):
        return None
