"""What the package raises, as the door's errors (the table of payments.md, "The port and its one adapter")."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import stripe

from marketplace.gateways import payments as port

from .breaker import Paused

# The object stands elsewhere than we thought: fetch it, then decide.
LOOK = frozenset(
    {
        "charge_already_captured",
        "charge_already_refunded",
        "charge_expired_for_capture",
        "charge_disputed",
        "payment_intent_unexpected_state",
        "resource_missing",
    }
)
# Not now; the provider keeps this answer under the key, so a later try needs a new one.
WAIT = {
    "balance_insufficient": "balance_insufficient",
    "insufficient_funds": "balance_insufficient",
    "insufficient_capabilities_for_transfer": "account_restricted",
}


def in_our_currency(currency: str) -> str:
    """The currency as the wire writes it; `Refused` by name for one the platform does not settle in."""
    if currency != port.CURRENCY:
        raise port.Refused("currency_unsupported", currency)
    return currency.lower()


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Turn what the package raises, or an answer that cannot be read, into the door's errors."""
    try:
        yield
    except stripe.StripeError as raised:
        raise our_error(raised) from raised
    except (AttributeError, KeyError, TypeError, ValueError) as raised:
        raise port.Unknown("unreadable_answer", f"{type(raised).__name__}: {raised}") from raised


def our_error(raised: stripe.StripeError) -> port.PaymentError:
    """The door's error for one of the package's."""
    code, detail = _code(raised), raised.user_message or ""
    if isinstance(raised, Paused):
        return port.Unavailable("paused", detail)
    if raised.http_status == 409 or isinstance(raised, stripe.RateLimitError):
        return port.Unavailable(code or "busy", detail)
    if isinstance(raised, stripe.CardError):
        reason = _word(raised, "decline_code") or code or "declined"
        if "authentication_required" in (reason, code):
            return port.NeedsAction("authentication_required", detail)
        return port.Declined(reason, detail)
    if isinstance(raised, stripe.IdempotencyError):
        return port.Refused("key_used_otherwise", detail, stop=True)
    if isinstance(raised, (stripe.AuthenticationError, stripe.PermissionError)):
        return port.Refused("not_allowed", detail, stop=True)
    if code in WAIT:
        return port.Unavailable(WAIT[code], detail, new_key=True)
    if not 400 <= (raised.http_status or 0) < 500:  # Its own failure, no answer, or one that says nothing.
        return port.Unknown(code or "no_answer", detail)
    return port.Refused(code or "invalid_request", detail, look=code in LOOK)


def _code(raised: stripe.StripeError) -> str | None:
    # `raised.code` is None on some classes; the answer's own body has it.
    return _word(raised, "code") or raised.code


def _word(raised: stripe.StripeError, name: str) -> str | None:
    body = raised.json_body
    error = body.get("error") if isinstance(body, dict) else None
    word = error.get(name) if isinstance(error, dict) else None
    return word if isinstance(word, str) else None
