"""`flask --app wsgi worker`: run jobs and the schedule until a signal."""

from __future__ import annotations

import logging

import click
from flask import current_app
from flask.cli import with_appcontext

from ..jobs.tasks import run_worker


@click.command()
@with_appcontext
def worker() -> None:
    """Run jobs and the clockwork, until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    run_worker(current_app.extensions["declic"])
