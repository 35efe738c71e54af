"""Commands by noun: `flask --app wsgi demo …`, `ledger …`, `worker`."""

from __future__ import annotations

import click


def commands() -> list[click.Command]:
    """All of them, for `create_app`."""
    from . import demo_play  # noqa: F401 - it hangs `clock` and `play` on the group
    from .demo import demo
    from .ledger import ledger
    from .search import search
    from .worker import worker

    return [demo, ledger, search, worker]
