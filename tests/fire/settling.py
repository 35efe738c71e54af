"""After the fire: everything up, the clock moved on, and sweeps until nothing is due any more."""

from __future__ import annotations

import asyncio
import http.client
import time
from dataclasses import dataclass

import sqlalchemy as sa

import config
from marketplace import create_app
from marketplace.jobs import tasks
from tests.fire import books, flawed
from tests.fire.child import clockwork
from tests.fire.children import ended, fork, until
from tests.fire.site import Site

# Days from the last hold to the last transfer: the session, its window, and a new expert's first payouts.
DAYS = ("4d", "4d", "7d", "7d")
# The queue and the provider's deliveries keep real time: what would come later comes now.
DEAD_WORKERS = "update procrastinate_workers set last_heartbeat = now() - interval '1 hour' where id <> (select max(id) from procrastinate_workers)"
WAITING_JOBS = (
    "update procrastinate_jobs set scheduled_at = null where status = 'todo' and scheduled_at > now()"
)
DELIVER = "update sandbox.deliveries set next_try = now() where delivered_at is null and next_try > now() + interval '1 second'"
UNDELIVERED = "select count(*) from sandbox.deliveries where delivered_at is null"
UNDONE = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"


@dataclass(frozen=True)
class Settings:
    """What a process of the clockwork needs to know of the site."""

    environment: dict[str, str]
    build: str


def settle(site: Site) -> None:
    """Until nothing is due: jobs of killed workers taken up, events delivered, time passed, swept."""
    site.until_well()
    _quiet(site)
    for days in DAYS:
        pass_time(site, days)
        _quiet(site)
    assert ended(fork(passes, Settings(site.environment, site.build)), 120) == 0
    _quiet(site)


def pass_time(site: Site, days: str) -> None:
    """By the button of the demo's banner, pressed until it is answered."""
    guest = site.guest()
    ends = time.monotonic() + 120
    while True:
        try:
            answer = guest.send(guest.get("/en/log-in"), "/dev/clock", follow=False, by=days)
            if answer.status == 303:
                return
        except (OSError, http.client.HTTPException, AssertionError):
            pass
        assert time.monotonic() < ends, f"the clock's button is not answered:\n{site.logs()}"
        time.sleep(0.1)


def _quiet(site: Site) -> None:
    """No job waits or runs, and every event is delivered."""
    assert ended(fork(retry_stalled, Settings(site.environment, site.build))) == 0

    def done() -> bool:
        _now(site, WAITING_JOBS)
        _now(site, DELIVER)
        return not _count(site, UNDELIVERED) and not _count(site, UNDONE)

    try:
        until(done, "jobs and deliveries", seconds=120, pause=0.1)
    except AssertionError:
        left = [f"{row['status']} {row['task_name']} {row['args']}" for row in books.jobs(site.engine)]
        raise AssertionError(
            f"{_count(site, UNDELIVERED)} deliveries wait; jobs: {left[:20]}\n{site.logs()}"
        ) from None


def _now(site: Site, statement: str) -> None:
    with site.engine.begin() as connection:
        connection.execute(sa.text(statement))


def _count(site: Site, statement: str) -> int:
    with site.engine.connect() as connection:
        return int(connection.execute(sa.text(statement)).scalar_one())


# --- In processes of their own ---------------------------------------------------------------------


def retry_stalled(settings: Settings) -> None:
    """What killed workers were doing is to be done again, as the queue's own pass says."""
    house = _house(settings)
    with house.db.engine.begin() as connection:  # type: ignore[union-attr]
        connection.execute(sa.text(DEAD_WORKERS))
    app = house.queue.worker()

    async def run() -> None:
        async with app.open_async():
            await tasks._retrying(app)(0)

    asyncio.run(run())


def passes(settings: Settings) -> None:
    """The clockwork's passes until one finds nothing new."""
    house = _house(settings)
    for _ in range(3):
        clockwork(house)


def _house(settings: Settings) -> tasks.House:
    flawed.install(settings.build)
    app = create_app(config.load(settings.environment))
    return app.extensions["declic"]  # type: ignore[no-any-return]
