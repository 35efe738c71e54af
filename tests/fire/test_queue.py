"""What a killed worker left, the queue takes up again: also when it was killed while it did just that."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from marketplace import create_app
from marketplace.jobs import tasks
from tests.clock import FakeClock
from tests.fire.child import Order, settings_of

DEAD = (
    "insert into procrastinate_workers (last_heartbeat) values (now() - interval '10 minutes') returning id"
)
KILLED = "update procrastinate_jobs set status = 'doing', worker_id = :worker"
LEFT = "select count(*) from procrastinate_jobs where worker_id = :worker or status in ('todo', 'doing')"


def test_a_worker_killed_while_it_freed_others_is_freed_itself(own_url: str) -> None:
    house = create_app(settings_of(Order(own_url, "http://127.0.0.1:9", FakeClock()()))).extensions["declic"]
    app = tasks.worker_app(house)

    async def left() -> int:
        async with app.open_async():
            for name in ("queue.retry_stalled", "sweep.minute"):
                await app.tasks[name].defer_async(timestamp=0)
            with house.db.engine.begin() as connection:
                worker = connection.execute(sa.text(DEAD)).scalar_one()
                connection.execute(sa.text(KILLED), {"worker": worker})
            await app.tasks["queue.retry_stalled"].defer_async(timestamp=60)
            for _ in range(2):  # What the first pass frees, the second runs.
                await app.run_worker_async(
                    wait=False, install_signal_handlers=False, delete_jobs="successful"
                )
        with house.db.engine.begin() as connection:
            return int(connection.execute(sa.text(LEFT), {"worker": worker}).scalar_one())

    assert asyncio.run(left()) == 0
    house.db.engine.dispose()
