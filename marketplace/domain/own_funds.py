"""What of the balance at the provider is the platform's own (payments.md, "Platform payouts are manual")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Owed:
    """What the balance has to cover, minor units: held for bookings, owed to experts and to buyers, VAT."""

    held: int = 0
    payable: int = 0
    owed: int = 0
    vat: int = 0

    @property
    def minor(self) -> int:
        """All of it."""
        return self.held + self.payable + self.owed + self.vat

    def less(self, other: Owed) -> Owed:
        """Without what stands in another."""
        return Owed(
            self.held - other.held, self.payable - other.payable, self.owed - other.owed, self.vat - other.vat
        )


def uncovered(owed: Owed, arrived: int) -> Owed:
    """What of one booking's sums counts for nothing yet, because the company has not paid it.

    `arrived`: what came in for it and is still there (minor units). That is kept for others first: for
    the session, the expert, the buyer, then for the tax office.
    """
    left, counted = max(0, arrived), []
    for minor in (owed.held, owed.payable, owed.owed, owed.vat):
        counted.append(min(max(0, minor), left))
        left -= counted[-1]
    return owed.less(Owed(*counted))


@dataclass(frozen=True)
class OwnFunds:
    """`own_funds` with every term of the sum, minor units. What is under way to our bank is still in the balance."""

    available: int
    cover: Owed
    under_way: int = 0

    @property
    def minor(self) -> int:
        """What may leave for our bank, or be spent early; below zero where others' money is not covered."""
        return self.available - self.under_way - self.cover.minor


def own_funds(
    available: int, everything: Owed, unpaid: Iterable[tuple[Owed, int]], *, under_way: int = 0
) -> OwnFunds:
    """available balance − held − payable − buyer:owed − VAT of the open month, over bookings whose money
    has come in.

    `everything` is the sum over all bookings, `unpaid` (sums, what arrived) of each that a company on terms
    has not paid whole. VAT the tax office owes us (more went back than came) is in no balance: it counts 0.
    """
    cover = everything
    for owed, arrived in unpaid:
        cover = cover.less(uncovered(owed, arrived))
    cover = Owed(cover.held, cover.payable, cover.owed, max(0, cover.vat))
    return OwnFunds(available, cover, under_way)
