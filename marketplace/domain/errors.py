"""Refusals: each has a name, and facts from which the guests' floor makes a sentence.

`web/refusals.py` holds the sentence of each, in both languages; a house test proves that none
is missing. A refusal changes nothing: raising it out of a transaction rolls that back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any


class Refusal(Exception):
    """Something the rules say no to. `facts` are what the sentence about it needs."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(type(self).__name__, facts)
        self.facts = facts


class NotFound(Refusal):
    """No such thing, or not for you: the two look the same (rule 8: a 404)."""


class CurrencyMismatch(Refusal):
    """Two currencies met in one sum; or one the platform does not settle in."""

    def __init__(self, ours: str, theirs: str) -> None:
        super().__init__(ours=ours, theirs=theirs)


class MoveNotOpen(Refusal):
    """The booking's state does not hold this move. Facts: state, move, open (moves open to the caller)."""

    def __init__(self, state: str, move: str, open_moves: tuple[str, ...] = ()) -> None:
        super().__init__(state=state, move=move, open=open_moves)


class TooLate(Refusal):
    """A deadline has passed. Facts: deadline (aware UTC)."""

    def __init__(self, deadline: datetime) -> None:
        super().__init__(deadline=deadline)


class SlotTaken(Refusal):
    """Somebody else has the slot. Facts: nearest, up to three free slots (start, end)."""


class SlotNotOffered(Refusal):
    """The time is not one the expert offers (outside hours, off the grid, inside the notice)."""


class TooManyHolds(Refusal):
    """At most two holds a person and five a company. Facts: limit, whose ('person' or 'company')."""


class OwnOffer(Refusal):
    """Nobody books themselves, nor somebody of their own company (same mail domain)."""


class NotBookable(Refusal):
    """The expert cannot be paid yet, is suspended, or the offer is no longer live."""


class NoMoreExtensions(Refusal):
    """A hold is extended twice at most, and not once approved."""


class BriefIncomplete(Refusal):
    """Payment opens once the brief is complete. Facts: missing (part names)."""


class BriefSavedElsewhere(Refusal):
    """Another window saved the brief meanwhile; nothing is overwritten. Facts: revision (the newer one)."""


class TermsNotAccepted(Refusal):
    """Charter, confidentiality or terms are not accepted. Facts: missing (document names)."""


class BillingMissing(Refusal):
    """The company's legal name, address or VAT number is not given. Facts: missing."""


class PaymentWindowClosed(Refusal):
    """Payment opens only while 35 minutes remain to the last instant. Facts: last (aware UTC)."""


class NoTimeToApprove(Refusal):
    """An approver has at least 4 hours (instant offers: 1). Facts: until (aware UTC), least (timedelta)."""


class PlatformNotReady(Refusal):
    """The platform may not take new payments now (payout schedule not manual)."""


class RefundTooLarge(Refusal):
    """More than is left of what was captured. Facts: asked, left (minor units)."""


class RefundChanged(Refusal):
    """A step of the refund rule passed since the page was shown. Facts: shown, now (minor units)."""


class MeetingPlaceMissing(Refusal):
    """Accepting says where: an https link, or an address for a session on site."""


class ReasonMissing(Refusal):
    """This move needs a reason that the other side will read."""


class ReviewClosed(Refusal):
    """The review is already sent, not open yet, or its 14 days are over. Facts: why."""


class ProviderBusy(Refusal):
    """The payment provider does not answer just now; nothing was lost, try again."""


class EmailTaken(Refusal):
    """The address has an account already (told by mail alone, never on the page)."""


class FreeMailAddress(Refusal):
    """Buyers sign up with their company's address. Facts: domain."""


class LinkSpent(Refusal):
    """A mailed link that was used, ran out, or never was."""


class TooManyTries(Refusal):
    """Slow down. Facts: until (aware UTC, real time)."""


class WrongCredentials(Refusal):
    """Address and password do not go together."""


class WeakPassword(Refusal):
    """Too short, too common, or made of the person's own name. Facts: why."""


class DataFileWrong(Refusal):
    """A data file's line does not hold. Facts: problems, a list of (file, line, field, what)."""


class TextRefused(Refusal):
    """A text with characters nobody types, or too long. Facts: why (nul, surrogate, control, too_long), most."""


class AccountSuspended(Refusal):
    """The account is suspended; said only to whoever gave the right password."""


class VatNumberWrong(Refusal):
    """Not a number of that country. Facts: why (short, long, other, form, key), country, prefix, needed, missing."""
