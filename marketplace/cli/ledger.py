"""`flask --app wsgi ledger check`: whether every cent is accounted for."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from ..services import ledger as books


@click.group()
def ledger() -> None:
    """The ledger."""


@ledger.command()
@with_appcontext
def check() -> None:
    """Say what is off, and exit non-zero; a shortfall is told apart and is no defect."""
    with current_app.extensions["declic"].db.reading() as session:
        findings = books.check(session)
    for finding in findings:
        click.echo(f"{'shortfall' if finding.shortfall else finding.kind}: {finding.text}")
    wrong = [finding for finding in findings if not finding.shortfall]
    if wrong:
        sys.exit(1)
    click.echo("The ledger holds.")
