"""Eight people at the site, and a killer: 40 kills here, 200 in `make fire` (FIRE_KILLS, FIRE_SEED)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
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
ROUND, MOVES = 40, {20: "4d", 28: "4d", 33: "7d"}


@dataclass
class Fire:
    """One fire at one site, and what is known of it afterwards."""

    site: Site
    kills: int
    seed: int
    began: float = field(default_factory=time.monotonic)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.killer = Killer(self.site, random.Random(self.seed), lambda: self.tally["answers"])
        self.stop = threading.Event()
        self.burned = 0.0

    def burn(self) -> None:
        """People at work until the last kill has fallen."""
        people = cast(self.site, CLIENTS, EXPERTS)
        self.clients = [
            Client(self.site, people, actor, log_in, random.Random(f"{self.seed}/{number}"), self.stop)
            for number, (actor, log_in) in enumerate(people.leads)
        ]
        threads = [threading.Thread(target=one.run) for one in self.clients]
        for thread in threads:
            thread.start()
        try:
            self.killer.run(self.kills, self._time_passes)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)
        self.burned = time.monotonic() - self.began

    def _time_passes(self, number: int) -> None:
        if number % ROUND in MOVES:
            threading.Thread(target=self._move_clock, args=(MOVES[number % ROUND],), daemon=True).start()

    def _move_clock(self, days: str) -> None:
        try:
            pass_time(self.site, days)
        except AssertionError:
            self.killer.log.append(f"nobody answered to +{days}")  # It passes afterwards all the same.

    def settle(self, *, strictly: bool = True) -> None:
        """A flawed build may never come to rest: then it is judged as it lies."""
        try:
            settle(self.site)
        except AssertionError:
            if strictly:
                raise

    def breaches(self) -> list[Breach]:
        """What does not hold, by both sides' books, the people's answers and the house's own check."""
        seen = books.read(self.site.engine)
        found = [*judge(seen), *answers_hold(seen, [said for one in self.clients for said in one.said])]
        found += [
            Breach("job failed", f"{row['task_name']} {row['args']}") for row in books.jobs(self.site.engine)
        ]
        with self.site.db.reading() as session:
            found += [Breach("ledger check", one.text) for one in ledger.check(session) if not one.shortfall]
        self.states = Counter(row["state"] for row in seen.ours["bookings"])
        self.repeats = sum(max(0, row["tries"] - 1) for row in seen.ours["provider_calls"])
        return found

    @property
    def tally(self) -> Counter[str]:
        return sum((one.tally for one in self.clients), Counter[str]())

    def report(self) -> str:
        """The figures, and every kill by its number."""
        deeds = sum(len(one.said) for one in self.clients)
        whole = time.monotonic() - self.began
        return "\n".join((
            f"build {self.site.build}, seed {self.seed}: {self.kills} kills {dict(self.killer.hit)}",
            f"{self.burned:.0f} s of fire, {whole:.0f} s in all; {deeds} deeds, {self.repeats} calls asked again",
            f"people: {dict(self.tally.most_common())}",
            f"bookings: {dict(self.states)}",
            *self.killer.log,
        ))  # fmt: skip


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_happens_twice(template: tuple[str, str], tmp_path: Path) -> None:
    with databases.own_database(*template) as url, running(url, tmp_path) as site:
        fire = Fire(site, KILLS, SEED)
        fire.burn()
        fire.settle()
        found = fire.breaches()
        print(fire.report())
        faults = [
            f"client {number}: {fault}" for number, one in enumerate(fire.clients) for fault in one.faults
        ]
        assert not faults, "\n".join([*faults, fire.report(), site.logs()])
        assert not found, "\n".join([*map(str, found[:40]), fire.report()])
        assert fire.tally["pay"] >= CLIENTS, fire.report()
