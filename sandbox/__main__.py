"""`python -m sandbox`: the provider's API on a free loopback port, written under DATA_DIR, until a signal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

import psycopg
from werkzeug.serving import make_server

import config
import sandbox


def offset_clock(dsn: str) -> Callable[[], datetime]:
    """The platform's time: real time and the offset row, read at each call."""

    def now() -> datetime:
        with psycopg.connect(dsn) as connection:
            row = connection.execute("select offset_seconds from clock where id = 1").fetchone()
        return datetime.now(UTC) + timedelta(seconds=row[0] if row else 0)

    return now


def main() -> int:
    settings = config.load()
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
