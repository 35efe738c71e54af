"""A build that the kill test must convict: it sends no idempotency key, keeps no inbox, and looks for nothing
before it repeats. Installed in the processes that a test starts, and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import asdict
from importlib import import_module
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
    """An event is kept in memory alone, answered at once, and applied a moment later."""
    from marketplace.services import payments
    from marketplace.services.payments import applying
    from marketplace.web import webhooks

    kept: dict[str, Any] = {}

    def receive(db: Any, event: Any, body: bytes) -> bool:
        kept[event.id] = event
        return True

    def apply(db: Any, gateway: Any, event_id: Any) -> None:
        event = kept.pop(event_id, None)
        about = applying._payment_of(db, asdict(event)) if event else None
        if about is not None:
            applying.refresh(db, gateway, about)

    def at_the_door(db: Any, event: Any, body: bytes) -> bool:
        receive(db, event, body)
        threading.Thread(target=apply, args=(db, webhooks.house().payments, event.id), daemon=True).start()
        return True

    payments.receive_event, payments.apply_event = receive, apply  # type: ignore[assignment]
    webhooks.receive_event = at_the_door


def _no_looking() -> None:
    """What was sent and not answered is sent again as it is; what no event told is not asked about."""
    carrying = import_module("marketplace.services.payments.carrying")
    sweep = import_module("marketplace.services.payments.sweep")
    vars(carrying)["_found"] = lambda db, gateway, call: False
    vars(sweep)["_moving"] = lambda session, now: []
