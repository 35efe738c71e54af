"""Places in a list of results, as they go into addresses: signed, and good for their own query alone."""

from __future__ import annotations

import hashlib
import uuid

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from ..services.search import Position


def write_position(position: Position, query: str) -> str:
    """The position of this query's list."""
    made = [position.order, position.key, position.offer_id.hex, position.at]
    return str(_signer(query).dumps([*made, *position.seen]))


def read_position(text: str | None, query: str) -> Position | None:
    """None for none, and for one that is not ours or of another query: then the first page is shown."""
    if not text:
        return None
    try:
        order, key, offer, at, *seen = _signer(query).loads(text)
        return Position(str(order), int(key), uuid.UUID(offer), int(at), tuple(seen))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None


def _signer(query: str) -> URLSafeSerializer:
    about = hashlib.sha256(query.encode()).hexdigest()[:16]
    return URLSafeSerializer(str(current_app.secret_key), salt=f"results/{about}")
