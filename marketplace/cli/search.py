"""`flask --app wsgi search progress | encode`: the vectors of the catalogue."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from ..services.search import catch_up, progress_of


@click.group()
def search() -> None:
    """How offers are found."""


@search.command()
@with_appcontext
def progress() -> None:
    """Which encodings there are, and how many offers each has."""
    for one in progress_of(current_app.extensions["declic"].db):
        click.echo(f"{one.name:24} {one.state:9} {one.done} of {one.total}")


@search.command()
@with_appcontext
def encode() -> None:
    """Make what is missing now, without waiting for the worker."""
    house = current_app.extensions["declic"]
    done = 0
    while some := catch_up(house.db, house.encoders, 10):
        done += some
        click.echo(f"\r{done} offers encoded", nl=False)
    click.echo(f"\r{done} offers encoded")
