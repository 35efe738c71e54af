"""The job queue: Procrastinate on our own PostgreSQL (docs/decisions/002).

A job is deferred on the business transaction's own connection, so it exists if and only if that
transaction commits. Never with `queueing_lock` there: a second one would abort the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import procrastinate
import psycopg
from procrastinate.jobs import Job
from sqlalchemy import make_url


def conninfo(url: str) -> str:
    """The libpq form of a SQLAlchemy address."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


# What takes long and nobody waits for: one at a time, and only while nothing else is to be done, so that
# a payment's word never stands behind a hundred offers being encoded.
UNHURRIED = {"search.encode_offer": "encoding"}
LAST = -10


class JobQueue:
    """Defers jobs; `worker` gives the application object that a worker process runs."""

    def __init__(self, url: str) -> None:
        self._conninfo = conninfo(url)
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=self._conninfo))

    def defer(
        self, connection: psycopg.Connection[Any], jobs: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Add the jobs, in this order and by one statement; they commit and roll back with the connection."""
        self._app.job_manager.batch_defer_jobs(
            jobs=[self._job(name, arguments) for name, arguments in jobs], connection=connection
        )

    def _job(self, name: str, arguments: Mapping[str, Any]) -> Job:
        unhurried = UNHURRIED.get(name)
        how: dict[str, Any] = {"lock": unhurried, "priority": LAST} if unhurried else {}
        return self._app.configure_task(name, **how).make_new_job(**arguments)

    def worker(self) -> procrastinate.App:
        """An application on its own connections, for running jobs."""
        return procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=self._conninfo, max_size=6)
        )
