"""Refusals around questions before booking, and enquiries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from ...domain import errors
from ...domain.errors import Refusal

Facts = Mapping[str, Any]


def _incomplete(facts: Facts) -> str:
    sentences = {
        "summary": _("Say in a few sentences what the problem is."),
        "asked": _("Ask at least one question that can be answered with yes or no."),
        "verdict": _("Answer each question with yes, partly or no."),
    }
    return sentences.get(facts.get("missing", ""), _("Something is missing here."))


def _too_many(facts: Facts) -> str:
    if facts.get("whose") == "expert":
        return ngettext(
            "This expert takes %(num)d question a week, and it has been asked. Try again in a few days.",
            "This expert takes %(num)d questions a week, and they have been asked. Try again in a few days.",
            facts["limit"],
        )
    return ngettext(
        "You have %(num)d open question: wait for its answer first.",
        "You have %(num)d open questions: wait for an answer first.",
        facts["limit"],
    )


def _over(facts: Facts) -> str:
    if facts.get("state") == "unanswered":
        return _("The 48 hours to answer are over.")
    return _("This question has been answered already.")


def _enquiry(facts: Facts) -> str:
    if facts.get("missing") == "title":
        return _("Give your problem a title.")
    return _("Say in a few sentences what the problem is.")


def _enquiry_over(facts: Facts) -> str:
    sentences = {
        "taken": _("This enquiry is closed: a proposal was taken."),
        "withdrawn": _("This enquiry was withdrawn."),
    }
    return sentences.get(facts.get("state", ""), _("This enquiry is closed: its 30 days are over."))


def _proposal(facts: Facts) -> str:
    if facts.get("missing") == "slots":
        return _("Choose two or three different slots.")
    return _("Choose one of your offers.")


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.QuestionIncomplete: _incomplete,
    errors.TooManyQuestions: _too_many,
    errors.TooManyEnquiries: lambda facts: ngettext(
        "You have %(num)d open enquiry: withdraw it before you publish another one.",
        "You have %(num)d open enquiries: withdraw one before you publish another one.",
        facts["limit"],
    ),
    errors.TooManyInvited: lambda facts: ngettext(
        "At most %(num)d expert is invited.", "At most %(num)d experts are invited.", facts["limit"]
    ),
    errors.EnquiryIncomplete: _enquiry,
    errors.EnquiryOver: _enquiry_over,
    errors.ProposalIncomplete: _proposal,
    errors.ProposalMade: lambda facts: _("You have answered this enquiry already."),
    errors.ProposalOver: lambda facts: _(
        "The expert has changed this offer since. What they agreed to is no longer the same: ask them by a question."
    ),
    errors.QuestionsPaused: lambda facts: _("This expert takes no questions just now."),
    errors.QuestionOver: _over,
    errors.NamedOfferWrong: lambda facts: _(
        "Name another offer that can be booked: its address begins like that of this site’s offers."
    ),
}

STATUSES: Mapping[type[Refusal], int] = {
    errors.TooManyQuestions: 409,
    errors.QuestionsPaused: 409,
    errors.QuestionOver: 409,
    errors.TooManyEnquiries: 409,
    errors.TooManyInvited: 409,
    errors.EnquiryOver: 409,
    errors.ProposalMade: 409,
    errors.ProposalOver: 409,
}
