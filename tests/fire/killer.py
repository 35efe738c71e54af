"""Ends processes of the site by SIGKILL at random instants: which, when and in what order is the seed's."""

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
# Seconds between two kills: some fall into the next one's start.
SHORTEST, LONGEST = 0.1, 2.3


@dataclass
class Killer:
    """`log` says of each kill when it was, whom it hit and by which pid."""

    site: Site
    rng: random.Random
    log: list[str] = field(default_factory=list)
    hit: Counter[str] = field(default_factory=Counter)

    def run(self, kills: int, between: Callable[[int], None]) -> None:
        """So many kills; `between` is told the number of each before it falls."""
        began = time.monotonic()
        for number in range(kills):
            between(number)
            time.sleep(self.rng.uniform(SHORTEST, LONGEST))  # The random instant itself.
            aim = self.rng.choices(list(AIMS), list(AIMS.values()))[0]
            pid = self.once(aim)
            self.hit[aim] += 1
            self.log.append(f"{number + 1}. {aim} {pid} at {time.monotonic() - began:.2f} s")

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
