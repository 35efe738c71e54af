"""The collaborators `create_app` wired, as the views find them (docs/architecture.md, rule 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

from flask import current_app

from ..gateways.calendars import BusyReader, PublicHolidays
from ..gateways.embeddings import Encoders
from ..gateways.mail import Mail
from ..gateways.payments import Payments
from ..gateways.statements import Statements
from ..services.letters import Stationery
from ..storage.clock import real_now
from ..storage.db import Database

KEY = "declic"

__all__ = ["KEY", "House", "house", "real_now"]


class House(Protocol):
    """What the views reach for. `clock` is the platform's (movable in demo); log-ins keep `real_now`."""

    @property
    def config(self) -> Any: ...
    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...
    @property
    def payments(self) -> Payments: ...
    @property
    def mail(self) -> Mail: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def stationery(self) -> Stationery: ...
    @property
    def encoders(self) -> Encoders: ...
    @property
    def calendars(self) -> BusyReader: ...
    @property
    def holidays(self) -> PublicHolidays: ...


def house() -> House:
    """The collaborators of the running application."""
    return cast("House", current_app.extensions[KEY])
