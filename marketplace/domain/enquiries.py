"""Enquiries: a problem published to experts when no offer fits; what may be asked, answered, and until when.

Title and summary may be read by every expert, the details by those invited (booking-process.md, Words).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .errors import PriceRefused, ProposalIncomplete, TooManyEnquiries, TooManyInvited
from .offers import LEAST_PRICE, MOST_PRICE

LONGEST_TITLE = 120
LONGEST_SUMMARY = 600
LONGEST_DETAILS = 4000
LONGEST_WORDS = 600
OPEN_FOR = timedelta(days=30)
MOST_OPEN = 3
MOST_INVITED = 8
LEAST_SLOTS, MOST_SLOTS = 2, 3
# Experts whose offers come closest: told of it in their daily mail, the first eight proposed to the lead.
MOST_FITTING = 20
STATES = ("open", "taken", "withdrawn", "over")


def open_until(published_at: datetime) -> datetime:
    """30 days."""
    return published_at + OPEN_FOR


def refuse_too_many_enquiries(open_of_person: int) -> None:
    """Three open a person, before the new one. Raises TooManyEnquiries."""
    if open_of_person >= MOST_OPEN:
        raise TooManyEnquiries(limit=MOST_OPEN)


def refuse_too_many_invited(invited: int, more: int) -> None:
    """Eight an enquiry in all. Raises TooManyInvited."""
    if invited + more > MOST_INVITED:
        raise TooManyInvited(limit=MOST_INVITED)


def check_price(price_minor: int) -> int:
    """The price of a proposal, without VAT. Raises PriceRefused."""
    if not LEAST_PRICE <= price_minor <= MOST_PRICE:
        raise PriceRefused(least=LEAST_PRICE, most=MOST_PRICE)
    return price_minor


def proposed_starts(starts: Sequence[datetime]) -> list[datetime]:
    """Two or three different starts, in order. Raises ProposalIncomplete."""
    different = sorted(set(starts))
    if not LEAST_SLOTS <= len(different) <= MOST_SLOTS:
        raise ProposalIncomplete(missing="slots")
    return different
