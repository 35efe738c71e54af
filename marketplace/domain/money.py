"""Money: integer minor units and a currency (docs/architecture.md, rule 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import CurrencyMismatch

EUR = "EUR"


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units (cents) of one currency. Mixing currencies raises."""

    minor: int
    currency: str = EUR

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("minor units are whole numbers")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise TypeError("only money adds to money")
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor


def part(minor: int, numerator: int, denominator: int, *, up: bool = False) -> int:
    """`minor × numerator ÷ denominator` in whole minor units, rounded down, or up on demand."""
    if up:
        return -((-minor * numerator) // denominator)
    return minor * numerator // denominator


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` minor units by `weights`; the parts always add up to the total.

    The remainder goes, cent by cent, to the parts that rounding cut most (largest remainder),
    the earlier one first. Weights are not negative; all zero with a total to split raises.
    """
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError("nothing to split by")
        return [0 for _ in weights]
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
