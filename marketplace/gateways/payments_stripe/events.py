"""Believing and reading what Stripe posts to us: its signature scheme, both shapes of event.

Written out rather than taken from the package, whose check accepts messages from the future,
reads the system's clock itself and has one secret.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from marketplace.gateways.payments import (
    MOST_EVENT_BYTES,
    SIGNATURE_SECONDS,
    NotTrusted,
    ProviderEvent,
)

from .reading import id_of, our_reference

# Two machines' clocks are never quite the same; the signature has whole seconds.
CLOCK_SKEW_SECONDS = 5

_ID = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_KIND = re.compile(r"[a-z0-9_.\[\]]{1,255}")
_OBJECT_KINDS = {
    "checkout.session": "checkout",
    "payment_intent": "payment",
    "charge": "charge",
    "refund": "refund",
    "transfer": "transfer",
    "account": "account",
    "v2.core.account": "account",
    "dispute": "chargeback",
    "payout": "payout",
}


def read_event(
    body: bytes, signature: str, secrets: Sequence[str], *, live: bool, own: str | None, now: datetime
) -> ProviderEvent:
    """The event in a posted message, or `NotTrusted` with why. `now` is real time; `own` our account."""
    if len(body) > MOST_EVENT_BYTES:
        raise NotTrusted("too_large", str(len(body)))
    _check_signature(body, signature, secrets, now)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotTrusted("bad_encoding", str(error)) from error
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotTrusted("bad_json", str(error)) from error
    try:
        read = _thin(event) if event["object"] == "v2.core.event" else _whole(event)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise NotTrusted("bad_shape", repr(error)) from error
    if read.live is not live:
        raise NotTrusted("wrong_mode", read.id)
    return replace(read, account=None) if read.account == own else read


def _check_signature(body: bytes, header: str, secrets: Sequence[str], now: datetime) -> None:
    if not header:
        raise NotTrusted("no_signature")
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signed = [value for name, _, value in parts if name == "v1" and value.isascii()]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0]) or not signed:
        raise NotTrusted("bad_signature", "no timestamp or no signature of the known scheme")
    message = stamps[0].encode() + b"." + body
    known = [hmac.new(secret.encode(), message, sha256).hexdigest() for secret in secrets if secret]
    # Every pair is compared, so that time tells nothing about which one fitted.
    fits = [hmac.compare_digest(ours, theirs) for ours in known for theirs in signed]
    if not any(fits):
        raise NotTrusted("bad_signature", "no configured secret made it")
    age = now.timestamp() - int(stamps[0])
    if age > SIGNATURE_SECONDS:
        raise NotTrusted("too_old", f"{age:.0f} s")
    if age < -CLOCK_SKEW_SECONDS:
        raise NotTrusted("from_the_future", f"{-age:.0f} s")


def _whole(event: dict[str, Any]) -> ProviderEvent:
    if event["object"] != "event":
        raise ValueError("not an event")
    about = event["data"]["object"]
    kind = _OBJECT_KINDS.get(about["object"], "other")
    intent = about["id"] if kind == "payment" else _intent_of(about)
    return ProviderEvent(
        id=_checked(_ID, event["id"]),
        kind=_checked(_KIND, event["type"]),
        object_kind=kind,
        # A few objects (balance) have no id; nothing of ours follows from them.
        object_id=_checked(_ID, about["id"]) if kind != "other" else str(about.get("id", "-")),
        live=_truth(event["livemode"]),
        created=datetime.fromtimestamp(event["created"], UTC),
        account=_optional(event.get("account")),
        intent_id=_optional(intent),
        reference=_reference(about),
        charge_id=_optional(id_of(about.get("charge"))),
    )


def _intent_of(about: dict[str, Any]) -> str | None:
    """The payment an object says it is of; a customer's money says it where it was used."""
    used = about.get("applied_to_payment") or about.get("unapplied_from_payment") or {}
    return id_of(about.get("payment_intent")) or id_of(used.get("payment_intent"))


def _thin(event: dict[str, Any]) -> ProviderEvent:
    about = event.get("related_object") or {}
    return ProviderEvent(
        id=_checked(_ID, event["id"]),
        kind=_checked(_KIND, event["type"]),
        object_kind=_OBJECT_KINDS.get(about.get("type", ""), "other"),
        object_id=_checked(_ID, about.get("id", "-")),
        live=_truth(event["livemode"]),
        created=datetime.fromisoformat(event["created"]).astimezone(UTC),
        # Where it may be fetched: the account, or the way to it from an organisation.
        account=_optional((event.get("context") or "").rpartition("/")[2] or None),
    )


def _checked(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"not an identifier: {value[:40]!r}")
    return value


def _optional(value: Any) -> str | None:
    return _checked(_ID, value) if isinstance(value, str) else None


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("livemode is not a truth value")
    return value


def _reference(about: dict[str, Any]) -> str | None:
    found = our_reference(about)
    return found if found is not None and _ID.fullmatch(found) else None
