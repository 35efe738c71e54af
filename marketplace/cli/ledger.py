"""`flask --app wsgi ledger …`: whether every cent is accounted for, and closing a month."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from ..domain.errors import MonthRefused
from ..domain.months import read_month
from ..house import House
from ..services import ledger as books


def _house() -> House:
    house: House = current_app.extensions["declic"]
    return house


@click.group()
def ledger() -> None:
    """The ledger."""


@ledger.command()
@click.option("--whole", is_flag=True, help="Read all of the provider's books again, not only what is new.")
@with_appcontext
def check(whole: bool) -> None:
    """Say what is off, in our books and between ours and the provider's; exit 1 on a defect.

    A shortfall is told apart and is no defect. What was found is kept, like that of the check every five minutes.
    """
    house = _house()
    run = books.watch(house.db, house.payments, whole=whole)
    findings = books.findings_of(run)
    for finding in findings:
        click.echo(f"{finding.kind}: {finding.text}")
    named = sum(finding.defect for finding in findings)
    if run.defects > named:
        click.echo(f"… and {run.defects - named} more.")
    if run.unasked is not None:
        click.echo(f"The provider could not be asked ({run.unasked}): only our own books were checked.")
    if run.stopped:
        click.echo("Two checks running found defects: no transfer and no payout leaves until one finds none.")
    if run.defects or books.wrong_schedule(run):
        sys.exit(1)
    click.echo("The ledger holds.")


@ledger.command()
@click.option("--month", required=True, help="Such as 2026-11; the next one to close.")
@with_appcontext
def close(month: str) -> None:
    """Close a month for ever: its balances are written down, and nothing is posted into it any more."""
    first = read_month(month)
    if first is None:
        raise click.BadParameter("A month is written 2026-11.", param_hint="--month")
    try:
        row = books.close_month(_house().db, None, first)
    except MonthRefused as refusal:
        raise click.ClickException(_WHY[refusal.facts["why"]]) from refusal
    click.echo(f"{row.month:%Y-%m} is closed.")


_WHY = {
    "open": "It is not over: a month can be closed from an hour after its end.",
    "order": "Months are closed one after the other: this one is closed, or another comes first.",
    "stopped": "The books do not hold (see `ledger check`): what is written down for ever must be right.",
}
