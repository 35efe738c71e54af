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
    "defaults.profile": lambda: _("a web address or a description of what you sell"),
}


def account_asks(codes: Iterable[str]) -> list[str]:
    """What is still asked, each thing once; what we have no words for is named as a whole."""
    said = []
    for code in codes:
        known = max((start for start in _ASKS if code.startswith(start)), key=len, default=None)
        words = _ASKS[known]() if known else _("something only its own page can name")
        if words not in said:
            said.append(words)
    return said
