"""Refusals in Stripe's words."""

from __future__ import annotations

from typing import Any


class Wrong(Exception):
    """A refusal. `kept`: execution had begun, so its key answers the same from now on."""

    def __init__(
        self, status: int, kind: str, code: str | None, message: str, *, kept: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.error = {"type": kind, "code": code, "message": message, **more}


def invalid(message: str, code: str | None = None, status: int = 400, **more: Any) -> Wrong:
    """A parameter refused before anything is done."""
    return Wrong(status, "invalid_request_error", code, message, **more)


def not_so(message: str, code: str | None = None, **more: Any) -> Wrong:
    """Refused because of how things stand."""
    return Wrong(400, "invalid_request_error", code, message, kept=True, **more)


def only_eur(currency: Any, param: str = "currency") -> str:
    """The one currency this platform settles in; another is refused by name."""
    if currency != "eur":
        raise invalid(
            f"Invalid currency: {str(currency)[:20]}. This account takes and settles money in eur only.",
            "invalid_currency", param=param,
        )  # fmt: skip
    return "eur"
