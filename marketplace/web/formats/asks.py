"""What the payment provider still asks of an expert, in our words (payments.md: Express shows them to nobody)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask_babel import gettext as _

# By the beginning of the provider's own field words: the longest that fits says it.
_ASKS: Mapping[str, Callable[[], str]] = {
    "identity.attestations": lambda: _("your agreement to the provider’s own terms"),
    "identity.individual": lambda: _("your name, date of birth and home address"),
    "identity.individual.documents": lambda: _("an identity document"),
    "identity.business_details": lambda: _("your company’s details"),
    "identity.business_details.id_numbers": lambda: _("your company’s tax number"),
    "identity.business_details.documents": lambda: _("a document about your company"),
    "configuration.recipient.default_outbound_destination": lambda: _("the bank account to pay to"),
    "configuration.recipient": lambda: _("what it needs before it may pay you"),
    "defaults.profile": lambda: _("a web address or a description of what you sell"),
    "defaults.currency": lambda: _("the currency you are paid in"),
    "contact_email": lambda: _("an address it can write to"),
    "contact_phone": lambda: _("a telephone number"),
    "identity.country": lambda: _("the country you are established in"),
    "identity.entity_type": lambda: _("whether you sell as a person or a company"),
    "identity.individual.given_name": lambda: _("your name"),
    "identity.individual.surname": lambda: _("your name"),
    "identity.individual.date_of_birth": lambda: _("your date of birth"),
    "identity.individual.address": lambda: _("your home address"),
    "identity.individual.email": lambda: _("your own address for mail"),
    "identity.individual.phone": lambda: _("your telephone number"),
    "identity.individual.id_numbers": lambda: _("your tax or identity number"),
    "identity.individual.nationalities": lambda: _("your nationality"),
    "identity.individual.documents.primary_verification": lambda: _("an identity document"),
    "identity.individual.documents.secondary_verification": lambda: _("a proof of your home address"),
    "identity.business_details.registered_name": lambda: _("your company’s registered name"),
    "identity.business_details.address": lambda: _("your company’s address"),
    "identity.business_details.phone": lambda: _("your company’s telephone number"),
    "identity.person": lambda: _("who directs and owns your company"),
    "relationship": lambda: _("who directs and owns your company"),
}


def account_asks(codes: Iterable[str]) -> list[str]:
    """What is still asked, each thing once; what we have no words for carries the provider's own."""
    said = []
    for code in codes:
        known = max((start for start in _ASKS if code.startswith(start)), key=len, default=None)
        words = (
            _ASKS[known]()
            if known
            else _("what the provider calls “%(code)s”; its own page says it in full", code=code)
        )
        if words not in said:
            said.append(words)
    return said
