"""What follows from what. WITHIN: functions run now, in the same transaction, in room order; they
never refuse because things moved on. AFTER: names of jobs, deferred with the transaction.

A house test proves that every job named here exists in `jobs/tasks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..domain import events
from .bookings.paying import capture_failed, payment_authorised, payment_captured
from .disputes.chargebacks import chargeback_to_book
from .disputes.settling import dispute_due, dispute_moved
from .moderation import cases
from .offers.publishing import bring_first_offer_back, carry_first_offer
from .queues import booking_moved as queue_slot_moved
from .rescues import open_rescue
from .search import offer_published, offer_taken_down, review_sent, reviews_taken_back

Within = Mapping[type, tuple[Callable[..., None], ...]]

WITHIN: Within = {
    events.PaymentAuthorised: (payment_authorised,),
    events.PaymentCaptured: (payment_captured,),
    events.CaptureFailed: (capture_failed,),
    events.ChargebackToBook: (chargeback_to_book,),
    events.BookingLost: (open_rescue,),
    events.BookingMoved: (dispute_moved, queue_slot_moved),
    events.DisputeDue: (dispute_due,),
    events.ReviewsTakenBack: (reviews_taken_back,),
    events.OfferPublished: (offer_published, cases.offer_published),
    events.OfferTakenDown: (offer_taken_down,),
    events.ApplicationSubmitted: (carry_first_offer, cases.application_submitted),
    events.SubmissionWithdrawn: (bring_first_offer_back, cases.submission_withdrawn),
    events.ReviewSent: (review_sent,),
    events.ProfileSubmitted: (cases.profile_submitted,),
    events.OfferSubmitted: (cases.offer_submitted,),
}

AFTER: Mapping[type, tuple[str, ...]] = {
    events.ProviderCallDue: ("payments.carry_out",),
    events.ProviderEventArrived: ("payments.apply_event",),
    events.BookingMoved: ("letters.booking_moved", "free_days.renew_of_booking", "queues.serve_of_booking"),
    events.CalendarChanged: ("free_days.renew", "queues.serve"),
    events.TimesAsked: ("letters.times_asked",),
    events.TimesClosed: ("letters.times_closed",),
    events.PlaceMoved: ("letters.place_moved",),
    events.BusyCalendarFailing: ("letters.calendar_failing",),
    events.BusyCalendarReadAgain: ("letters.calendar_read_again",),
    events.OfferPublished: ("free_days.renew_of_offer",),
    events.RefundSettled: ("letters.refund_settled",),
    events.TransferMade: ("letters.transfer_made",),
    events.ReviewSent: ("letters.review_sent",),
    events.LinkAsked: ("letters.link",),
    events.AddressKnownAlready: ("letters.address_known",),
    events.SecurityChanged: ("letters.security_changed",),
    events.AddressChanging: ("letters.address_changing",),
    events.AddressChanged: ("letters.address_changed",),
    events.RescueOpened: ("rescues.fill",),
    events.ApplicationSubmitted: ("letters.application_received",),
    events.RestrictionLaid: ("letters.restriction_laid",),
    events.RestrictionLifted: ("letters.restriction_lifted",),
    events.NoticeReceived: ("letters.notice_received",),
    events.ApproverInvited: ("letters.approver_invited",),
    events.EnquiryInvited: ("letters.enquiry_invited",),
    events.EnquiryAnswered: ("letters.enquiry_answered",),
    events.EnquiryClosed: ("letters.enquiry_closed",),
    events.QuestionAsked: ("letters.question_asked",),
    events.QuestionClosed: ("letters.question_closed",),
    events.BooksAlarm: ("letters.books_alarm",),
    events.ChargebackMoved: ("chargebacks.stage", "letters.chargeback_moved"),
}


@dataclass(frozen=True)
class Tables:
    """The two tables, as the database object wants them."""

    within: Within
    after: Mapping[type, tuple[str, ...]]


REACTIONS = Tables(WITHIN, AFTER)
