"""A build that the kill test must convict: it sends no idempotency key, keeps no inbox, and looks for nothing
before it repeats. Installed in the processes that a test starts, and nowhere else."""

from __future__ import annotations

from typing import Any


def install(build: str) -> None:
    """Put the flaws in where the build is "flawed"; "right" leaves everything as it is."""
    if build == "right":
        return
    _no_keys()
    _no_inbox()
    _no_looking()


def _no_keys() -> None:
    """The header is dropped on the wire: the provider sees every repetition as a new wish."""
    import stripe

    asked = stripe.RequestsClient.request

    def request(self: Any, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        kept = {name: value for name, value in (headers or {}).items() if name != "Idempotency-Key"}
        return asked(self, method, url, kept, post_data)

    stripe.RequestsClient.request = request  # type: ignore[method-assign]


def _no_inbox() -> None:
    """An event is answered and kept in memory alone until it is applied."""


def _no_looking() -> None:
    """What was sent and not answered is sent again as it is; what is not ours to send is not asked about."""
    from marketplace.services.payments import carrying, sweep

    carrying._found = lambda db, gateway, call: False
    sweep._moving = lambda session, now: []  # type: ignore[assignment]
