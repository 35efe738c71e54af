"""`python -m sandbox`: the provider's API on a free loopback port, written under DATA_DIR, until a signal.

`python -m sandbox dial`: what the fault dial says; `… dial lost_reply --next 2`, `… dial drop --percent 10`,
`… dial delay --percent 5 --seconds 30`, `… dial --off --seed 7`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

import psycopg
from werkzeug.serving import make_server

import config
import sandbox
from sandbox import faults
from sandbox.store import Store


def offset_clock(dsn: str) -> Callable[[], datetime]:
    """The platform's time: real time and the offset row, read at each call."""

    def now() -> datetime:
        with psycopg.connect(dsn) as connection:
            row = connection.execute("select offset_seconds from clock where id = 1").fetchone()
        return datetime.now(UTC) + timedelta(seconds=row[0] if row else 0)

    return now


def dial(dsn: str, line: list[str]) -> int:
    """Turn the fault dial, then say how it stands."""
    asked = argparse.ArgumentParser(prog="python -m sandbox dial")
    asked.add_argument("fault", nargs="?", choices=faults.NAMES)
    asked.add_argument("--next", type=int, default=0, help="strike the next so many")
    asked.add_argument("--percent", type=float, default=0, help="strike so many of a hundred")
    asked.add_argument("--seconds", type=int, help="how long, for delay, reorder and slow")
    asked.add_argument("--off", action="store_true", help="nothing goes wrong from now on")
    asked.add_argument("--seed", type=int, default=1, help="with --off: what the next draws begin from")
    said = asked.parse_args(line)
    store = Store(dsn, lambda: datetime.now(UTC))
    with store.transaction() as books:
        if said.off:
            faults.reset(books.connection, said.seed)
        if said.fault:
            faults.turn(
                books.connection, said.fault, next=said.next, permille=round(said.percent * 10),
                seconds=said.seconds,
            )  # fmt: skip
        seed, found = faults.dial(books.connection)
    store.close()
    lines = [f"seed {seed}"]
    for name, one in found.items():
        wait = f", {one.seconds} s" if one.seconds else ""
        lines.append(f"{name:12} {f'next {one.next}, {one.permille / 10} %{wait}' if one.on else 'off'}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def main() -> int:
    settings = config.load()
    if sys.argv[1:2] == ["dial"]:
        return dial(settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1), sys.argv[2:])
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    provider = sandbox.from_config(settings, clock=offset_clock(dsn))
    # The same port as before where it is free: who knows the provider by it need not look again.
    before = settings.sandbox_port_file
    wanted = int(before.read_text()) if before.exists() and before.read_text().strip().isdigit() else 0
    try:
        server = make_server("127.0.0.1", wanted, provider.api, threaded=True)
    except (OSError, SystemExit):
        server = make_server("127.0.0.1", 0, provider.api, threaded=True)
    fresh = before.with_suffix(".new")
    fresh.write_text(f"{server.server_port}\n")
    fresh.replace(before)
    provider.deliveries.start()

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
