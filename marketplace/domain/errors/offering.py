"""Refusals of experts: what they say of themselves, offers, hours."""

from __future__ import annotations

from .base import Refusal


class DataFileWrong(Refusal):
    """A data file's line does not hold. Facts: problems, a list of (file, line, field, what)."""


class TextRefused(Refusal):
    """A text with characters nobody types, or too long. Facts: why (nul, surrogate, control, too_long), most."""


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
