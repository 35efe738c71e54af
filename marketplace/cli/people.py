"""`flask --app wsgi people …`: what only whoever has the server may do about accounts."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext

from ..domain.addresses import is_plain_address
from ..domain.errors import EmailTaken, NotFound, OperatorExists, TextRefused
from ..services.people import factors, operators
from ..storage.clock import real_now


@click.group()
def people() -> None:
    """Accounts."""


@people.command("first-operator")
@click.argument("email")
@click.option("--name", required=True, help="First and last name, as others will read it.")
@with_appcontext
def first_operator(email: str, name: str) -> None:
    """Make EMAIL the operator of a house that has none. Works once: operators make the others.

    Prints the link to choose a password (also mailed); after it comes the second factor.
    """
    house = current_app.extensions["declic"]
    email = email.strip()
    # Narrower than the log-in reads it: whoever that does not take could never come in, and this works once.
    if not is_plain_address(email) or not name.strip():
        raise click.UsageError("An address has the form name@company.com, and a name says something.")
    try:
        person, token = operators.first_operator(house.db, email=email, name=name)
    except OperatorExists:
        _refuse("There is an operator already: they make the others, on the person’s page.")
    except EmailTaken:
        _refuse(f"{email} has an account already: give another address.")
    except TextRefused:
        _refuse("Address or name hold characters that cannot be kept, or are too long.")
    click.echo(f"{person.name} is the first operator. To choose a password (good for 48 hours, once):")
    click.echo(house.stationery.links.verify(token, person.language))


@people.command("reset-factor")
@click.argument("email")
@with_appcontext
def reset_factor(email: str) -> None:
    """Take away the second factor of EMAIL, whose device and codes are lost. Make sure first that it is them.

    Every log-in of theirs ends, they are told by mail, and the journal keeps it.
    """
    house = current_app.extensions["declic"]
    try:
        factors.reset_factor(house.db, email=email, real_now=real_now())
    except NotFound:
        _refuse(f"{email} has no account here, or no second factor.")
    click.echo(
        f"The second factor of {email} is gone, and every log-in ended. Operators set up another one first thing."
    )


def _refuse(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(1)
