"""Chargebacks: what a dispute at the payer's bank freezes, when it is answered, and how a lost one is booked.

Source: payments.md, "dispute opened / won" and "dispute lost"; booking-process.md, row `chargeback lost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .money import split
from .pricing import Quote
from .refunds import refund_amount


class BookedAs(StrEnum):
    """What a lost chargeback is to the books: the buyer's money back, or our loss."""

    REFUND = "refund"
    LOSS = "loss"


# As the provider's word may follow one another. What ranks lower is an older word, read late.
RANK = {
    "inquiry": 0, "inquiry_closed": 1, "open": 2, "review": 3, "prevented": 4, "won": 4, "lost": 4,
}  # fmt: skip
UNDER_WAY = frozenset({"inquiry", "open", "review"})
# Evidence may still be sent.
ANSWERABLE = frozenset({"inquiry", "open"})
OVER = frozenset({"inquiry_closed", "prevented", "won", "lost"})
# "At the latest a day before the deadline", and an hour for a provider that does not answer at once.
SEND_BEFORE = timedelta(hours=25)
# Operators hear once more that nothing was sent, while they can still do better than the clock.
REMIND_BEFORE = timedelta(hours=49)


def is_newer(before: str, seen: str) -> bool:
    """Whether the provider's word moves it on; an older word, read late, does not."""
    return RANK[seen] > RANK[before]


def freezes(state: str, *, to_book: bool) -> bool:
    """Whether it freezes its payment: while the bank has not decided, and until a loss is in the books."""
    return state in UNDER_WAY or to_book


def send_at(evidence_due: datetime | None) -> datetime | None:
    """When the clock sends what is staged; None: the provider names no deadline, and only operators send."""
    return None if evidence_due is None else evidence_due - SEND_BEFORE


def may_send(state: str, *, submitted: bool, evidence_due: datetime | None, now: datetime) -> bool:
    """Whether evidence can be sent: once, while it is asked for, before the deadline."""
    return state in ANSWERABLE and not submitted and (evidence_due is None or now < evidence_due)


@dataclass(frozen=True)
class Loss:
    """How the part of a lost chargeback that no waiting refund covers is booked, minor units.

    `lines`: as a refund of these parts of the quote; `loss_minor`: what we bear.
    """

    lines: Mapping[str, int]
    loss_minor: int

    @property
    def refunded_minor(self) -> int:
        """The sum of the lines."""
        return sum(self.lines.values())


def loss_of(quote: Quote, minor: int, *, gone: Mapping[str, int], room: int, booked_as: BookedAs) -> Loss:
    """Split a lost amount (minor units) into a refund and a loss.

    "Session not held, as a refund, as far as anything is left to refund, beyond that dispute_losses; held,
    dispute_losses." `gone`: what of each line is decided to go back; `room`: what the cap on refunds leaves.
    """
    left = sum(line - gone.get(name, 0) for name, line in quote.lines.items())
    back = 0 if booked_as is BookedAs.LOSS else max(0, min(minor, left, room))
    if not back:
        return Loss({}, minor)
    return Loss(refund_amount(quote, back, gone).lines, minor - back)


def rest_of(quote: Quote, gone: Mapping[str, int]) -> dict[str, int]:
    """What of each line has not gone back: sent to the buyer when a lost chargeback cancels a booking."""
    return {name: line - gone.get(name, 0) for name, line in quote.lines.items()}


def taken_by_losses(
    lines: Mapping[str, int], *, room: int, lost: int
) -> tuple[dict[str, int], dict[str, int]]:
    """(what is sent, what a lost chargeback has taken already) of a refund decided after it, line by line.

    "All of it counts in the cap on refunds; what stands in dispute_losses does not count in a decided
    share": what the cap has no room for is the part the bank took, as far as that stands in losses.
    """
    amount = sum(lines.values())
    over = min(max(0, amount - room), lost)
    taken = (
        dict(zip(lines, split(over, list(lines.values())), strict=True)) if over else dict.fromkeys(lines, 0)
    )
    return {name: minor - taken[name] for name, minor in lines.items()}, taken
