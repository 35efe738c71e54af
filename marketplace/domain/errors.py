"""Refusals: each has a name, and facts from which `web/refusals` makes a sentence; a house test misses none.

A refusal changes nothing: raising it out of a transaction rolls that back."""

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


class NoTerms(Refusal):
    """The company pays by card: no terms were granted to it."""


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


class NothingAsked(Refusal):
    """Changes are asked for, and no field says which."""


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


class ExpertNotAdmitted(Refusal):
    """Only an admitted expert whom nobody suspended submits an offer. Facts: status."""


class DraftIncomplete(Refusal):
    """Still to write before it can be submitted. Facts: missing (field or step names)."""


class DraftSavedElsewhere(Refusal):
    """Another window saved it meanwhile; nothing is overwritten. Facts: revision (the newer one)."""


class DraftSubmitted(Refusal):
    """It is with the operators: taken back first, then changed."""


class DraftUnchanged(Refusal):
    """It says what is published already: there is nothing to submit."""


class PriceRefused(Refusal):
    """A price outside what the platform takes. Facts: least, most (minor units)."""


class StandingMissing(Refusal):
    """An instant offer needs the standing acceptance and a place to meet. Facts: missing."""


class OfferNotClosed(Refusal):
    """What is live is closed first; what is hidden is restored by operators alone. Facts: status."""


class HoursRefused(Refusal):
    """Weekly or dated hours that cannot be kept. Facts: row and why of the first problem, problems: all of them.
    why: too_many, overlap, empty, grid (no time), date, past, far, twice, order, number, zone."""


class BusyCalendarRefused(Refusal):
    """A busy calendar that is not taken up. Facts: why (name_missing, too_many, or one of those of
    `gateways.calendars.CalendarUnread`), most, status, kind."""


class HolidaysUnknown(Refusal):
    """A country or region whose public holidays nobody knows."""


class PhotoRefused(Refusal):
    """Not a photograph we can read. Facts: why (kind, size, pixels, broken), most."""


class AnswerRefused(Refusal):
    """An answer of the profile that cannot stand. Facts: why (missing, too_short, too_many_words, address, ground,
    no_vat_there), least, most, given."""


class RegistrationWrong(Refusal):
    """Not a number of that country's register. Facts: country, why."""


class CountryNotServed(Refusal):
    """The payment provider opens no account there. Facts: country."""


class CaseDecided(Refusal):
    """Another operator decided meanwhile, or it was withdrawn. Facts: decision, by."""


class CaseChanged(Refusal):
    """What was shown is not what stands there now: look again. Facts: revision."""


class OwnCase(Refusal):
    """Nobody decides on themselves, nor on what is theirs."""


class UndoOver(Refusal):
    """It can no longer be taken back. Facts: why (time, booked, changed, told)."""


class FactorWrong(Refusal):
    """The code is not right, or was used already."""


class FactorTaken(Refusal):
    """A second factor stands already, and this log-in has not proved it."""


class FactorNeeded(Refusal):
    """An operator keeps a second factor: replaced, never taken away."""


class AddressOfAnotherCompany(Refusal):
    """Who buys for a company keeps an address of its domain. Facts: domain."""


class SameAddress(Refusal):
    """It is the address the account has."""


class OperatorExists(Refusal):
    """The first operator is made once; the others by operators."""


class LastOperator(Refusal):
    """Somebody has to keep the house: the last operator stays one."""


class AlreadyRestricted(Refusal):
    """It is hidden or suspended already, or not any more. Facts: kind."""


class ShortlistFull(Refusal):
    """A shortlist is short. Facts: most."""


class SavedSearchesFull(Refusal):
    """A person keeps so many searches. Facts: most."""


class SynonymsWrong(Refusal):
    """A group of synonyms that is none. Facts: why (few, many, long, empty), term, most."""


class SearchTooSlow(Refusal):
    """The records would have taken too long over this one question; nothing is wrong with them."""


class QuestionIncomplete(Refusal):
    """Something is missing in a question or in its answer. Facts: missing (summary, asked, verdict, words)."""


class TooManyQuestions(Refusal):
    """Three open a person, so many an expert within a week. Facts: limit, whose ('person' or 'expert')."""


class QuestionsPaused(Refusal):
    """The expert takes no questions just now."""


class QuestionOver(Refusal):
    """It is answered already, or its 48 hours are over. Facts: state."""


class NamedOfferWrong(Refusal):
    """ "Not me, but …" names another live offer of somebody who can be booked."""


class TooManyEnquiries(Refusal):
    """Three open a person. Facts: limit."""


class TooManyInvited(Refusal):
    """Eight experts an enquiry. Facts: limit."""


class EnquiryIncomplete(Refusal):
    """Something is missing in an enquiry. Facts: missing (title, summary)."""


class ProposalIncomplete(Refusal):
    """Something is missing in an answer to an enquiry. Facts: missing (offer, slots)."""


class ProposalMade(Refusal):
    """An expert answers an enquiry once."""


class EnquiryOver(Refusal):
    """It was taken, withdrawn, or its 30 days are over. Facts: state."""


class ProposalOver(Refusal):
    """The expert has changed the offer since: what they said yes to is no longer that. Ask them again."""


class ReportRefused(Refusal):
    """A report that cannot be made now. Facts: why (early, late, kind, again, share, minutes, words), when, least."""


class EvidenceRefused(Refusal):
    """A file that cannot be kept. Facts: why (kind, size, pixels, broken, many), name, most."""


class BetweenTheSides(Refusal):
    """The two sides have 48 hours first. Facts: until (aware UTC)."""


class SameOperator(Refusal):
    """Another operator is needed: four eyes, or an appeal. Facts: waiting (a proposal of somebody's waits)."""


class RepaymentRefused(Refusal):
    """A refund that failed cannot be noted as paid. Facts: why (reference, waiting, paid, gone)."""


class RescheduleRefused(Refusal):
    """No other time can be proposed. Facts: why (open, three, same), by (the side whose proposal is open)."""


class RescheduleOver(Refusal):
    """A proposal of another time no longer stands. Facts: state (accepted, refused, withdrawn, closed, over)."""


class QueueRefused(Refusal):
    """A place or times to ask for, refused. Facts: why (domain/queues.py names each), limit, days, nearest, at, earliest."""


class MonthRefused(Refusal):
    """A month of the books that cannot be closed. Facts: why (open, order, stopped), month."""


class PlatformPayoutRefused(Refusal):
    """No payout to our bank now. Facts: why (stopped, short, schedule, waiting, too_much, nothing, gone, changed),
    most (minor units), asked."""


class VatPaymentRefused(Refusal):
    """VAT that cannot be noted as paid. Facts: why (not_closed, nothing, reference, day), month."""


class ChargebackRefused(Refusal):
    """A chargeback cannot be answered or booked so. Facts: why (sent, over, late, empty, changed, choice, booked)."""
