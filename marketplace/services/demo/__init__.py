"""Loading a folder of demo data: read all of it, name all that is wrong, else write it in one transaction.

The payment provider's accounts are opened afterwards, outside any transaction, by keys derived from
the files' own ids: a load that was cut off is finished by running it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...domain.errors import DataFileWrong
from ...gateways.payments import Payments
from ...storage.db import Database
from ..free_days import renew_due
from .accounts import Onboard, Opened, open_accounts
from .reading import read_folder
from .writing import refuse_real_people, write_all

__all__ = ["Loaded", "Onboard", "Opened", "load"]

# what, done, of how many
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Loaded:
    """What a load wrote anew, by kind, and what became of the experts' accounts."""

    written: dict[str, int]
    accounts: Opened


def load(
    db: Database,
    folder: Path,
    payments: Payments,
    *,
    onboard: Onboard | None = None,
    progress: Progress = lambda what, done, of: None,
    pause: Callable[[float], None] = time.sleep,
) -> Loaded:
    """Load `folder` (experts.jsonl and offers.jsonl; people, reviews, availability, taxonomy optional).

    Rows that were loaded before are left as they are: an expert by the file's id and their address or
    name, an offer by its id and expert, so another folder may use the same ids for other people.
    `onboard` answers for an expert what the sandbox's onboarding page asks; `pause` waits between tries.
    Raises DataFileWrong with up to 50 problems, also for an address that is a real person's here, and
    then nothing is loaded.
    """
    read = read_folder(folder)
    if read.problems:
        raise DataFileWrong(problems=read.problems, more=read.more)
    with db.transaction() as tx:
        refuse_real_people(tx.session, read)
        written = write_all(tx, read, progress)
    while renew_due(db):
        pass
    return Loaded(written, open_accounts(db, payments, onboard, progress, pause))
