"""Letters: one function an event. Each is run by a job after the commit that announced the event.

A letter is rendered and written in one transaction, under a token of event, subject and person, so
that it exists once however often its job runs; `send` hands it to the mail server afterwards.
"""

from .account import address_changed, address_changing, address_known, link
from .approving import approver_invited
from .asking import question_asked, question_closed
from .books import books_alarm
from .calendar_files import feed_file, invitation_for
from .calendars import calendar_failing, calendar_read_again
from .chargebacks import chargeback_moved, remind_of_chargebacks
from .daily import mail_token, mails_off, news_today, unsubscribe
from .decisions import (
    application_received,
    notice_received,
    restriction_laid,
    restriction_lifted,
    tell_decided,
)
from .enquiring import enquiry_answered, enquiry_closed, enquiry_invited
from .following import refund_settled, review_sent, reviews_visible, transfer_made
from .moves import booking_moved
from .queueing import place_moved, times_asked, times_closed
from .reading import LetterPage, letter, letters
from .reminding import remind
from .security import security_changed
from .sending import send
from .stationery import Stationery

__all__ = [
    "LetterPage",
    "Stationery",
    "address_changed",
    "address_changing",
    "address_known",
    "application_received",
    "approver_invited",
    "booking_moved",
    "books_alarm",
    "calendar_failing",
    "calendar_read_again",
    "chargeback_moved",
    "enquiry_answered",
    "enquiry_closed",
    "enquiry_invited",
    "feed_file",
    "invitation_for",
    "letter",
    "letters",
    "link",
    "mail_token",
    "mails_off",
    "news_today",
    "notice_received",
    "place_moved",
    "question_asked",
    "question_closed",
    "refund_settled",
    "remind",
    "remind_of_chargebacks",
    "restriction_laid",
    "restriction_lifted",
    "review_sent",
    "reviews_visible",
    "security_changed",
    "send",
    "tell_decided",
    "times_asked",
    "times_closed",
    "transfer_made",
    "unsubscribe",
]
