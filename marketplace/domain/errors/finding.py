"""Refusals while looking for an expert: lists, questions, enquiries."""

from __future__ import annotations

from .base import Refusal


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
