"""Commands by noun: `flask --app wsgi demo …`, `ledger …`, `people …`, `worker`."""

from __future__ import annotations

import click

# The exit code of `demo load` when all is loaded but some experts have no account at the provider.
UNFINISHED = 3


def commands() -> list[click.Command]:
    """All of them, for `create_app`."""
    from . import demo_play  # noqa: F401 - it hangs `clock` and `play` on the group
    from .demo import demo
    from .ledger import ledger
    from .people import people
    from .search import search
    from .worker import worker

    return [demo, ledger, people, search, worker]
