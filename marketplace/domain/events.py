"""Events: what happened, past tense, carrying ids only (docs/architecture.md, rule 1).

`services/reactions.py` says what follows from each: functions in the same transaction (WITHIN),
jobs deferred with it (AFTER). A job gets `as_arguments()`.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field

from .ids import new_id


class Event:
    """Base of all events."""

    def as_arguments(self) -> dict[str, str]:
        """The ids as JSON, for a job's arguments."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}  # type: ignore[call-overload]


@dataclass(frozen=True)
class ProviderCallDue(Event):
    """An intent was written; somebody has to carry it out after the commit."""

    call_id: uuid.UUID


@dataclass(frozen=True)
class ProviderEventArrived(Event):
    """A provider's event lies in the inbox."""

    inbox_id: uuid.UUID


@dataclass(frozen=True)
class PaymentAuthorised(Event):
    """The money is reserved, not taken."""

    payment_id: uuid.UUID


@dataclass(frozen=True)
class PaymentCaptured(Event):
    """The money is with the provider, for us."""

    payment_id: uuid.UUID


@dataclass(frozen=True)
class CaptureFailed(Event):
    """The authorised money could not be taken."""

    payment_id: uuid.UUID


@dataclass(frozen=True)
class RefundSettled(Event):
    """A refund arrived, or failed for good."""

    refund_id: uuid.UUID


@dataclass(frozen=True)
class TransferMade(Event):
    """The expert's share left for their account."""

    transfer_id: uuid.UUID


@dataclass(frozen=True)
class BookingMoved(Event):
    """A booking made a move; the history row says which."""

    booking_id: uuid.UUID
    move_id: uuid.UUID


@dataclass(frozen=True)
class BookingLost(Event):
    """The expert declined, did not answer, or called off: the buyer still has their problem."""

    booking_id: uuid.UUID


@dataclass(frozen=True)
class RescueOpened(Event):
    """A booking failed for the buyer; others may take the same brief."""

    rescue_id: uuid.UUID


@dataclass(frozen=True)
class CalendarChanged(Event):
    """An expert's hours, exceptions or limits changed; free days are worked out anew."""

    expert_id: uuid.UUID


@dataclass(frozen=True)
class BusyCalendarFailing(Event):
    """A busy calendar cannot be read from now on; its expert is told at once."""

    calendar_id: uuid.UUID


@dataclass(frozen=True)
class BusyCalendarReadAgain(Event):
    """A busy calendar that could not be read can again."""

    calendar_id: uuid.UUID


@dataclass(frozen=True)
class OfferPublished(Event):
    """A version went live; search makes its row anew."""

    offer_id: uuid.UUID


@dataclass(frozen=True)
class OfferTakenDown(Event):
    """An offer is no longer shown: closed, hidden, or its publication taken back; search drops its row."""

    offer_id: uuid.UUID


@dataclass(frozen=True)
class ApplicationSubmitted(Event):
    """Somebody asks to be admitted as an expert; a case opens. Their first offer goes with it."""

    expert_id: uuid.UUID


@dataclass(frozen=True)
class ProfileSubmitted(Event):
    """An admitted expert changed what stands about them; a case opens."""

    expert_id: uuid.UUID


@dataclass(frozen=True)
class OfferSubmitted(Event):
    """A new offer, or a change to a live one, asks to be published; a case opens."""

    offer_id: uuid.UUID


@dataclass(frozen=True)
class SubmissionWithdrawn(Event):
    """What was submitted was taken back by its author; its open case closes."""

    expert_id: uuid.UUID
    # None: the application or the profile.
    offer_id: uuid.UUID | None


@dataclass(frozen=True)
class RestrictionLaid(Event):
    """Something was hidden or somebody suspended; the person concerned is told with the reasons."""

    restriction_id: uuid.UUID


@dataclass(frozen=True)
class RestrictionLifted(Event):
    """What was hidden stands again, or somebody is no longer suspended; the person is told."""

    restriction_id: uuid.UUID


@dataclass(frozen=True)
class NoticeReceived(Event):
    """Somebody reported a text; who left an address gets a receipt at once."""

    notice_id: uuid.UUID


@dataclass(frozen=True)
class AddressChanging(Event):
    """A person asked for another address: the new one gets the link, the old one is told."""

    person_id: uuid.UUID
    link_id: uuid.UUID


@dataclass(frozen=True)
class AddressChanged(Event):
    """The new address is proven: both are told. The link's id leads to the old one."""

    person_id: uuid.UUID
    link_id: uuid.UUID


@dataclass(frozen=True)
class SecurityChanged(Event):
    """Password, second factor or standing changed; the person is told by mail. `what` names it as the trail does."""

    person_id: uuid.UUID
    what: str
    # Two changes of a kind are two letters; one change told twice is one.
    change_id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class ReviewSent(Event):
    """A side sent its review."""

    review_id: uuid.UUID


@dataclass(frozen=True)
class LinkAsked(Event):
    """A person needs a link by mail. The letter's job makes the token, so no queue row ever holds it."""

    person_id: uuid.UUID
    purpose: str


@dataclass(frozen=True)
class AddressKnownAlready(Event):
    """Somebody signed up with an address that has an account; its owner is told by mail."""

    person_id: uuid.UUID


@dataclass(frozen=True)
class QuestionAsked(Event):
    """A project lead asked an expert something before booking."""

    question_id: uuid.UUID


@dataclass(frozen=True)
class QuestionClosed(Event):
    """A question was answered, passed on to another offer, or ran out; the row says which."""

    question_id: uuid.UUID


@dataclass(frozen=True)
class EnquiryInvited(Event):
    """A lead invited an expert to their enquiry."""

    invitation_id: uuid.UUID


@dataclass(frozen=True)
class EnquiryAnswered(Event):
    """An expert proposed a session for an enquiry."""

    proposal_id: uuid.UUID


@dataclass(frozen=True)
class EnquiryClosed(Event):
    """An enquiry was taken, withdrawn, or its 30 days passed; the row says which."""

    enquiry_id: uuid.UUID


@dataclass(frozen=True)
class DisputeDue(Event):
    """The clock looks at a booking whose dispute waits for an instant."""

    booking_id: uuid.UUID


@dataclass(frozen=True)
class ReviewsTakenBack(Event):
    """Reviews of a session that will be held anew no longer count for the offer."""

    offer_id: uuid.UUID


@dataclass(frozen=True)
class ApproverInvited(Event):
    """A company's administrator invites its approver. The letter's job makes the token."""

    invitation_id: uuid.UUID


@dataclass(frozen=True)
class TimesAsked(Event):
    """No slot suited: a lead proposes three times to an expert."""

    times_id: uuid.UUID


@dataclass(frozen=True)
class TimesClosed(Event):
    """One of the times was taken, or none: declined, withdrawn, or nobody answered; the row says which."""

    times_id: uuid.UUID


@dataclass(frozen=True)
class PlaceMoved(Event):
    """Somebody who waits was given a slot, or their place is over; the row says which."""

    place_id: uuid.UUID
    # A place may be given a slot and end later: two letters.
    state: str


@dataclass(frozen=True)
class BooksAlarm(Event):
    """A check of the books found something that stops money, and that did not stand at the one before."""

    check_id: uuid.UUID


@dataclass(frozen=True)
class ChargebackMoved(Event):
    """The payer's bank contests a payment, or has come further with it. One a state: two states, two letters."""

    chargeback_id: uuid.UUID
    state: str


@dataclass(frozen=True)
class ChargebackToBook(Event):
    """A chargeback is lost, and nothing stands in the way of booking it."""

    chargeback_id: uuid.UUID
