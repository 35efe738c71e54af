"""Eight people at the site, and a killer: 40 kills here, 200 in `make fire` (FIRE_KILLS, FIRE_SEED)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from marketplace.services import ledger
from tests import database as databases
from tests.fire import books
from tests.fire.clients import Client
from tests.fire.judge import Breach, answers_hold, judge
from tests.fire.killer import Killer
from tests.fire.settling import pass_time, settle
from tests.fire.site import Site, cast, running

KILLS = int(os.environ.get("FIRE_KILLS", "40"))
SEED = int(os.environ.get("FIRE_SEED", "8"))
CLIENTS, EXPERTS = 8, 4
# Of each forty kills, before these the clock is moved: sessions take place, shares fall due, and leave.
ROUND, MOVES = 40, {18: "4d", 26: "4d", 32: "7d"}


def burn(site: Site, kills: int, seed: int) -> tuple[list[Client], Killer]:
    """The fire itself: people at work until the last kill has fallen."""
    rng, stop = random.Random(seed), threading.Event()
    people = cast(site, CLIENTS, EXPERTS)
    clients = [
        Client(site, people, actor, log_in, random.Random(f"{seed}/{number}"), stop)
        for number, (actor, log_in) in enumerate(people.leads)
    ]
    threads = [threading.Thread(target=one.run, name=f"client {n}") for n, one in enumerate(clients)]
    killer = Killer(site, rng)
    for thread in threads:
        thread.start()
    try:
        killer.run(kills, lambda number: _time_passes(site, number))
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    return clients, killer


def _time_passes(site: Site, number: int) -> None:
    if number % ROUND in MOVES:
        threading.Thread(target=pass_time, args=(site, MOVES[number % ROUND]), daemon=True).start()


def breaches(site: Site, clients: list[Client]) -> list[Breach]:
    """What does not hold, by both sides' books, the people's answers and the house's own check."""
    seen = books.read(site.engine)
    found = [*judge(seen), *answers_hold(seen, [said for one in clients for said in one.said])]
    found += [Breach("job failed", f"{row['task_name']} {row['args']}") for row in books.jobs(site.engine)]
    with site.db.reading() as session:
        found += [Breach("ledger check", one.text) for one in ledger.check(session) if not one.shortfall]
    return found


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_happens_twice(template: tuple[str, str], tmp_path: Path) -> None:
    began = time.monotonic()
    with databases.own_database(*template) as url, running(url, tmp_path) as site:
        clients, killer = burn(site, KILLS, SEED)
        burned = time.monotonic() - began
        settle(site)
        found = breaches(site, clients)
        tally = sum((one.tally for one in clients), Counter[str]())
        report = "\n".join(
            [f"seed {SEED}, {KILLS} kills {dict(killer.hit)} in {burned:.0f} s, {time.monotonic() - began:.0f} s in all",
             f"people: {dict(tally.most_common())}", f"states: {_states(site)}", *killer.log]
        )  # fmt: skip
        print(report)
        faults = [f"client {number}: {fault}" for number, one in enumerate(clients) for fault in one.faults]
        assert not faults, "\n".join([*faults, report, site.logs()])
        assert not found, "\n".join([*map(str, found[:40]), report])
        assert tally["pay"] >= CLIENTS, report


def _states(site: Site) -> dict[str, int]:
    return dict(Counter(row["state"] for row in books.read(site.engine).ours["bookings"]))
