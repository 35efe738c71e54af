"""The fault dial: what goes wrong between a provider and a platform, as often as one says.

Kept in the sandbox's schema, so that API, deliveries and pages turn the same dial. What strikes is
drawn from a seed and a counter of its own for each fault: the same dial strikes the same way again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]

# On the way of an event.
EVENTS = ("drop", "duplicate", "delay", "reorder")
# On the way of a request that changes something; `away` strikes what only looks, too.
REQUESTS = ("away", "busy", "error_before", "kept_error", "kept_after", "error_after", "lost_reply", "slow")
NAMES = (*EVENTS, *REQUESTS)
SECONDS = {"delay": 60, "reorder": 2, "slow": 5}  # Real ones, where nothing else is said.
MOST_SECONDS = 3600


@dataclass(frozen=True)
class Fault:
    """How one of them is set: the next so many, or so many of a thousand."""

    next: int = 0
    permille: int = 0
    seconds: int = 0
    drawn: int = 0  # How often it was asked whether it strikes.

    @property
    def on(self) -> bool:
        return self.next > 0 or self.permille > 0


def dial(connection: Connection) -> tuple[int, dict[str, Fault]]:
    """The seed, and each fault as it is set."""
    row = connection.execute("select faults from sandbox.dial where id = 1").fetchone()
    kept: dict[str, Any] = row["faults"] if row else {}
    faults = {name: Fault(**kept.get("faults", {}).get(name, {})) for name in NAMES}
    return int(kept.get("seed", 1)), faults


def turn(
    connection: Connection, name: str, *, next: int = 0, permille: int = 0, seconds: int | None = None
) -> None:
    """Set one fault. Both zero: off."""
    if name not in NAMES:
        raise ValueError(f"no such fault: {name}; one of {', '.join(NAMES)}")
    wait = SECONDS.get(name, 0) if seconds is None else min(max(seconds, 0), MOST_SECONDS)
    seed, faults = dial(connection)
    faults[name] = Fault(max(next, 0), min(max(permille, 0), 1000), wait)
    _keep(connection, seed, faults)


def reset(connection: Connection, seed: int = 1) -> None:
    """Nothing goes wrong from now on; draws begin anew from this seed."""
    _keep(connection, seed, {})


def strikes(connection: Connection, *names: str) -> tuple[str, Fault] | None:
    """Whether one of these strikes now, the first that does. The caller is alone with the books, or the
    dial's own row keeps two from drawing the same."""
    row = connection.execute("select faults from sandbox.dial where id = 1 for update").fetchone()
    if row is None:
        return None
    seed, faults = dial(connection)
    for name in names:
        fault = faults[name]
        if not fault.on:
            continue
        hit = fault.next > 0 or _draw(seed, name, fault.drawn) < fault.permille
        faults[name] = replace(fault, next=max(fault.next - 1, 0), drawn=fault.drawn + 1)
        _keep(connection, seed, faults)
        if hit:
            return name, fault
    return None


def _draw(seed: int, name: str, number: int) -> int:
    """A number below a thousand, the same for the same three."""
    return int(sha256(f"{seed}:{name}:{number}".encode()).hexdigest()[:8], 16) % 1000


def _keep(connection: Connection, seed: int, faults: dict[str, Fault]) -> None:
    kept = {
        "seed": seed,
        "faults": {name: asdict(one) for name, one in faults.items() if one.on or one.drawn},
    }
    connection.execute(
        "insert into sandbox.dial (id, faults) values (1, %s) on conflict (id) do update set faults = excluded.faults",
        (Jsonb(kept),),
    )
