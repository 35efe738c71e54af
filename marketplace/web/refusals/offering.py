"""Refusals around offering sessions, the operators' desk, and one's own account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.amounts import money
from ..formats.places import country_name

Facts = Mapping[str, Any]


def _not_admitted(facts: Facts) -> str:
    if facts.get("status") == "suspended":
        return _("Your account is suspended: nothing can be submitted meanwhile.")
    return _("An offer is submitted once you are admitted: finish your application first.")


def _busy(facts: Facts) -> str:
    """Why a busy calendar cannot be read, or is not taken up."""
    why = facts["why"]
    if why == "too_many":
        return _("Five calendars at most: remove one first.")
    if why == "answer":
        return _(
            "The server answers %(status)s at this address: is it the private iCalendar address?",
            status=facts.get("status", ""),
        )
    return {
        "name_missing": _("Give it a name, so that you know it again."),
        "scheme": _("The address begins with https:// or webcal://."),
        "address": _("This is not an address that can be read. Copy it whole, without a user name in it."),
        "name": _("There is no such server: is the address whole?"),
        "forbidden": _("This address does not lie on the public internet, so we do not read it."),
        "redirects": _("The address sends us on too often."),
        "size": _("This calendar is larger than 5 MB: share one with fewer past entries."),
        "time": _("The server took more than ten seconds to answer."),
        "tls": _("The server’s certificate is not valid, so the connection is not safe."),
        "connection": _("The server broke the connection off."),
        "kind": _("This address gives no calendar but something else: it must be in iCalendar format (.ics)."),
        "events": _("This calendar holds more entries for the next two months than we can read."),
        "heavy": _("The entries of this calendar could not be worked out within our limits."),
    }[why]  # fmt: skip


def _incomplete(facts: Facts) -> str:
    number = len(facts.get("missing") or ())
    return ngettext(
        "One answer is still missing before this can be submitted.",
        "%(num)d answers are still missing before this can be submitted.",
        number,
    )


def _price(facts: Facts) -> str:
    return _(
        "A price is between %(least)s and %(most)s without VAT.",
        least=money(facts["least"]),
        most=money(facts["most"]),
    )


def _not_closed(facts: Facts) -> str:
    if facts.get("status") == "hidden":
        return _("This offer is hidden by the operators: their message says why, and what you can do.")
    return _("This cannot be done with the offer as it stands now.")


def _synonyms(facts: Facts) -> str:
    why, most = str(facts.get("why")), facts.get("most")
    if why == "few":
        return _("A group has two terms at least: one alone means nothing else.")
    if why == "many":
        return _("A group has %(most)s terms at most.", most=most)
    if why == "empty":
        return _("“%(term)s” is grammar alone: it would stand for every search.", term=facts.get("term"))
    return _(
        "“%(term)s” is too long: the search looks up %(most)s words together at most.",
        term=facts.get("term"), most=most,
    )  # fmt: skip


_DAYS: Mapping[str, Callable[[], str]] = {
    "past": lambda: _("This day has passed."),
    "far": lambda: _("This day is more than two years ahead."),
    "twice": lambda: _("This day is listed twice."),
    "order": lambda: _("The last day comes after the first."),
    "date": lambda: _("A date has a day, a month and a year."),
    "zone": lambda: _("Choose a time zone of the list."),
}


def _hours(facts: Facts) -> str:
    why = str(facts.get("why"))
    if why == "too_many":
        return _("At most %(most)s ranges can be kept.", most=facts.get("most", 50))
    if why == "overlap":
        return _("This range overlaps another one: join them, or shorten one.")
    if why == "empty":
        return _("A range ends after it begins; past midnight it lasts twelve hours at most.")
    if why == "number":
        return _("A whole number from %(least)s to %(most)s.", least=facts["least"], most=facts["most"])
    if why in _DAYS:
        return _DAYS[why]()
    return _("A time has hours and minutes, such as 09:30.")


def _photo(facts: Facts) -> str:
    why = facts.get("why")
    if why == "size":
        return _("The file is too large: at most 5 megabytes.")
    if why == "pixels":
        return _("The photograph is too small or too large: between 200 and 8,000 pixels a side.")
    return _("This file is not a photograph we can read: send a JPEG, PNG or WebP.")


def _answer(facts: Facts) -> str:
    why = facts.get("why")
    if why == "too_short":
        return ngettext(
            "%(least)d words at least: there is %(num)d so far.",
            "%(least)d words at least: there are %(num)d so far.",
            facts["given"], least=facts["least"],
        )  # fmt: skip
    if why == "too_many_words":
        return _("%(most)d words at most: there are %(given)d.", most=facts["most"], given=facts["given"])
    if why == "address":
        return _("An address starts with https:// and names a site.")
    if why == "ground":
        return _("This ground does not exist in the country of your address.")
    if why == "no_vat_there":
        return _("There is no VAT in the country of your address: say that you charge none.")
    return _("This answer is still missing.")


def _undo_over(facts: Facts) -> str:
    why = facts.get("why")
    if why == "booked":
        return _("A session was booked meanwhile: this can no longer be taken back.")
    if why == "changed":
        return _("The author has changed it meanwhile: this can no longer be taken back.")
    return _("The people concerned have been told: this can no longer be taken back.")


def _plain(words: Callable[[], str]) -> Callable[[Facts], str]:
    return lambda facts: words()


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.ExpertNotAdmitted: _not_admitted,
    errors.DraftIncomplete: _incomplete,
    errors.DraftSavedElsewhere: _plain(
        lambda: _(
            "Another window saved this meanwhile. Nothing was overwritten: look at both before you save."
        )
    ),
    errors.DraftSubmitted: _plain(
        lambda: _("This is with the operators: take it back before you change it.")
    ),
    errors.DraftUnchanged: _plain(
        lambda: _("This says what is published already: there is nothing to submit.")
    ),
    errors.PriceRefused: _price,
    errors.StandingMissing: _plain(
        lambda: _(
            "An instant offer needs your standing acceptance and your video link: give both, or choose on request."
        )
    ),
    errors.OfferNotClosed: _not_closed,
    errors.HoursRefused: _hours,
    errors.BusyCalendarRefused: _busy,
    errors.HolidaysUnknown: _plain(lambda: _("Choose a country and region from the list.")),
    errors.PhotoRefused: _photo,
    errors.AnswerRefused: _answer,
    errors.RegistrationWrong: lambda facts: _(
        "This is not a company number of %(country)s: count its digits again.",
        country=country_name(facts["country"]),
    ),
    errors.CountryNotServed: lambda facts: _(
        "Our payment provider opens no account there yet: %(country)s.",
        country=country_name(facts["country"]),
    ),
    errors.CaseDecided: _plain(
        lambda: _(
            "This case is closed: another operator decided it, or it was taken back. Nothing was changed."
        )
    ),
    errors.CaseChanged: _plain(
        lambda: _("What you read has changed meanwhile. Nothing was decided: read it again.")
    ),
    errors.OwnCase: _plain(lambda: _("Nobody decides on themselves: another operator does.")),
    errors.UndoOver: _undo_over,
    errors.FactorWrong: _plain(
        lambda: _("This code is not right, or was used already. Wait for the next one and type that.")
    ),
    errors.FactorTaken: _plain(
        lambda: _("A second factor was set up meanwhile: sign in again, and give its code.")
    ),
    errors.FactorNeeded: _plain(
        lambda: _("Operators keep a second factor: replace it by another one instead.")
    ),
    errors.AddressOfAnotherCompany: lambda facts: _(
        "You buy for a company: your address stays one of %(domain)s.", domain=facts["domain"]
    ),
    errors.SameAddress: _plain(lambda: _("This is your address already.")),
    errors.OperatorExists: _plain(lambda: _("There is an operator already: operators make the others.")),
    errors.LastOperator: _plain(lambda: _("This is the last operator: make another one first.")),
    errors.ShortlistFull: lambda facts: _(
        "A shortlist holds %(most)s offers at most: take one off first.", most=facts["most"]
    ),
    errors.SavedSearchesFull: lambda facts: _(
        "You can keep %(most)s searches: delete one first.", most=facts["most"]
    ),
    errors.SynonymsWrong: _synonyms,
    errors.AlreadyRestricted: _plain(
        lambda: _("This is so already: somebody was faster. Nothing was changed.")
    ),
}

STATUSES: Mapping[type[Refusal], int] = {
    errors.ExpertNotAdmitted: 409,
    errors.DraftSavedElsewhere: 409,
    errors.DraftSubmitted: 409,
    errors.DraftUnchanged: 409,
    errors.OfferNotClosed: 409,
    errors.CaseDecided: 409,
    errors.CaseChanged: 409,
    errors.OwnCase: 409,
    errors.UndoOver: 409,
    errors.FactorTaken: 409,
    errors.FactorNeeded: 409,
    errors.OperatorExists: 409,
    errors.LastOperator: 409,
    errors.AlreadyRestricted: 409,
    errors.ShortlistFull: 409,
    errors.SavedSearchesFull: 409,
}
