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


def _hours(facts: Facts) -> str:
    why = facts.get("why")
    if why == "too_many":
        return _("At most %(most)s ranges can be kept.", most=facts.get("most", 50))
    if why == "overlap":
        return _("Two ranges of the same day overlap: join them, or shorten one.")
    if why == "empty":
        return _("A range ends after it begins.")
    if why == "day":
        return _("This day has passed, or is listed twice.")
    return _("A time has hours and minutes, such as 09:30.")


def _photo(facts: Facts) -> str:
    why = facts.get("why")
    if why == "size":
        return _("The file is too large: at most 5 megabytes.")
    if why == "pixels":
        return _("The photograph is too small or too large: between 200 and 8,000 pixels a side.")
    return _("This file is not a photograph we can read: send a JPEG, PNG or WebP.")


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
    errors.PhotoRefused: _photo,
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
        lambda: _("Your second factor stands already: take it away before you set up another.")
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
    errors.OperatorExists: 409,
    errors.LastOperator: 409,
    errors.AlreadyRestricted: 409,
    errors.ShortlistFull: 409,
}
