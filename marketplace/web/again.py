"""What was typed is never lost to a log-in that ran out: it is handed back, signed, to be sent again.

The bundle holds the path and the fields of one post of our own page. It is signed, so that nobody
else can make a page here that asks for a click on words of theirs; passwords and codes are never in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app, request

from .gate import safe_next
from .house import real_now

FIELD = "again"
GOOD_FOR = timedelta(hours=24)
MOST = 400_000
_PURPOSE = b"declic typed again "


@dataclass(frozen=True)
class Typed:
    """A post to be sent again: where to, and what with."""

    path: str
    fields: tuple[tuple[str, str], ...]


def typed_now() -> Typed | None:
    """What this request brought, without its anti-forgery token; None when there is nothing to keep."""
    path = safe_next(request.full_path.rstrip("?"))
    fields = tuple(
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", FIELD) and not _is_secret(name)
    )
    secret = any(_is_secret(name) for name in request.form)
    if path is None or not fields or secret or sum(len(v) for _, v in fields) > MOST:
        return None
    return Typed(path, fields)


def pack(typed: Typed) -> str:
    """As a hidden field's value."""
    plain = json.dumps([int(real_now().timestamp()), typed.path, typed.fields]).encode()
    body = base64.urlsafe_b64encode(zlib.compress(plain))
    return f"{_sign(body)}.{body.decode()}"


def unpack(text: str) -> Typed | None:
    """What `pack` packed, if it is ours and of today; else None."""
    mark, _, body = text.partition(".")
    if not body.isascii() or not hmac.compare_digest(
        mark.encode("utf-8", "replace"), _sign(body.encode()).encode()
    ):
        return None
    try:
        at, path, fields = json.loads(zlib.decompress(base64.urlsafe_b64decode(body)))
    except (ValueError, zlib.error, binascii.Error):
        return None
    if real_now().timestamp() - at > GOOD_FOR.total_seconds() or safe_next(path) is None:
        return None
    return Typed(path, tuple((str(name), str(value)) for name, value in fields))


def _is_secret(name: str) -> bool:
    return "password" in name or name == "one_time_code"


def _sign(body: bytes) -> str:
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, _PURPOSE + body, hashlib.sha256).hexdigest()
