"""Ends processes of the site by SIGKILL at random instants: which, and after how much work, is the seed's."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fire.site import Site

# A process of gunicorn's own, the web whole, the worker, the provider.
AIMS = {"web worker": 3, "web": 1, "worker": 4, "sandbox": 3}
# Between two kills people get so many answers; every fifth falls at once, into the start of what fell before.
FEWEST, MOST, AT_ONCE = 2, 22, 0.2
# A machine that is busy with other things answers late: then it falls all the same.
LONGEST = 8.0
# The instant itself, in seconds after the answer.
WITHIN = 0.25


@dataclass
class Killer:
    """`log` says of each kill when it was, whom it hit and by which pid; `answers` counts what people got."""

    site: Site
    rng: random.Random
    answers: Callable[[], int]
    log: list[str] = field(default_factory=list)
    hit: Counter[str] = field(default_factory=Counter)

    def run(self, kills: int, between: Callable[[int], None]) -> None:
        """So many kills; `between` is told the number of each before it falls."""
        began = time.monotonic()
        for number in range(kills):
            between(number)
            self._wait()
            aim = self.rng.choices(list(AIMS), list(AIMS.values()))[0]
            pid = self.once(aim)
            self.hit[aim] += 1
            self.log.append(f"{number + 1}. {aim} {pid} at {time.monotonic() - began:.2f} s")

    def _wait(self) -> None:
        wanted, ends = self.rng.randint(FEWEST, MOST), time.monotonic() + LONGEST
        if self.rng.random() >= AT_ONCE:
            wanted += self.answers()
            while self.answers() < wanted and time.monotonic() < ends:
                time.sleep(0.02)
        time.sleep(self.rng.uniform(0, WITHIN))

    def once(self, aim: str) -> int:
        """Kill it; what fell is up again by us, as the supervisor would (gunicorn's children by gunicorn)."""
        if aim != "web worker":
            return self.site.kill(aim)
        workers = self.site.web_workers()
        if not workers:
            return self.site.kill("web")
        pid = self.rng.choice(workers)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # Gone already.
        return pid
