"""Refusals of a booking: its moves, approval, disputes, other times, queues."""

from __future__ import annotations

from datetime import datetime

from .base import Refusal


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


class NoTimeToApprove(Refusal):
    """An approver has at least 4 hours (instant offers: 1). Facts: until (aware UTC), least (timedelta)."""


class ApprovalNeeded(Refusal):
    """The company's rule asks an approver before payment opens. Facts: total (minor units)."""


class ApprovalNotAsked(Refusal):
    """The company's rule asks nobody for this total, or it is approved already: payment can open."""


class ApprovalAnswered(Refusal):
    """The approver's answer was given already: it is not taken back. Facts: answer ('approved', 'refused')."""


class NoApprover(Refusal):
    """A rule asks an approver, and nobody but the lead approves for the company yet."""


class ApproverWrong(Refusal):
    """Not somebody who can be invited to approve. Facts: why ('elsewhere', 'self'), domain."""


class ApproverStands(Refusal):
    """One approver a company: the one there is leaves first. Facts: name."""


class ApprovalRuleWrong(Refusal):
    """A rule that is none. Facts: why (kind, amount), most (minor units)."""


class MeetingPlaceMissing(Refusal):
    """Accepting says where: an https link, or an address for a session on site."""


class ReasonMissing(Refusal):
    """This move needs a reason that the other side will read."""


class NothingAsked(Refusal):
    """Changes are asked for, and no field says which."""


class ReviewClosed(Refusal):
    """The review is already sent, not open yet, or its 14 days are over. Facts: why."""


class ReportRefused(Refusal):
    """A report that cannot be made now. Facts: why (early, late, kind, again, share, minutes, words), when, least."""


class EvidenceRefused(Refusal):
    """A file that cannot be kept. Facts: why (kind, size, pixels, broken, many), name, most."""


class BetweenTheSides(Refusal):
    """The two sides have 48 hours first. Facts: until (aware UTC)."""


class RescheduleRefused(Refusal):
    """No other time can be proposed. Facts: why (open, three, same), by (the side whose proposal is open)."""


class RescheduleOver(Refusal):
    """A proposal of another time no longer stands. Facts: state (accepted, refused, withdrawn, closed, over)."""


class QueueRefused(Refusal):
    """A place or times to ask for, refused. Facts: why (domain/queues.py names each), limit, days, nearest, booking, at,
    earliest."""
