"""What a refusal is."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """Something the rules say no to. `facts` are what the sentence about it needs."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(type(self).__name__, facts)
        self.facts = facts


class NotFound(Refusal):
    """No such thing, or not for you: the two look the same (rule 8: a 404)."""
