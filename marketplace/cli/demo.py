"""`flask --app wsgi demo load DIR`: a folder of demo data into the database."""

from __future__ import annotations

import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from ..domain.errors import DataFileWrong
from ..services import demo as loading
from . import UNFINISHED
from .schema import upgrade

WORDS = {"experts": "Experts", "offers": "Offers", "search": "Search", "accounts": "Accounts at the sandbox"}


@click.group()
def demo() -> None:
    """Demo data, demo bookings and the demo clock."""


@demo.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def load(folder: Path) -> None:
    """Load experts.jsonl and offers.jsonl (and people, reviews, availability, taxonomy) of FOLDER, once.

    All of it or nothing: what is wrong is named by file, line and field (exit code 1). Exit code 3: all is
    loaded, but some experts have no account at the payment provider; the same command goes on with them.
    """
    house = current_app.extensions["declic"]
    if not house.config.demo:
        raise click.ClickException("Demo data is loaded in demo mode only (ENV=demo).")
    upgrade(house.config.database_url)  # An empty database is as good as one with people in it.
    onboard = _onboarding(house.config.site_url) if house.config.sandbox else None
    try:
        with _shown() as progress:
            loaded = loading.load(house.db, folder, house.payments, onboard=onboard, progress=progress)
    except DataFileWrong as wrong:
        for problem in wrong.facts["problems"]:
            click.echo(str(problem), err=True)
        if wrong.facts["more"]:
            click.echo(f"… and {wrong.facts['more']} more", err=True)
        click.echo(f"Nothing of {folder} was loaded.", err=True)
        sys.exit(1)
    new = ", ".join(f"{count} {kind}" for kind, count in loaded.written.items() if count)
    click.echo(f"Loaded {new}." if new else "All of it was here already.")
    _tell_of_accounts(loaded.accounts)


def _tell_of_accounts(accounts: loading.Opened) -> None:
    """What keeps loaded experts from being booked; exits with 3 where running it again may help."""
    if accounts.to_complete:
        click.echo(f"Accounts at the payment provider to be completed by hand: {accounts.to_complete}.")
    for name, why in accounts.refused:
        click.echo(f"The payment provider opens no account for {name}: {why}", err=True)
    if accounts.unanswered:
        click.echo(
            f"Without an account at the payment provider, and so not bookable: {accounts.unanswered}. It does not "
            "answer (the sandbox answers while the site runs): run this again when it does.",
            err=True,
        )
    if accounts.refused or accounts.unanswered:
        sys.exit(UNFINISHED)


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on a terminal, nothing where the output goes to a file."""
    console = Console(stderr=True)
    columns = (TextColumn("    {task.description:<24}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(WORDS.get(what, what), total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield show


def _onboarding(site: str) -> loading.Onboard:
    """The expert's click on the sandbox's page, which this very site shows."""

    def click_complete(address: str) -> None:
        if urlsplit(address).netloc != urlsplit(site).netloc:
            raise OSError(f"{address} is no page of this site")
        body = urllib.parse.urlencode({"action": "complete"}).encode()
        request = urllib.request.Request(address, data=body, method="POST")  # noqa: S310 - this site's own
        urllib.request.build_opener(_Stay()).open(request, timeout=20).close()

    return loading.Onboard(site, click_complete)


class _Stay(urllib.request.HTTPRedirectHandler):
    """The way back to the site is the expert's to walk, not ours."""

    def redirect_request(self, *args: Any) -> None:
        return None

    def http_error_303(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp

    http_error_302 = http_error_303
