"""Loading a folder of demo data: read all of it, name all that is wrong, else write it in one transaction.

The payment provider's accounts are opened afterwards, outside any transaction, by keys derived from
the files' own ids: a load that was cut off is finished by running it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...domain.errors import DataFileWrong
from ...gateways.payments import Payments
from ...storage.db import Database
from ..free_days import renew_due
from .accounts import Onboard, open_accounts
from .reading import read_folder
from .writing import write_all

__all__ = ["Loaded", "Onboard", "load"]

# what, done, of how many
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Loaded:
    """What a load wrote anew, by kind, and how many experts still wait for their account."""

    written: dict[str, int]
    accounts: int
    waiting: int


def load(
    db: Database,
    folder: Path,
    payments: Payments,
    *,
    onboard: Onboard | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Loaded:
    """Load `folder` (experts.jsonl and offers.jsonl; people, reviews, availability, taxonomy optional).

    Rows that were loaded before (by the files' ids) are left as they are. `onboard` answers for an
    expert what the sandbox's onboarding page asks. Raises DataFileWrong with up to 50 problems, and
    then nothing is loaded.
    """
    read = read_folder(folder)
    if read.problems:
        raise DataFileWrong(problems=read.problems, more=read.more)
    with db.transaction() as tx:
        written = write_all(tx, read, progress)
    while renew_due(db):
        pass
    opened, waiting = open_accounts(db, payments, onboard, progress)
    return Loaded(written, opened, waiting)
