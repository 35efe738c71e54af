"""A circuit breaker: a provider that does not answer is left alone for a while, so that nobody waits for it.

Without it each page that asks waits for the time-out, three times over, until every thread of the site
does. It counts connections that gave no answer; a refusal and a failure of the provider's own are answers.
One breaker a process: each learns within a few calls, and shares nothing that could itself be away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import stripe

# So many requests without an answer, one after the other; then nobody asks for so long, and then one does.
MOST_UNANSWERED = 6
PAUSE_SECONDS = 5
_SECOND = 1_000_000_000


class Paused(stripe.APIConnectionError):
    """Nothing was sent: the provider has not answered for a while."""

    def __init__(self) -> None:
        super().__init__("The payment provider has not answered for a while.")  # type: ignore[no-untyped-call]


class Breaker:
    """Lets requests through, none while the provider is away, one to see whether it is back. Real time."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._unanswered = 0
        self._again_at = 0

    def may_ask(self) -> bool:
        """Whether to ask now. While the provider is away, the one who may has the pause begin anew."""
        with self._lock:
            if self._unanswered < MOST_UNANSWERED:
                return True
            if self._clock() < self._again_at:
                return False
            self._again_at = self._clock() + PAUSE_SECONDS * _SECOND
            return True

    def answered(self) -> None:
        """It is there."""
        with self._lock:
            self._unanswered = 0

    def unanswered(self) -> None:
        """It gave no answer."""
        with self._lock:
            self._unanswered += 1
            if self._unanswered >= MOST_UNANSWERED:
                self._again_at = self._clock() + PAUSE_SECONDS * _SECOND


class BreakingClient(stripe.RequestsClient):
    """The package's client behind a breaker; every try counts, the package's own repetitions too."""

    def __init__(self, timeout: tuple[int, int], breaker: Breaker | None = None) -> None:
        super().__init__(timeout=timeout)
        self.breaker = breaker or Breaker()

    def request(  # type: ignore[override]  # As the package's own subclass says it.
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request. Raises Paused without sending it, while the provider is away."""
        if not self.breaker.may_ask():
            raise Paused
        try:
            answer = super().request(method, url, headers, post_data)
        except stripe.APIConnectionError:
            self.breaker.unanswered()
            raise
        self.breaker.answered()
        return answer
