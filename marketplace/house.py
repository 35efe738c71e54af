"""What the parts of a running house share: made once in `create_app`, handed on as an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .gateways.calendars import BusyReader, PublicHolidays
from .gateways.embeddings import Encoders
from .gateways.mail import Mail
from .gateways.payments import Payments
from .gateways.queue import JobQueue
from .gateways.statements import Statements
from .services.letters import Stationery
from .storage.db import Database


@dataclass(frozen=True)
class House:
    """The collaborators (docs/architecture.md, rule 10). `config` is the frozen settings object."""

    config: Any
    db: Database
    clock: Callable[[], datetime]
    payments: Payments
    mail: Mail
    statements: Statements
    stationery: Stationery
    queue: JobQueue
    encoders: Encoders
    calendars: BusyReader
    holidays: PublicHolidays
