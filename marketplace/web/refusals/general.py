"""Refusals around bookings, money and accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.amounts import money
from ..formats.places import country_name, listed, zone_hour
from ..formats.times import clock_time, duration, moment
from ..formats.words import attribute
from ..language import current_zone_name

Facts = Mapping[str, Any]


def _not_found(facts: Facts) -> str:
    return _("This page does not exist, or is not open to you.")


def _move_not_open(facts: Facts) -> str:
    sentences: dict[str, str] = {
        "held": _("The request has not been sent yet: this comes later."),
        "awaiting_approval": _("Your company has to approve first."),
        "requested": _("The expert has not answered yet: this comes later."),
        "accepted": _("The payment is under way: this comes as soon as it is done."),
        "confirmed": _("The session is confirmed: this can no longer be done, or not yet."),
        "delivered": _("The session has taken place: this can no longer be done."),
        "completed": _("This booking is completed: nothing about it changes any more."),
        "disputed": _("A problem was reported: an operator decides first."),
        "resolved": _("Operators have decided: this can no longer be done."),
        "settled": _("This booking is settled: nothing about it changes any more."),
        "cancelled": _("This booking is cancelled: nothing about it changes any more."),
        "declined": _("The expert has declined: this booking is over."),
        "expired": _("The time to answer is over, and with it this booking."),
        "refused": _("Your company has refused: this booking is over."),
        "lapsed": _("The slot was let go: choose one anew."),
    }
    return sentences.get(
        facts.get("state", ""), _("This can no longer be done: the booking has moved on meanwhile.")
    )


def _too_late(facts: Facts) -> str:
    return _("Too late: this was open until %(when)s.", when=_when(facts["deadline"]))


def _slot_taken(facts: Facts) -> str:
    nearest = len(facts.get("nearest") or ())
    if not nearest:
        return _("This slot has just been taken.")
    return ngettext(
        "This slot has just been taken. Another one is near.",
        "This slot has just been taken. %(num)d others are near.",
        nearest,
    )


def _slot_not_offered(facts: Facts) -> str:
    return _("This slot is not offered: choose one of those shown.")


def _reschedule(facts: Facts) -> str:
    return {
        "open": _("Another time is proposed already: it is answered or withdrawn first."),
        "three": _(
            "Another time was proposed three times already: no more can be proposed for this booking."
        ),
        "same": _("That is the time it has: choose another one."),
    }[facts["why"]]


def _reschedule_over(facts: Facts) -> str:
    return {
        "accepted": _("This proposal was accepted already."),
        "refused": _("This proposal was refused already."),
        "withdrawn": _("This proposal was withdrawn meanwhile: the old time stands."),
        "over": _("The time to answer this proposal is over: the old time stands."),
    }.get(facts["state"], _("This proposal is closed: the booking has moved on meanwhile."))


def _too_many_holds(facts: Facts) -> str:
    if facts.get("whose") == "company":
        return ngettext(
            "Your company already holds %(num)d slot: pay for it or let it go first.",
            "Your company already holds %(num)d slots: pay for one or let one go first.",
            facts["limit"],
        )
    return ngettext(
        "You already hold %(num)d slot: pay for it or let it go first.",
        "You already hold %(num)d slots: pay for one or let one go first.",
        facts["limit"],
    )


def _brief_incomplete(facts: Facts) -> str:
    names = {
        "subject": _("the problem in a sentence"),
        "context": _("the context"),
        "decision": _("the decision to take"),
        "attendees": _("who attends"),
        "questions": _("the expert’s questions"),
        "confidentiality": _("confidentiality"),
    }
    return _("Still to write before you can pay: %(parts)s.", parts=_names(facts.get("missing"), names))


def _terms(facts: Facts) -> str:
    names = {
        "charter": _("the charter"),
        "confidentiality": _("confidentiality"),
        "terms": _("the terms"),
        "conflict": _("the declaration that nothing conflicts"),
    }
    return _("Still to accept: %(documents)s.", documents=_names(facts.get("missing"), names))


def _billing(facts: Facts) -> str:
    names = {
        "legal_name": _("the legal name"),
        "street": _("the street and number"),
        "postcode": _("the postcode"),
        "city": _("the city"),
        "country": _("the country, by its two letters"),
        "vat_number": _("the VAT number"),
    }
    return _("Still to give, for the receipt: %(fields)s.", fields=_names(facts.get("missing"), names))


def _vat(facts: Facts) -> str:
    country = country_name(facts["country"])
    why, missing, needed = facts["why"], facts.get("missing", 0), facts.get("needed", 0)
    several = facts.get("least") != facts.get("needed")
    if why in ("short", "long") and several:
        return _(
            "A VAT number of this country (%(country)s) has %(least)d to %(needed)d characters after %(prefix)s.",
            country=country, least=facts["least"], needed=needed, prefix=facts["prefix"],
        )  # fmt: skip
    if why == "short":
        return ngettext(
            "One character is missing: a VAT number of this country (%(country)s) has %(needed)d after %(prefix)s.",
            "%(num)d characters are missing: a VAT number of this country (%(country)s) has %(needed)d after %(prefix)s.",
            missing, country=country, needed=needed, prefix=facts["prefix"],
        )  # fmt: skip
    if why == "long":
        return ngettext(
            "There is one character too many: a VAT number of this country (%(country)s) has %(needed)d after %(prefix)s.",
            "There are %(num)d characters too many: a VAT number of this country (%(country)s) has %(needed)d after %(prefix)s.",
            missing, country=country, needed=needed, prefix=facts["prefix"],
        )  # fmt: skip
    if why == "other":
        return _(
            "This VAT number is of another country (%(other)s) than the address (%(country)s).",
            other=country_name(facts["other"]), country=country,
        )  # fmt: skip
    if why == "key":
        return _(
            "A digit of this VAT number is wrong: its check digits do not fit the rest. Compare it with an invoice."
        )
    return _("This is not how a VAT number of this country is written (%(country)s).", country=country)


def _no_time_to_approve(facts: Facts) -> str:
    minutes = int(facts["least"].total_seconds() // 60)
    return _(
        "Whoever approves needs at least %(least)s, and it would have to be by %(until)s: choose a later slot.",
        least=duration(minutes), until=_when(facts["until"]),
    )  # fmt: skip


def _window_closed(facts: Facts) -> str:
    return _(
        "Payment closed for this slot: it had to be open by %(last)s. Choose a later one.",
        last=_when(facts["last"]),
    )


def _refund_changed(facts: Facts) -> str:
    return _(
        "The refund changed while you were reading: it is now %(now)s, no longer %(shown)s. Nothing was cancelled.",
        now=money(facts["now"]), shown=money(facts["shown"]),
    )  # fmt: skip


def _refund_too_large(facts: Facts) -> str:
    if facts["asked"] <= 0:
        return _("Write the amount in euros and cents, as in 250 or 99.50.")
    return _(
        "%(asked)s is more than the %(left)s that can still be given back.",
        asked=money(facts["asked"]), left=money(facts["left"]),
    )  # fmt: skip


def _meeting_place(facts: Facts) -> str:
    if facts.get("kind") == "address":
        return _("Say where you meet: street, number and city.")
    return _("Say where you meet: a link that starts with https://.")


def _review_closed(facts: Facts) -> str:
    return {
        "sent": _("Your review is sent already. It cannot be changed."),
        "not_yet": _("The review opens once the session is over."),
        "over": _("The time for reviews is over."),
    }.get(facts.get("why", ""), _("This review is closed."))


def _weak(facts: Facts) -> str:
    why = facts.get("why")
    if why == "short":
        return ngettext(
            "At least %(num)d character. A few words that have nothing to do with each other are easy to keep in mind.",
            "At least %(num)d characters. A few words that have nothing to do with each other are easy to keep in mind.",
            facts["least"],
        )
    if why == "long":
        return ngettext("At most %(num)d character.", "At most %(num)d characters.", facts["most"])
    if why == "own_words":
        return _("This password is made of your name, your company’s or ours: choose other words.")
    return _("This password is among those everybody tries first: choose another.")


def _text(facts: Facts) -> str:
    why = facts.get("why")
    if why == "too_long":
        return ngettext(
            "One of the texts is too long: at most %(num)d character.",
            "One of the texts is too long: at most %(num)d characters.",
            facts["most"],
        )
    if why == "empty":
        return _("A name is needed here.")
    if why in ("language", "zone"):
        return _("Choose one of those listed.")
    return _("Some characters here cannot be kept: type them again.")


def _tries(facts: Facts) -> str:
    return _(
        "Too many tries. You can try again from %(time)s on.",
        time=clock_time(facts["until"], current_zone_name()),
    )


def _data_file(facts: Facts) -> str:
    first = [" ".join(str(part) for part in problem) for problem in list(facts.get("problems") or ())[:3]]
    return _("The data file does not hold: %(problems)s.", problems="; ".join(first))


def _plain(text: Callable[[], str]) -> Callable[[Facts], str]:
    return lambda facts: text()


def _names(missing: Any, names: Mapping[str, str]) -> str:
    return listed([names.get(name, name) for name in (missing or ())])


def _when(instant: Any) -> str:
    zone = current_zone_name()
    return f"{attribute(moment(instant, zone))}, {zone_hour(zone)}"


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.NotFound: _not_found,
    errors.CurrencyMismatch: _plain(lambda: _("Payments are made in euros here.")),
    errors.MoveNotOpen: _move_not_open,
    errors.TooLate: _too_late,
    errors.SlotTaken: _slot_taken,
    errors.SlotNotOffered: _slot_not_offered,
    errors.RescheduleRefused: _reschedule,
    errors.RescheduleOver: _reschedule_over,
    errors.TooManyHolds: _too_many_holds,
    errors.OwnOffer: _plain(
        lambda: _("This expert belongs to your company: a session with them is not booked here.")
    ),
    errors.NotBookable: _plain(lambda: _("This offer cannot be booked just now.")),
    errors.NoMoreExtensions: _plain(lambda: _("The slot was extended twice already: pay now, or let it go.")),
    errors.BriefIncomplete: _brief_incomplete,
    errors.BriefSavedElsewhere: _plain(
        lambda: _(
            "This text was saved in another window meanwhile. Yours is still here: copy it, then reload the page."
        )
    ),
    errors.TermsNotAccepted: _terms,
    errors.BillingMissing: _billing,
    errors.VatNumberWrong: _vat,
    errors.PaymentWindowClosed: _window_closed,
    errors.NoTimeToApprove: _no_time_to_approve,
    errors.PlatformNotReady: _plain(
        lambda: _(
            "No new payment can be taken just now. Your slot and your texts are kept; try again in a while."
        )
    ),
    errors.RefundTooLarge: _refund_too_large,
    errors.RefundChanged: _refund_changed,
    errors.MeetingPlaceMissing: _meeting_place,
    errors.ReasonMissing: _plain(lambda: _("Give a reason: the other side reads it.")),
    errors.NothingAsked: _plain(lambda: _("Say at one field at least what is to be changed.")),
    errors.ReviewClosed: _review_closed,
    errors.ProviderBusy: _plain(
        lambda: _(
            "The payment provider does not answer just now. Nothing was taken and nothing is lost: try again."
        )
    ),
    errors.SearchTooSlow: _plain(
        lambda: _("This search would have taken too long. Tell it in fewer words or set fewer filters.")
    ),
    errors.EmailTaken: _plain(lambda: _("Read your mail: we have written to you.")),
    errors.FreeMailAddress: lambda facts: _(
        "Sign up with your company’s address: anybody can have one at %(domain)s.", domain=facts["domain"]
    ),
    errors.LinkSpent: _plain(lambda: _("This link was used already or has run out. Ask for a new one.")),
    errors.TooManyTries: _tries,
    errors.WrongCredentials: _plain(
        lambda: _(
            "Address and password do not go together. If you have just signed up, open the link in our mail first."
        )
    ),
    errors.WeakPassword: _weak,
    errors.AccountSuspended: _plain(
        lambda: _("This account is suspended. Write to us: the legal notice says where.")
    ),
    errors.DataFileWrong: _data_file,
    errors.TextRefused: _text,
}

STATUSES: Mapping[type[Refusal], int] = {
    errors.NotFound: 404,
    errors.MoveNotOpen: 409,
    errors.TooLate: 409,
    errors.SlotTaken: 409,
    errors.SlotNotOffered: 409,
    errors.RescheduleRefused: 409,
    errors.RescheduleOver: 409,
    errors.TooManyHolds: 409,
    errors.NoMoreExtensions: 409,
    errors.BriefSavedElsewhere: 409,
    errors.RefundChanged: 409,
    errors.ReviewClosed: 409,
    errors.NotBookable: 409,
    errors.PaymentWindowClosed: 409,
    errors.TooManyTries: 429,
    errors.ProviderBusy: 503,
    errors.SearchTooSlow: 503,
    errors.PlatformNotReady: 503,
}
